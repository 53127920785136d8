"""The validation rules of each kind.

There is one module per group of kinds, each exporting ``CREATE`` (kind -> rule of a new object) and ``UPDATE`` (kind ->
rule of a new object and the old one). Rules: ``pkg/apis/*/validation``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation import (
    autoscaling,
    batch,
    cluster,
    configuration,
    csi,
    device_claims,
    device_slices,
    device_status,
    endpoints,
    events,
    limits,
    networking,
    pod,
    policy,
    services,
    storage,
    workloads,
)
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    path_segment_name,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["validate_create", "validate_status_update", "validate_update", "validate_version"]

_MODULES = (
    autoscaling, batch, cluster, configuration, csi, device_claims,
    device_slices, endpoints, events, limits, networking, pod, policy, services, storage, workloads,
)  # fmt: skip
_CREATE: dict[str, Callable[[dict[str, Any]], Iterable[FieldError]]] = {}
_UPDATE: dict[str, Callable[[dict[str, Any], dict[str, Any]], Iterable[FieldError]]] = {}
for _module in _MODULES:
    _CREATE.update(_module.CREATE)
    _UPDATE.update(_module.UPDATE)

_VERSIONS = {("events.k8s.io/v1", "Event"): events.validate_version}
"""By version and kind, what is required beyond the stored version."""

_FREELY_NAMED = {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}


def validate_create(kind: str, obj: dict[str, Any], *, namespaced: bool) -> list[FieldError]:
    """Return the errors of a new, defaulted object; for kinds without rules only its metadata is checked."""
    rule = _CREATE.get(kind)
    if rule is not None:
        return list(rule(obj))
    name_rule = path_segment_name if kind in _FREELY_NAMED else dns_subdomain_name
    return list(validate_metadata(obj["metadata"], name_rule, namespaced=namespaced))


def validate_update(
    kind: str, obj: dict[str, Any], old: dict[str, Any], *, namespaced: bool
) -> list[FieldError]:
    """Return the errors of an update of ``old`` to ``obj``.

    The server validates metadata for all kinds, and then again by the kind's rule, so its errors are reported twice.
    """
    new, was = obj["metadata"], old["metadata"]
    errors = [
        *validate_metadata(new, path_segment_name, namespaced=namespaced, was=was),
        *validate_metadata_update(new, was),
    ]
    rule = _UPDATE.get(kind)
    errors += validate_metadata_update(new, was) if rule is None else rule(obj, old)
    return errors


def validate_version(
    api_version: str, kind: str, obj: dict[str, Any], old: dict[str, Any] | None
) -> Iterable[FieldError]:
    """Return what a version of a kind beside the stored one requires as well; ``old`` is None for a new object."""
    rule = _VERSIONS.get((api_version, kind))
    return () if rule is None else rule(obj, old)


def validate_status_update(
    kind: str, obj: dict[str, Any], old: dict[str, Any], *, namespaced: bool
) -> list[FieldError]:
    """Return the errors of an update of the status only."""
    new, was = obj["metadata"], old["metadata"]
    return [
        *validate_metadata(new, path_segment_name, namespaced=namespaced, was=was),
        *validate_metadata_update(new, was),
        *(cluster.validate_namespace_phase(obj) if kind == "Namespace" else ()),
        *(device_status.validate_claim_status(obj, old) if kind == "ResourceClaim" else ()),
        *(_UPDATE[kind](obj, old) if kind == "Node" else ()),
    ]
