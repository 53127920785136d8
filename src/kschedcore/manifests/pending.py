"""The pods that workloads still lack.

A dump of a cluster holds a Deployment, its ReplicaSets and its pods: what counts is how many pods the Deployment
lacks. A workload that another one in the manifests made is counted there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from kschedcore.api.objects import ObjectMeta, Pod, PodSpec, decode
from kschedcore.api.phases import FINISHED
from kschedcore.manifests.workloads import TEMPLATE_HASH, pods_of, replica_set_of, workload_of

__all__ = ["missing_pods", "missing_replica_sets"]

Whole = Mapping[str, Any]
"""A whole workload object."""

Key = tuple[str, str, str]
"""(kind, namespace, name)."""


def missing_pods(
    workloads: Collection[Whole], pods: Collection[Pod], spec_of: Callable[[Whole, Whole], PodSpec]
) -> Iterator[Pod]:
    """Yield the pods that workloads ask for and that are not there, workload by workload.

    A pod that has finished or is on its way out is replaced, under another name.

    Args:
        workloads: Whole objects.
        pods: The pods that are there.
        spec_of: Returns the view of a pod's spec, given the workload and the spec.

    Raises:
        ManifestError: A workload's template cannot be read as that of a pod.
    """
    asking = _asking(workloads)
    taken = {(pod.metadata.namespace or "default", pod.metadata.name) for pod in pods}
    have = Counter(_asked_by(pod, asking) for pod in pods if _is_active(pod))
    current = _current_replica_sets(workloads)
    for key, workload in asking.items():
        if is_paused(workload) and key not in current:
            continue
        asked = pods_of(workload, replica_set=current.get(key))
        left = len(asked) - have[key]
        if left <= 0:
            continue
        shown: Any = None
        for pod in asked:
            metadata = decode(ObjectMeta, pod["metadata"])
            if left > 0 and (metadata.namespace, metadata.name) not in taken:
                if shown is not pod["spec"]:
                    shown = pod["spec"]
                    spec = spec_of(workload, shown)
                yield Pod(metadata=metadata, spec=spec)
                left -= 1


def missing_replica_sets(workloads: Collection[Whole]) -> list[dict[str, Any]]:
    """Return the ReplicaSets that the Deployments' controller has yet to make."""
    current = _current_replica_sets(workloads)
    return [
        replica_set_of(workload)
        for key, workload in _asking(workloads).items()
        if key[0] == "Deployment" and key not in current and not is_paused(workload)
    ]


def is_paused(workload: Whole) -> bool:
    """Whether a Deployment is paused: its controller then scales the ReplicaSets that it has, and creates none."""
    return workload["kind"] == "Deployment" and (workload.get("spec") or {}).get("paused") is True


def _asking(workloads: Collection[Whole]) -> dict[Key, Whole]:
    """Return the workloads that no other one made."""
    known = {_key(each): each for each in workloads}
    return {key: each for key, each in known.items() if _maker(each) not in known}


def _key(workload: Whole) -> Key:
    metadata = workload["metadata"]
    return workload["kind"], metadata.get("namespace") or "default", metadata["name"]


def _maker(workload: Whole) -> Key | None:
    metadata = decode(ObjectMeta, workload["metadata"])
    owner = next((each for each in metadata.owner_references or () if each.controller), None)
    return None if owner is None else (owner.kind, metadata.namespace or "default", owner.name)


def _current_replica_sets(workloads: Collection[Whole]) -> dict[Key, Whole]:
    """Return Deployment -> the ReplicaSet made for the template that it has now."""
    deployments = {_key(each): each for each in workloads if each["kind"] == "Deployment"}
    current = {}
    for each in workloads:
        maker = _maker(each) if each["kind"] == "ReplicaSet" else None
        if maker in deployments and _template(each) == _template(deployments[maker]):
            current[maker] = each
    return current


def _template(workload: Whole) -> dict[str, Any]:
    """Return a template without the label that tells templates apart."""
    template = dict((workload.get("spec") or {}).get("template") or {})
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {k: v for k, v in (metadata.get("labels") or {}).items() if k != TEMPLATE_HASH}
    return {**template, "metadata": metadata}


def _is_active(pod: Pod) -> bool:
    return pod.status.phase not in FINISHED and pod.metadata.deletion_timestamp is None


def _asked_by(pod: Pod, asking: Mapping[Key, Whole]) -> Key | None:
    """Return the workload a pod belongs to: a Deployment, or its ReplicaSet where that stands alone."""
    namespace = pod.metadata.namespace or "default"
    owners = [(each.kind, each.name) for each in pod.metadata.owner_references or () if each.controller]
    for kind, name in filter(None, (workload_of(pod), *owners)):
        if (kind, namespace, name) in asking:
            return kind, namespace, name
    return None
