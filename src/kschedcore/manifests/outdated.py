"""The workloads that have pods of an earlier template, which their controllers are about to replace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.objects import Pod
from kschedcore.api.phases import FINISHED
from kschedcore.manifests.pending import current_replica_sets, key_of_workload, without_hash
from kschedcore.manifests.workloads import workload_of

if TYPE_CHECKING:
    from kschedcore.manifests.manifests import Manifests

__all__ = ["Outdated", "outdated_pods"]

Outdated = tuple[ReadOnlyObject, list[Pod], list[Pod]]
"""A workload, its pods of earlier templates, and those of its template."""


def outdated_pods(manifests: Manifests) -> Iterator[Outdated]:
    """Yield the Deployments, StatefulSets and DaemonSets that have active pods of earlier templates."""
    workloads = [*manifests.workloads, *manifests.daemon_sets]
    owners = {key_of_workload(each): each for each in workloads if _rolls_out(each)}
    found: dict[Any, tuple[list[Pod], list[Pod]]] = {}
    current = current_replica_sets(manifests.workloads)
    for pod in manifests.pods if owners else ():
        if (
            pod.status.phase in FINISHED
            or pod.metadata.deletion_timestamp is not None
            or not pod.metadata.uid
        ):
            continue
        owner = workload_of(pod)
        key = (owner[0], pod.metadata.namespace or "default", owner[1]) if owner is not None else None
        if key in owners:
            old = _is_outdated(manifests, owners[key], pod, current.get(key))
            found.setdefault(key, ([], []))[not old].append(pod)
    return ((owners[key], old, new) for key, (old, new) in found.items() if old)


_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def _rolls_out(workload: ReadOnlyObject) -> bool:
    """Whether a controller replaces the pods of earlier templates by itself."""
    spec = workload.get("spec") or {}
    on_delete = (spec.get("updateStrategy") or {}).get("type") == "OnDelete"
    return workload["kind"] in _KINDS and spec.get("paused") is not True and not on_delete


def _is_outdated(
    manifests: Manifests, workload: ReadOnlyObject, pod: Pod, current: ReadOnlyObject | None
) -> bool:
    owner = next(each for each in pod.metadata.owner_references or () if each.controller)
    if owner.kind == "ReplicaSet":
        if ("ReplicaSet", pod.metadata.namespace or "default", owner.name) in manifests.objects:
            return current is None or current["metadata"]["name"] != owner.name
    elif workload["kind"] == "StatefulSet":
        revision = (workload.get("status") or {}).get("updateRevision")
        label = (pod.metadata.labels or {}).get("controller-revision-hash")
        if revision and label and revision != label:
            return True
    before = manifests.upgrades.get(key_of_workload(workload))
    return before is not None and without_hash(before) != without_hash(workload)
