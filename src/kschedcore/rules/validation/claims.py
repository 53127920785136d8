"""Validation of PersistentVolumeClaim, also used for ephemeral volumes and StatefulSets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.quantity import Quantity
from kschedcore.rules.validation.common import validate_label_selector
from kschedcore.rules.validation.internal_json import difference
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["ACCESS_MODES", "validate_claim", "validate_claim_spec", "validate_claim_update"]

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_VOLUME_MODES = ("Block", "Filesystem")


def validate_claim(claim: dict[str, Any]) -> Iterable[FieldError]:
    """Validate a new claim."""
    yield from validate_metadata(claim["metadata"], dns_subdomain_name, namespaced=True)
    yield from validate_claim_spec(claim["spec"], "spec")


def validate_claim_spec(spec: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate a claim's spec at ``path``."""
    modes = spec.get("accessModes", ())
    if not modes:
        yield fe.required(f"{path}.accessModes", "at least 1 access mode is required")
    if "selector" in spec:
        yield from validate_label_selector(spec["selector"], f"{path}.selector")
    for mode in modes:
        if mode not in ACCESS_MODES:
            yield fe.not_supported(f"{path}.accessModes", mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield fe.forbidden(f"{path}.accessModes", "may not use ReadWriteOncePod with other access modes")
    resources = spec.get("resources", {})
    storage = resources.get("requests", {}).get("storage")
    if storage is None:
        yield fe.required(f"{path}.resources[storage]")
    elif Quantity.parse(storage) <= Quantity.parse("0"):
        yield fe.invalid(f"{path}.resources[storage]", storage, "must be greater than zero")
    name = spec.get("storageClassName", "")
    if name:
        texts = rules.is_dns1123_subdomain(name)
        yield from (fe.invalid(f"{path}.storageClassName", name, text) for text in texts)
    mode = spec.get("volumeMode")
    if mode is not None and mode not in _VOLUME_MODES:
        yield fe.not_supported(f"{path}.volumeMode", mode, _VOLUME_MODES)
    yield from _data_sources(spec, path)
    attributes = spec.get("volumeAttributesClassName")
    if attributes:
        texts = rules.is_dns1123_subdomain(attributes)
        yield from (fe.invalid(f"{path}.volumeAttributesClassName", attributes, text) for text in texts)


def _data_sources(spec: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate ``dataSource`` and ``dataSourceRef``: the same, unless one names another namespace (KEP-1495)."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None:
        yield from _data_source(source, f"{path}.dataSource")
    if reference is None:
        return
    yield from _data_source(reference, f"{path}.dataSourceRef")
    namespace = reference.get("namespace")
    if namespace:
        texts = rules.is_dns1123_label(namespace)
        yield from (fe.invalid(f"{path}.dataSourceRef.namespace", namespace, text) for text in texts)
        if source is not None:
            # The server quotes the path as an empty struct.
            yield fe.invalid(path, {}, "may not be specified when dataSourceRef.namespace is specified")
    elif source is not None and source != {
        key: value for key, value in reference.items() if key != "namespace"
    }:
        yield fe.invalid(path, {}, "must match dataSourceRef")


def _data_source(source: dict[str, Any], path: str) -> Iterable[FieldError]:
    for key in ("name", "kind"):
        if not source.get(key):
            yield fe.required(f"{path}.{key}")
    group, kind = source.get("apiGroup") or "", source.get("kind", "")
    if not group and kind != "PersistentVolumeClaim":
        detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        yield fe.invalid(path, kind, detail)
    if group:
        texts = rules.is_dns1123_subdomain(group)
        yield from (fe.invalid(f"{path}.apiGroup", group, text) for text in texts)


def validate_claim_update(claim: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    """Validate an update: only the requested size of a bound claim may change, and only grow."""
    yield from validate_metadata_update(claim["metadata"], old["metadata"])
    yield from validate_claim(claim)
    new_spec, old_spec = dict(claim["spec"]), dict(old["spec"])
    if not old_spec.get("volumeName"):
        # The volume of a claim without one may be set, by the binder.
        new_spec.pop("volumeName", None)
    if old_spec.get("storageClassName") is None:
        # A default class may be set on a claim that was created before there was one.
        new_spec.pop("storageClassName", None)
    bound = old["status"].get("phase") == "Bound"
    if bound:
        new_spec["resources"] = {
            **new_spec.get("resources", {}),
            "requests": old_spec.get("resources", {}).get("requests", {}),
        }
    if new_spec != old_spec:
        changes = difference("core.v1.PersistentVolumeClaimSpec", old_spec, new_spec)
        detail = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
            "claims"
        )
        yield fe.forbidden("spec", f"{detail}\n{changes}")
    elif bound and (new_text := _storage(claim["spec"])) and (old_text := _storage(old_spec)):
        new_size = Quantity.parse(new_text)
        # A failed expansion may be reduced, down to the volume's capacity (KEP-1790).
        floor = Quantity.parse(old["status"].get("capacity", {}).get("storage") or old_text)
        if new_size < Quantity.parse(old_text) and new_size < floor:
            yield fe.forbidden("spec.resources.requests.storage", "field can not be less than previous value")


def _storage(spec: dict[str, Any]) -> str:
    return str(spec.get("resources", {}).get("requests", {}).get("storage", ""))
