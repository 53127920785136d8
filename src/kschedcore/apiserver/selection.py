"""Label and field selectors of a request, as one question about an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kschedcore.api.selectors import FieldSelector, parse_field_selector, parse_selector
from kschedcore.store.admission_types import Object, bad_request
from kschedcore.store.kinds import Kind

__all__ = ["selection"]


def selection(kind: Kind, query: Mapping[str, str]) -> Callable[[Object], bool] | None:
    """Which objects a request selects; None for all of them.

    Raises:
        StatusError: 400 for a selector that cannot be read, or a field that cannot be selected by.
    """
    try:
        labels = parse_selector(query.get("labelSelector", ""))
        fields = parse_field_selector(query.get("fieldSelector", ""))
    except ValueError as fault:
        raise bad_request(str(fault)) from None
    for requirement in fields.requirements:
        if requirement.field not in kind.selectable_fields:
            raise bad_request(_unknown(kind, requirement.field))
    if labels.is_empty() and not fields.requirements:
        return None
    if not fields.requirements:
        return lambda obj: labels.matches(obj["metadata"].get("labels", {}))
    return lambda obj: labels.matches(obj["metadata"].get("labels", {})) and _fields_match(fields, obj)


def _unknown(kind: Kind, path: str) -> str:
    if kind.unknown_field:
        return kind.unknown_field.format(path)
    known = ", ".join(f'"{field}"' for field in kind.selectable_fields)
    return f'"{path}" is not a known field selector: only {known}'


def _fields_match(fields: FieldSelector, obj: Object) -> bool:
    return fields.matches({each.field: _value(obj, each.field) for each in fields.requirements})


def _value(obj: Mapping[str, Any], path: str) -> str:
    """A field as the registries show it to selectors: flags and numbers as text."""
    value: Any = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if path == "source":
        value = value.get("component") if isinstance(value, Mapping) else None
    if path in ("spec.unschedulable", "spec.hostNetwork"):
        return "true" if value else "false"
    if path in ("status.replicas", "status.successful"):
        status = obj.get("status", {})
        return str(status.get("succeeded" if path == "status.successful" else "replicas", 0))
    return "" if value is None else str(value)
