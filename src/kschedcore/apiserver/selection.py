"""Label and field selectors of a request, as one predicate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.status import bad_request
from kschedcore.api.machinery.types import Object
from kschedcore.api.selectors import parse_field_selector, parse_selector
from kschedcore.client.transport import Query

__all__ = ["selection"]

_FLAGS = ("spec.unschedulable", "spec.hostNetwork")


def selection(kind: Kind, query: Query) -> Callable[[Object], bool] | None:
    """Return the predicate of a request's selectors; None if all objects are selected.

    Raises:
        StatusError: 400 for an invalid selector, or an unsupported field.
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
    readers = [(each.field, _reader(each.field)) for each in fields.requirements]

    def selects(obj: Object) -> bool:
        if not fields.matches({field: read(obj) for field, read in readers}):
            return False
        return labels.is_empty() or labels.matches(obj["metadata"].get("labels", {}))

    return selects


def _unknown(kind: Kind, path: str) -> str:
    if kind.unknown_field:
        return kind.unknown_field.format(path)
    known = ", ".join(f'"{field}"' for field in kind.selectable_fields)
    return f'"{path}" is not a known field selector: only {known}'


def _reader(path: str) -> Callable[[Object], str]:
    """Return a function that reads a field for selectors, as in the registries: flags and numbers as text."""
    if path == "status.replicas":
        return lambda obj: str(obj.get("status", {}).get("replicas", 0))
    if path == "status.successful":
        return lambda obj: str(obj.get("status", {}).get("succeeded", 0))
    names = ["source", "component"] if path == "source" else path.split(".")
    absent = "false" if path in _FLAGS else ""

    def read(obj: Object) -> str:
        value: Any = obj
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            return absent
        return str(value) if not isinstance(value, bool) else "true" if value else "false"

    return read
