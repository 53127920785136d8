"""Checks of existing objects: only the values that the engine computes with.

An object from a cluster passed that cluster's validation, so it is restored without validation: limits below requests,
names that today's rules refuse and the like are kept. Values that the engine reads still have to be in bounds:
quantities that parse and are not negative, selectors with known operators, taints with known effects, spread
constraints with a positive skew. All rules here are from :mod:`kschedcore.rules.validation`; full validation of new
objects is in :mod:`kschedcore.rules.creation`.

Checks are on typed views, that is on the fields that code reads. Thousands of pods have few templates, so equal specs
and equal amounts of nodes are checked once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import (
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
from kschedcore.api.objects.views import view_of
from kschedcore.api.quantity import Quantity
from kschedcore.api.templates import template_of
from kschedcore.errors import ManifestError, UsageError
from kschedcore.rules.validation.common import (
    non_negative,
    one_of,
    port_number,
    validate_label_selector,
)
from kschedcore.rules.validation.containers import PROTOCOLS
from kschedcore.rules.validation.metadata import validate_labels
from kschedcore.rules.validation.placement import (
    validate_affinity,
    validate_node_selector,
    validate_scheduling_gates,
    validate_spread_constraint,
    validate_taints,
    validate_tolerations,
)
from kschedcore.rules.validation.pods import PREEMPTION_POLICIES
from kschedcore.rules.validation.resources import validate_not_negative

__all__ = ["check", "check_workload", "checked", "first_fault"]

V = TypeVar("V", bound=View)
Errors = tuple[FieldError, ...]

_COUNTS: Final = ("replicas", "parallelism", "completions")
_encoder = msgspec.json.Encoder()


def _encode(value: Any) -> bytes:
    """Return what is to be checked as a key for results.

    Raises:
        ManifestError: An amount is a number that Python does not write.
    """
    try:
        return _encoder.encode(value)
    except ValueError:
        raise ManifestError("found a number of more than 4,300 digits, expected an amount") from None


def check(view: View) -> None:
    """Check an existing object.

    Raises:
        ManifestError: The first error, with its field path.
    """
    checker = _CHECKERS.get(type(view))
    if checker is not None:
        first_fault(checker(view))


def checked(view: type[V], item: V | Mapping[str, Any], *, named: bool = True) -> V:
    """Return an argument as a view; a manifest is decoded and checked, a view has been before.

    Args:
        view: The view.
        item: The object.
        named: Whether it must have a name.

    Raises:
        UsageError: It is neither a manifest nor a view.
        ManifestError: The manifest is out of bounds; names its kind, name and field path.
    """
    if isinstance(item, view):
        typed = item
    elif isinstance(item, Mapping):
        try:
            typed = view_of(view, item)
            metadata = getattr(typed, "metadata", None)
            if metadata is not None:
                first_fault(validate_labels(metadata.labels or {}, "metadata.labels"))
            check(typed)
        except ManifestError as error:
            raise error.located(subject=_subject(view, item)) from None
    else:
        raise UsageError(f"found {type(item).__name__}; expected a {view.__name__}, or a manifest of one")
    if named and not _name_of(typed):
        raise ManifestError("is missing; expected a name", subject=view.__name__, path="metadata.name")
    return typed


def check_workload(workload: Mapping[str, Any]) -> None:
    """Check an existing workload: its number of replicas and its pod template.

    Raises:
        ManifestError: As :func:`check`.
    """
    template = template_of(workload)
    first_fault(error.below("spec.template") for error in _spec_errors(template.spec))
    if workload["kind"] == "ReplicationController":  # its selector has another type
        spec = decode(ReplicationController, workload).spec
        counts = {} if spec is None else {"replicas": spec.replicas}
    else:
        view = decode(Workload, workload)
        check(view)
        counts = {} if view.spec is None else {name: getattr(view.spec, name) for name in _COUNTS}
    for name, count in counts.items():
        first_fault(non_negative(count, f"spec.{name}"))


def first_fault(errors: Iterable[FieldError]) -> None:
    """Raise the first of some field errors as a ManifestError, if there is one."""
    for error in errors:
        raise ManifestError(error.message, path=error.field or None)


def _name_of(view: View) -> str:
    metadata = getattr(view, "metadata", None)
    return "" if metadata is None else metadata.name


def _subject(view: type[View], item: Mapping[str, Any]) -> str:
    """Return an object's kind and name for messages, as far as they are valid."""
    metadata = item.get("metadata")
    meta = metadata if isinstance(metadata, Mapping) else {}
    name = "/".join(str(meta[key]) for key in ("namespace", "name") if meta.get(key))
    return f"{view.__name__} {name}".strip()


# -- pods ----------------------------------------------------------------------------------------------------


def _pod(pod: Pod) -> Iterator[FieldError]:
    yield from _spec_errors(pod.spec)
    for field in ("container_statuses", "init_container_statuses"):
        for index, status in enumerate(getattr(pod.status, field) or ()):
            path = f"status.{'initC' if field.startswith('init') else 'c'}ontainerStatuses[{index}]"
            yield from _amounts(status.allocated_resources, f"{path}.allocatedResources")
            if status.resources is not None:
                yield from _amounts(status.resources.requests, f"{path}.resources.requests")
                yield from _amounts(status.resources.limits, f"{path}.resources.limits")


