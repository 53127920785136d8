"""Validation of administrators' kinds: namespaces, nodes, classes, leases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.admission.priority import SYSTEM_PRIORITIES
from kschedcore.rules.validation.common import fixed_fields, one_of
from kschedcore.rules.validation.metadata import (
    dns_label_name,
    dns_subdomain_name,
    validate_labels,
    validate_metadata,
    validate_metadata_update,
)
from kschedcore.rules.validation.placement import validate_taints, validate_tolerations
from kschedcore.rules.validation.resources import validate_quantity, validate_requirements

__all__ = ["CREATE", "UPDATE"]

HIGHEST_USER_PRIORITY = 1_000_000_000


def validate_namespace_phase(namespace: dict[str, Any]) -> Iterable[FieldError]:
    """Check that the phase matches whether the namespace is terminating (``ValidateNamespaceStatusUpdate``)."""
    phase = namespace.get("status", {}).get("phase", "")
    if "deletionTimestamp" not in namespace["metadata"] and phase != "Active":
        yield fe.invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty")
    elif "deletionTimestamp" in namespace["metadata"] and phase != "Terminating":
        yield fe.invalid(
            "status.Phase", phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"
        )


def _namespace(namespace: dict[str, Any]) -> Iterable[FieldError]:
    return validate_metadata(namespace["metadata"], dns_label_name, namespaced=False)


def _metadata_update(obj: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    return validate_metadata_update(obj["metadata"], old["metadata"])


def _priority_class(priority: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(priority["metadata"], dns_subdomain_name, namespaced=False)
    name, value = priority["metadata"].get("name", ""), priority.get("value", 0)
    if name.startswith("system-"):
        yield from _system_priority_class(name, value)
    elif value > HIGHEST_USER_PRIORITY:
        detail = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
        yield fe.forbidden("value", detail)
    policies = ("PreemptLowerPriority", "Never")
    yield from one_of(priority["preemptionPolicy"], policies, "preemptionPolicy")


def _system_priority_class(name: str, value: int) -> Iterator[FieldError]:
    known = SYSTEM_PRIORITIES.get(name)
    why = f"{name} is not a known system priority class"
    if known is not None:
        why = f"value of {name} PriorityClass must be {known}"
    if known != value:
        detail = "priority class names with 'system-' prefix are reserved for system use only. error: "
        yield fe.forbidden("metadata.name", detail + why)


def _priority_class_update(priority: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(priority["metadata"], old["metadata"])
    if priority.get("value", 0) != old.get("value", 0):
        yield fe.forbidden("value", "may not be changed in an update.")
    yield from fixed_fields("priorityclasses.scheduling.k8s.io", priority, old)


def _runtime_class(runtime: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(runtime["metadata"], dns_subdomain_name, namespaced=False)
    handler = runtime.get("handler", "")
    yield from (fe.invalid("handler", handler, text) for text in rules.is_dns1123_label(handler))
    # The API server checks podFixed as if it were the limits of the overhead.
    fixed = runtime.get("overhead", {}).get("podFixed", {})
    yield from validate_requirements({"limits": fixed}, "overhead")
    scheduling = runtime.get("scheduling", {})
    yield from validate_labels(scheduling.get("nodeSelector", {}), "scheduling.nodeSelector")
    yield from validate_tolerations(scheduling.get("tolerations", ()), "scheduling.tolerations")


def _runtime_class_update(runtime: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from _runtime_class(runtime)
    yield from validate_metadata_update(runtime["metadata"], old["metadata"])
    yield from fixed_fields("runtimeclasses.node.k8s.io", runtime, old)


def _lease(lease: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(lease["metadata"], dns_subdomain_name, namespaced=True)
    yield from _lease_spec(lease["spec"])


def _lease_update(lease: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(lease["metadata"], old["metadata"])
    yield from _lease_spec(lease["spec"])


def _lease_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        yield fe.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if transitions is not None and transitions < 0:
        detail = "must be greater than or equal to 0"
        yield fe.invalid("spec.leaseTransitions", transitions, detail)


def _node(node: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(node["metadata"], dns_subdomain_name, namespaced=False)
    yield from _node_rest(node)


def _node_rest(node: dict[str, Any]) -> Iterator[FieldError]:
    yield from validate_taints(node["spec"].get("taints", ()), "spec.taints")
    for key in ("capacity", "allocatable"):
        for name, text in node["status"].get(key, {}).items():
            yield from validate_quantity(name, text, f"status.{key}[{name}]")


def _node_update(node: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(node["metadata"], old["metadata"])
    yield from _node_rest(node)
    new_id, old_id = node["spec"].get("providerID", ""), old["spec"].get("providerID", "")
    if old_id and new_id != old_id:
        yield fe.forbidden(
            "spec.providerID", 'node updates may not change providerID except from "" to valid'
        )


CREATE = {
    "Lease": _lease,
    "Namespace": _namespace,
    "Node": _node,
    "PriorityClass": _priority_class,
    "RuntimeClass": _runtime_class,
}
UPDATE = {
    "Lease": _lease_update,
    "Namespace": _metadata_update,
    "Node": _node_update,
    "PriorityClass": _priority_class_update,
    "RuntimeClass": _runtime_class_update,
}
