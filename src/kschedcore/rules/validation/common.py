"""Validation rules of many kinds: numbers, ports, percentages, label selectors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.objects import LabelSelector
from kschedcore.api.selectors import Selector, label_selector
from kschedcore.rules.validation.metadata import validate_labels

__all__ = [
    "IMMUTABLE", "fixed_fields", "immutable", "int_or_percent_value", "is_percent", "non_negative",
    "one_of", "port_number", "read_selector", "validate_int_or_percent", "validate_label_selector", "validate_operator",
]  # fmt: skip

IMMUTABLE = "field is immutable"
_PERCENT = re.compile(r"[0-9]+%")


def non_negative(value: int | None, path: str) -> Iterable[FieldError]:
    """Validate that a count is not negative, if given."""
    if value is not None and value < 0:
        yield fe.invalid(path, value, "must be greater than or equal to 0")


def immutable(new: Any, old: Any, path: str, type_name: str = "") -> Iterable[FieldError]:
    """Validate an immutable field; ``type_name`` is the Go type of a struct."""
    if new != old:
        struct = isinstance(new, (dict, list))
        yield fe.invalid(path, fe.go_struct(type_name, new) if struct else new, IMMUTABLE)


def fixed_fields(resource: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterable[FieldError]:
    """Validate the immutable fields of a kind (:attr:`Kind.immutable`).

    Args:
        resource: The qualified plural.
        new: The object.
        old: The object before.
    """
    kind = kind_by_resource(resource)
    for path in kind.immutable:
        now, was = _at(new, path), _at(old, path)
        name = path.rpartition(".")[2]
        # The Go name of an API struct: batch.PodFailurePolicy; selectors are shared by all groups.
        struct = (
            "v1.LabelSelector" if name == "selector" else f"{kind.resource.group}.{name[0].upper()}{name[1:]}"
        )
        yield from immutable("" if now is None and isinstance(was, str) else now, was, path, struct)


def _at(obj: Mapping[str, Any], path: str) -> Any:
    value: Any = obj
    for name in path.split("."):
        value = None if value is None else value.get(name)
    return value


def one_of(value: str, supported: Iterable[str], path: str) -> Iterable[FieldError]:
    """Validate an enumeration; ``supported`` is in the server's order."""
    if value not in supported:
        yield fe.not_supported(path, value, supported)


def port_number(value: int, path: str) -> Iterable[FieldError]:
    """Validate a port number."""
    if not 1 <= value <= 65535:
        yield fe.invalid(path, value, "must be between 1 and 65535, inclusive")


def is_percent(value: Any) -> bool:
    """Return whether ``value`` is a percentage, ``25%``."""
    return isinstance(value, str) and _PERCENT.fullmatch(value) is not None


def int_or_percent_value(value: int | str | None) -> int:
    """Return the number in ``25%`` or ``3``; 0 for other values."""
    if isinstance(value, str):
        return int(value[:-1]) if is_percent(value) else 0
    return value or 0


def validate_int_or_percent(value: int | str, path: str, *, at_most_100: bool = True) -> Iterable[FieldError]:
    """Validate a count or a percentage (``ValidatePositiveIntOrPercent``), by default of at most 100 %."""
    if isinstance(value, str):
        if not is_percent(value):
            detail = (
                "a valid percent string must be a numeric string followed by an ending '%' "
                "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
            )
            yield fe.invalid(path, value, detail)
        elif at_most_100 and int(value[:-1]) > 100:
            yield fe.invalid(path, value, "must not be greater than 100%")
    elif value < 0:
        yield fe.invalid(path, value, "must be greater than or equal to 0")


def validate_label_selector(selector: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate a ``metav1.LabelSelector``."""
    yield from validate_labels(selector.get("matchLabels", {}), f"{path}.matchLabels")
    for index, requirement in enumerate(selector.get("matchExpressions", ())):
        yield from _validate_requirement(requirement, f"{path}.matchExpressions[{index}]")


def validate_operator(
    requirement: dict[str, Any], path: str, *, compares: bool = False
) -> Iterable[FieldError]:
    """Validate a selector's operator and its number of values; node selectors also compare numbers."""
    operator, values = requirement.get("operator", ""), requirement.get("values", ())
    if operator in ("In", "NotIn"):
        if not values:
            yield fe.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            yield fe.forbidden(f"{path}.values", detail)
    elif compares and operator in ("Gt", "Lt"):
        if len(values) != 1:
            detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            yield fe.required(f"{path}.values", detail)
    else:
        yield fe.invalid(f"{path}.operator", operator, "not a valid selector operator")


def _validate_requirement(requirement: dict[str, Any], path: str) -> Iterable[FieldError]:
    yield from validate_operator(requirement, path)
    key = requirement.get("key", "")
    yield from (fe.invalid(f"{path}.key", key, text) for text in rules.is_qualified_name(key))
    for index, value in enumerate(requirement.get("values", ())):
        texts = rules.is_label_value(value)
        yield from (fe.invalid(f"{path}.values[{index}]", value, text) for text in texts)


def read_selector(selector: dict[str, Any] | None) -> Selector:
    """Return a LabelSelector as a Selector: a missing one selects nothing, an empty one everything.

    Raises:
        ValueError: It is invalid.
    """
    return label_selector(None if selector is None else msgspec.convert(selector, LabelSelector))
