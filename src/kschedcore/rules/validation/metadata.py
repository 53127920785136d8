"""Validation of ``metadata`` (apimachinery's ``pkg/api/validation/objectmeta.go``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError, Verbatim
from kschedcore.api.machinery.frozen import FROZEN, FrozenDict
from kschedcore.api.machinery.remembered import remembered

__all__ = [
    "NameRule", "dns_label_name", "dns_subdomain_name", "path_segment_name",
    "validate_annotations", "validate_conditions", "validate_labels", "validate_metadata", "validate_metadata_update",
]  # fmt: skip

NameRule = Callable[[str, bool], Sequence[str]]
"""Returns the errors of a name; the flag is whether it is a prefix (``generateName``)."""

_ANNOTATIONS_LIMIT_BYTES = 256 * 1024
_NEW = FrozenDict()
_STANDARD_FINALIZERS = {"kubernetes", "orphan", "foregroundDeletion"}


def _masked(name: str, prefix: bool) -> str:
    """Return a prefix without a trailing dash, which the generated suffix follows."""
    return name[:-1] + "a" if prefix and len(name) > 1 and name.endswith("-") else name


def dns_subdomain_name(name: str, prefix: bool) -> Sequence[str]:
    """Return the errors of a name of most kinds: a DNS-1123 subdomain."""
    return rules.is_dns1123_subdomain(_masked(name, prefix))


def dns_label_name(name: str, prefix: bool) -> Sequence[str]:
    """Return the errors of a DNS-1123 label: Namespaces, StatefulSets, Services (KEP-5311, since v1.36)."""
    return rules.is_dns1123_label(_masked(name, prefix))


def path_segment_name(name: str, prefix: bool) -> Sequence[str]:
    """Return the errors of a name that only has to be a valid URL path segment."""
    return rules.is_path_segment_prefix(name) if prefix else rules.is_path_segment_name(name)


def _once_if_frozen(
    rule: Callable[[Any, str], Iterable[FieldError]],
) -> Callable[[Any, str], Iterable[FieldError]]:
    """Cache a rule's results for frozen parts, which many objects share."""

    @remembered
    def cached(part: Any, path: str) -> tuple[FieldError, ...]:
        return tuple(rule(part, path))

    @wraps(rule)
    def errors(part: Any, path: str) -> Iterable[FieldError]:
        if not part:
            return ()
        return cached(part, path) if type(part) in FROZEN else rule(part, path)

    return errors


@_once_if_frozen
def validate_labels(labels: dict[str, str], path: str) -> Iterable[FieldError]:
    """Validate labels: keys are qualified names, values label values; ``path`` is that of the map."""
    for key, value in labels.items():
        yield from (fe.invalid(path, key, text) for text in rules.is_qualified_name(key))
        yield from (fe.invalid(path, value, text) for text in rules.is_label_value(value))


@_once_if_frozen
def validate_annotations(annotations: dict[str, str], path: str) -> Iterable[FieldError]:
    """Validate annotations: keys are qualified names in any case; the total size is at most 256 KiB."""
    size = 0
    for key, value in annotations.items():
        yield from (fe.invalid(path, key, text) for text in rules.is_qualified_name(key.lower()))
        size += len(key.encode()) + len(value.encode())
    if size > _ANNOTATIONS_LIMIT_BYTES:
        yield fe.too_long(path, _ANNOTATIONS_LIMIT_BYTES)


def validate_metadata(
    metadata: dict[str, Any],
    name_rule: NameRule,
    *,
    namespaced: bool,
    path: str = "metadata",
    was: Mapping[str, Any] = _NEW,
) -> list[FieldError]:
    """Validate the metadata of an object.

    Args:
        metadata: The metadata.
        name_rule: The rule of the name.
        namespaced: Whether the kind is namespaced.
        path: The path of the metadata.
        was: The metadata of the stored object; its unchanged parts are not validated again.
    """
    errors: list[FieldError] = []
    prefix = metadata.get("generateName", "")
    if prefix:
        errors += [fe.invalid(f"{path}.generateName", prefix, text) for text in name_rule(prefix, True)]
    name = metadata.get("name", "")
    if name:
        errors += [fe.invalid(f"{path}.name", name, text) for text in name_rule(name, False)]
    else:
        errors.append(fe.required(f"{path}.name", "name or generateName is required"))
    errors += _namespace_errors(metadata.get("namespace", ""), namespaced, f"{path}.namespace")
    if metadata.get("generation", 0) < 0:
        generation = metadata["generation"]
        errors.append(fe.invalid(f"{path}.generation", generation, "must be greater than or equal to 0"))
    return errors + _part_errors(metadata, path, was)


@remembered
def _namespace_errors(namespace: str, namespaced: bool, path: str) -> tuple[FieldError, ...]:
    return tuple(_validate_namespace(namespace, namespaced, path))


def _validate_namespace(namespace: str, namespaced: bool, path: str) -> Iterable[FieldError]:
    if not namespaced:
        if namespace:
            yield fe.forbidden(path, "not allowed on this type")
    elif not namespace:
        yield fe.required(path)
    else:
        yield from (fe.invalid(path, namespace, text) for text in rules.is_dns1123_label(namespace))


