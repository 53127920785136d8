"""The missing pods of workloads.

A dump of a cluster contains a Deployment, its ReplicaSets and its pods: only the Deployment's missing pods count. A
workload that another one in the manifests controls is counted there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from kschedcore.api.objects import ObjectMeta, Pod, PodSpec, decode
from kschedcore.api.phases import FINISHED
from kschedcore.manifests.workloads import TEMPLATE_HASH, pods_of, replica_set_of, workload_of

__all__ = ["current_replica_sets", "key_of_workload", "missing_pods", "missing_replica_sets", "without_hash"]

Whole = Mapping[str, Any]
"""A complete workload object."""

Key = tuple[str, str, str]
"""(kind, namespace, name)."""


def missing_pods(
    workloads: Collection[Whole], pods: Collection[Pod], spec_of: Callable[[Whole, Whole], PodSpec]
) -> Iterator[Pod]:
    """Yield the missing pods of workloads, workload by workload.

    A finished or terminating pod is replaced, under another name.

    Args:
        workloads: Whole objects.
        pods: The existing pods.
        spec_of: Returns the view of a pod's spec, given the workload and the spec.

    Raises:
        ManifestError: A workload's pod template is invalid.
    """
    roots = _root_workloads(workloads)
    taken = {(pod.metadata.namespace or "default", pod.metadata.name) for pod in pods}
    have = Counter(_workload_of(pod, roots) for pod in pods if _is_active(pod))
    current = current_replica_sets(workloads)
    for key, workload in roots.items():
        if is_paused(workload) and key not in current:
            continue
        wanted = pods_of(workload, replica_set=current.get(key))
        left = len(wanted) - have[key]
        if left <= 0:
            continue
        shown: Any = None
        for pod in wanted:
            metadata = decode(ObjectMeta, pod["metadata"])
            if left > 0 and (metadata.namespace, metadata.name) not in taken:
                if shown is not pod["spec"]:
                    shown = pod["spec"]
                    spec = spec_of(workload, shown)
                yield Pod(metadata=metadata, spec=spec)
                left -= 1


def missing_replica_sets(workloads: Collection[Whole]) -> list[dict[str, Any]]:
    """Return the ReplicaSets that the Deployment controller would create."""
    current = current_replica_sets(workloads)
    return [
        replica_set_of(workload)
        for key, workload in _root_workloads(workloads).items()
        if key[0] == "Deployment" and key not in current and not is_paused(workload)
    ]


def is_paused(workload: Whole) -> bool:
    """Return whether a Deployment is paused: its controller then scales existing ReplicaSets, and creates none."""
    return workload["kind"] == "Deployment" and (workload.get("spec") or {}).get("paused") is True


def _root_workloads(workloads: Collection[Whole]) -> dict[Key, Whole]:
    """Return the workloads without a controller among the workloads."""
    known = {key_of_workload(each): each for each in workloads}
    return {key: each for key, each in known.items() if _maker(each) not in known}


def key_of_workload(workload: Whole) -> Key:
    """Return (kind, namespace, name) of a workload."""
    metadata = workload["metadata"]
    return workload["kind"], metadata.get("namespace") or "default", metadata["name"]


def _maker(workload: Whole) -> Key | None:
    metadata = decode(ObjectMeta, workload["metadata"])
    owner = next((each for each in metadata.owner_references or () if each.controller), None)
    return None if owner is None else (owner.kind, metadata.namespace or "default", owner.name)


def current_replica_sets(workloads: Collection[Whole]) -> dict[Key, Whole]:
    """Return Deployment -> the ReplicaSet of its present template."""
    deployments = {key_of_workload(each): each for each in workloads if each["kind"] == "Deployment"}
    current = {}
    for each in workloads:
        maker = _maker(each) if each["kind"] == "ReplicaSet" else None
        if maker in deployments and without_hash(each) == without_hash(deployments[maker]):
            current[maker] = each
    return current


def without_hash(workload: Whole) -> dict[str, Any]:
    """Return a template without the label ``pod-template-hash``."""
    template = dict((workload.get("spec") or {}).get("template") or {})
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {k: v for k, v in (metadata.get("labels") or {}).items() if k != TEMPLATE_HASH}
    return {**template, "metadata": metadata}


def _is_active(pod: Pod) -> bool:
    return pod.status.phase not in FINISHED and pod.metadata.deletion_timestamp is None


def _workload_of(pod: Pod, roots: Mapping[Key, Whole]) -> Key | None:
    """Return the workload of a pod: a Deployment, or its ReplicaSet if that has no Deployment."""
    namespace = pod.metadata.namespace or "default"
    owners = [(each.kind, each.name) for each in pod.metadata.owner_references or () if each.controller]
    for kind, name in filter(None, (workload_of(pod), *owners)):
        if (kind, namespace, name) in roots:
            return kind, namespace, name
    return None