def _spec_errors(spec: Any) -> Errors:
    """Return the errors of a pod spec, cached by the fields that are checked."""
    return _errors_of(
        _encode({
            "containers": spec.containers, "initContainers": spec.init_containers, "resources": spec.resources,
            "overhead": spec.overhead, "nodeSelector": spec.node_selector, "affinity": spec.affinity,
            "tolerations": spec.tolerations, "topologySpreadConstraints": spec.topology_spread_constraints,
            "schedulingGates": spec.scheduling_gates, "preemptionPolicy": spec.preemption_policy,
        })
    )  # fmt: skip


@remembered
def _errors_of(encoded: bytes) -> Errors:
    spec = {key: value for key, value in msgspec.json.decode(encoded).items() if value}
    return tuple(_pod_spec(spec, "spec"))


def _pod_spec(spec: Object, path: str) -> Iterator[FieldError]:
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind, ())):
            where = f"{path}.{kind}[{index}]"
            yield from _ports(container.get("ports", ()), f"{where}.ports")
            yield from _resources(container.get("resources", {}), f"{where}.resources")
    yield from _resources(spec.get("resources", {}), f"{path}.resources")
    yield from validate_labels(spec.get("nodeSelector", {}), f"{path}.nodeSelector")
    yield from validate_affinity(spec.get("affinity", {}), f"{path}.affinity")
    yield from validate_tolerations(spec.get("tolerations", ()), f"{path}.tolerations")
    yield from validate_scheduling_gates(spec.get("schedulingGates", ()), f"{path}.schedulingGates")
    for index, constraint in enumerate(spec.get("topologySpreadConstraints", ())):
        yield from validate_spread_constraint(constraint, f"{path}.topologySpreadConstraints[{index}]")
    if spec.get("preemptionPolicy"):
        yield from one_of(spec["preemptionPolicy"], PREEMPTION_POLICIES, f"{path}.preemptionPolicy")
    yield from _amounts(spec.get("overhead"), f"{path}.overhead")


def _ports(ports: Iterable[Object], path: str) -> Iterator[FieldError]:
    for index, port in enumerate(ports):
        for key in ("containerPort", "hostPort"):
            if port.get(key):
                yield from port_number(port[key], f"{path}[{index}].{key}")
        if port.get("protocol"):
            yield from one_of(port["protocol"], PROTOCOLS, f"{path}[{index}].protocol")


def _resources(resources: Object, path: str) -> Iterator[FieldError]:
    for side in ("limits", "requests"):
        yield from _amounts(resources.get(side), f"{path}.{side}")


def _amounts(texts: Mapping[str, Any] | None, path: str) -> Iterator[FieldError]:
    for name, text in (texts or {}).items():
        yield from _amount(text, f"{path}[{name}]")


def _amount(text: Any, path: str) -> Iterator[FieldError]:
    try:
        quantity = Quantity.parse(text)
    except ValueError as error:
        yield fe.invalid(path, text, str(error))
    else:
        yield from validate_not_negative(quantity, path)


# -- other kinds ---------------------------------------------------------------------------------------------


def _node(node: Node) -> Iterable[FieldError]:
    status = node.status
    return _node_errors(_encode((node.spec.taints or (), status.capacity or {}, status.allocatable or {})))


@remembered
def _node_errors(encoded: bytes) -> Errors:
    taints, capacity, allocatable = msgspec.json.decode(encoded)
    return (
        *validate_taints(taints, "spec.taints"),
        *_amounts(capacity, "status.capacity"),
        *_amounts(allocatable, "status.allocatable"),
    )


def _selected(view: Any) -> Iterator[FieldError]:
    if view.spec is not None and view.spec.selector is not None:
        yield from validate_label_selector(msgspec.to_builtins(view.spec.selector), "spec.selector")


def _claim(claim: PersistentVolumeClaim) -> Iterator[FieldError]:
    yield from _selected(claim)
    requests = {} if claim.spec.resources is None else claim.spec.resources.requests or {}
    # Validation of claims checks no other resource.
    if "storage" in requests:
        yield from _amount(requests["storage"], "spec.resources.requests[storage]")


def _volume(volume: PersistentVolume) -> Iterator[FieldError]:
    yield from _amounts(volume.spec.capacity, "spec.capacity")
    affinity = volume.spec.node_affinity
    if affinity is not None and affinity.required is not None:
        yield from validate_node_selector(
            msgspec.to_builtins(affinity.required), "spec.nodeAffinity.required"
        )


def _storage_capacity(found: CSIStorageCapacity) -> Iterator[FieldError]:
    if found.node_topology is not None:
        yield from validate_label_selector(msgspec.to_builtins(found.node_topology), "nodeTopology")
    for path, text in (("capacity", found.capacity), ("maximumVolumeSize", found.maximum_volume_size)):
        if text is not None:
            yield from _amount(text, path)


def _runtime_class(runtime: RuntimeClass) -> Iterator[FieldError]:
    if runtime.overhead is not None:
        yield from _amounts(runtime.overhead.pod_fixed, "overhead.podFixed")


_CHECKERS: Final[dict[type[View], Callable[[Any], Iterable[FieldError]]]] = {
    Node: _node,
    Pod: _pod,
    Workload: _selected,
    PodDisruptionBudget: _selected,
    PersistentVolumeClaim: _claim,
    PersistentVolume: _volume,
    RuntimeClass: _runtime_class,
    CSIStorageCapacity: _storage_capacity,
}