def _part_errors(metadata: dict[str, Any], path: str, was: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for key, rule in _PARTS:
        part = metadata.get(key)
        if part and part is not was.get(key):
            errors += rule(part, f"{path}.{key}")
    return errors


@_once_if_frozen
def _validate_owners(owners: Iterable[dict[str, Any]], path: str) -> Iterable[FieldError]:
    controller = ""
    for owner in owners:
        version = owner.get("apiVersion", "").rpartition("/")[2]
        if not version:
            yield fe.invalid(f"{path}.apiVersion", owner.get("apiVersion", ""), "version must not be empty")
        for key in ("kind", "name", "uid"):
            if not owner.get(key):
                yield fe.invalid(f"{path}.{key}", owner.get(key, ""), f"{key} must not be empty")
        if owner.get("apiVersion") == "v1" and owner.get("kind") == "Event":
            reference = fe.go_struct("v1.OwnerReference", owner)
            yield fe.invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner")
        if owner.get("controller"):
            if controller:
                yield fe.invalid(
                    path,
                    fe.go_struct("[]v1.OwnerReference", list(owners)),
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {owner.get('name', '')}",
                )
            controller = owner.get("name", "")


def _validate_finalizers(finalizers: Iterable[str], path: str) -> Iterable[FieldError]:
    for finalizer in finalizers:
        problems = rules.is_qualified_name(finalizer)
        yield from (fe.invalid(path, finalizer, text) for text in problems)
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            yield fe.invalid(
                path, finalizer, "name is neither a standard finalizer name nor is it fully qualified"
            )


_PARTS = (
    ("labels", validate_labels),
    ("annotations", validate_annotations),
    ("ownerReferences", _validate_owners),
    ("finalizers", _validate_finalizers),
)


def validate_metadata_update(
    new: dict[str, Any], old: dict[str, Any], path: str = "metadata"
) -> Iterable[FieldError]:
    """Validate an update of metadata: immutable fields, and the validity of others."""
    if old.get("deletionTimestamp"):
        added = [f for f in new.get("finalizers", ()) if f not in old.get("finalizers", ())]
        if added:
            printed = Verbatim("[]string{" + ", ".join(fe.quote(f) for f in sorted(added)) + "}")
            rule = "no new finalizers can be added if the object is being deleted"
            yield fe.forbidden(f"{path}.finalizers", f"{rule}, found new finalizers {printed}")
    for key in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"):
        if new.get(key) != old.get(key):
            yield fe.invalid(f"{path}.{key}", new.get(key) or "", "field is immutable")
    if new.get("deletionGracePeriodSeconds") != old.get("deletionGracePeriodSeconds"):
        value = new.get("deletionGracePeriodSeconds")
        yield fe.invalid(f"{path}.deletionGracePeriodSeconds", value, "field is immutable")
    if new.get("generation", 0) < old.get("generation", 0):
        yield fe.invalid(f"{path}.generation", new.get("generation", 0), "must not be decremented")
    yield from _part_errors(new, path, old)


_CONDITION_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_BAD_REASON = (
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or "
    f"'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '{_CONDITION_REASON}')"
)
_MAX_REASON_BYTES = 1024
_MAX_MESSAGE_BYTES = 32 * 1024


def validate_conditions(conditions: Iterable[dict[str, Any]], path: str) -> Iterable[FieldError]:
    """Check a list of ``metav1.Condition`` (``ValidateConditions``)."""
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        where, kind = f"{path}[{index}]", condition.get("type", "")
        if kind in seen:
            yield fe.duplicate(f"{where}.type", kind)
        seen.add(kind)
        yield from (fe.invalid(f"{where}.type", kind, text) for text in rules.is_qualified_name(kind))
        yield from _validate_condition(condition, where)


def _validate_condition(condition: dict[str, Any], path: str) -> Iterable[FieldError]:
    status, reason = condition.get("status", ""), condition.get("reason", "")
    if status not in ("False", "True", "Unknown"):
        yield fe.not_supported(f"{path}.status", status, ("False", "True", "Unknown"))
    generation = condition.get("observedGeneration", 0)
    if generation < 0:
        detail = "must be greater than or equal to zero"
        yield fe.invalid(f"{path}.observedGeneration", generation, detail)
    if not condition.get("lastTransitionTime"):
        yield fe.required(f"{path}.lastTransitionTime")
    if not reason:
        yield fe.required(f"{path}.reason")
    elif not re.fullmatch(_CONDITION_REASON, reason):
        yield fe.invalid(f"{path}.reason", reason, _BAD_REASON)
    if len(reason.encode()) > _MAX_REASON_BYTES:
        yield fe.too_long(f"{path}.reason", _MAX_REASON_BYTES)
    if len(condition.get("message", "").encode()) > _MAX_MESSAGE_BYTES:
        yield fe.too_long(f"{path}.message", _MAX_MESSAGE_BYTES)
