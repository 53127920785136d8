"""Whether what placement reads of a manifest makes sense (the parts of API validation that decide on a place).

A view has the right types already. What is checked here is what the API server would refuse and what would
otherwise place pods wrongly without a word: quantities, names, labels, selectors, taints, tolerations, spread
constraints. Fields that nobody here reads are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from kschedcore.api.objects import (
    ContainerStatus,
    CSIStorageCapacity,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    ReplicationController,
    RuntimeClass,
    View,
    Workload,
    decode,
)
from kschedcore.api.templates import template_of
from kschedcore.errors import ManifestError, UsageError
from kschedcore.rules.checks.fields import each, fault, labels, quantities, quantity, within
from kschedcore.rules.checks.pods import pod_spec
from kschedcore.rules.checks.selectors import label_selector, node_selector
from kschedcore.rules.checks.taints import taints

V = TypeVar("V", bound=View)

_COUNTS: Final = ("replicas", "parallelism", "completions")

__all__ = ["check", "check_workload", "checked"]


def check(view: View) -> None:
    """Check a view.

    Raises:
        ManifestError: The first fault: its field path, what was found and what was expected.
    """
    metadata = getattr(view, "metadata", None)
    if metadata is not None:
        labels("metadata.labels", metadata.labels)
    checker = _CHECKERS.get(type(view))
    if checker is not None:
        checker(view)


def checked(view: type[V], item: V | Mapping[str, Any], *, named: bool = True) -> V:
    """An object that a program hands in, as a view: a manifest is decoded and checked, a view was before.

    Args:
        view: The view.
        item: The object.
        named: Whether it has to have a name.

    Raises:
        UsageError: It is neither.
        ManifestError: The manifest is invalid; with its kind and name and the path of the field.
    """
    if isinstance(item, view):
        typed = item
    elif isinstance(item, Mapping):
        try:
            typed = decode(view, item)
            check(typed)
        except ManifestError as error:
            raise error.located(subject=_subject(view, item)) from None
    else:
        raise UsageError(f"found {type(item).__name__}; expected a {view.__name__}, or a manifest of one")
    if named and not _name_of(typed):
        raise ManifestError("is missing; expected a name", subject=view.__name__, path="metadata.name")
    return typed


def _name_of(view: View) -> str:
    metadata = getattr(view, "metadata", None)
    return "" if metadata is None else metadata.name


def _subject(view: type[View], item: Mapping[str, Any]) -> str:
    """What an object is called, as far as that can be told of one that is invalid."""
    metadata = item.get("metadata")
    meta = metadata if isinstance(metadata, Mapping) else {}
    name = "/".join(str(meta[key]) for key in ("namespace", "name") if meta.get(key))
    return f"{view.__name__} {name}".strip()


def check_workload(workload: Mapping[str, Any]) -> None:
    """Check a whole workload: how many pods it asks for, and what they are to be.

    Raises:
        ManifestError: As :func:`check`.
    """
    template = template_of(workload)
    labels("spec.template.metadata.labels", template.metadata.labels)
    within("spec.template.spec", pod_spec, template.spec)
    if workload["kind"] == "ReplicationController":  # its selector is of another type
        spec = decode(ReplicationController, workload).spec
        counts = {} if spec is None else {"replicas": spec.replicas}
    else:
        view = decode(Workload, workload)
        check(view)
        counts = {} if view.spec is None else {name: getattr(view.spec, name) for name in _COUNTS}
    for name, count in counts.items():
        if count is not None and count < 0:
            raise fault(f"spec.{name}", count, "a number from 0")


def _node(node: Node) -> None:
    taints("spec.taints", node.spec.taints)
    quantities("status.allocatable", node.status.allocatable)
    quantities("status.capacity", node.status.capacity)


def _pod(pod: Pod) -> None:
    within("spec", pod_spec, pod.spec)
    each("status.containerStatuses", _container_status, pod.status.container_statuses)
    each("status.initContainerStatuses", _container_status, pod.status.init_container_statuses)


def _container_status(status: ContainerStatus) -> None:
    quantities("allocatedResources", status.allocated_resources)
    if status.resources is not None:
        quantities("resources.requests", status.resources.requests)
        quantities("resources.limits", status.resources.limits)


def _workload(workload: Workload) -> None:
    if workload.spec is not None:
        within("spec.selector", label_selector, workload.spec.selector)


def _budget(budget: PodDisruptionBudget) -> None:
    within("spec.selector", label_selector, budget.spec.selector)


def _claim(claim: PersistentVolumeClaim) -> None:
    within("spec.selector", label_selector, claim.spec.selector)
    if claim.spec.resources is not None:
        quantities("spec.resources.requests", claim.spec.resources.requests)


def _volume(volume: PersistentVolume) -> None:
    quantities("spec.capacity", volume.spec.capacity)
    if volume.spec.node_affinity is not None:
        within("spec.nodeAffinity.required", node_selector, volume.spec.node_affinity.required)


def _storage_capacity(found: CSIStorageCapacity) -> None:
    within("nodeTopology", label_selector, found.node_topology)
    quantity("capacity", found.capacity)
    quantity("maximumVolumeSize", found.maximum_volume_size)


def _runtime_class(runtime: RuntimeClass) -> None:
    if runtime.overhead is not None:
        quantities("overhead.podFixed", runtime.overhead.pod_fixed)


_CHECKERS: Final[dict[type[View], Callable[[Any], None]]] = {
    Node: _node,
    Pod: _pod,
    Workload: _workload,
    PodDisruptionBudget: _budget,
    PersistentVolumeClaim: _claim,
    PersistentVolume: _volume,
    RuntimeClass: _runtime_class,
    CSIStorageCapacity: _storage_capacity,
}
