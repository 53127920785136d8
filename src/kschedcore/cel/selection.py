"""Fields, keys and indices of values: ``a.b``, ``a[b]``, ``a.?b``, ``has(a.b)`` (cel-go's ``interpreter``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.values import (
    MISSING,
    NONE,
    CelValue,
    Missing,
    Optional,
    UInt,
    Value,
    implementation_name,
    lookup,
    text_of,
    type_of,
)

__all__ = ["check_key", "find", "is_present", "select", "select_optional"]

_KEYS: Final = frozenset({str, int, UInt, bool, float})


def check_key(key: Value) -> None:
    """Refuse a key of an invalid type, with cel-go's message.

    Raises:
        EvaluationError: It is neither a string nor a number nor a truth value.
    """
    if type(key) not in _KEYS:
        raise EvaluationError(f"invalid qualifier type: {implementation_name(key)}")


def find(container: Value, key: Value) -> Value:
    """Return a value's field, entry or element for a key; :data:`MISSING` if there is none.

    Raises:
        EvaluationError: The key is of a type that the value never has keys of.
    """
    kind = type(key)
    if kind is str:
        if isinstance(container, Mapping):
            return container.get(key, MISSING)
        if isinstance(container, CelValue):
            return container.cel_field(key)
    else:
        check_key(key)
    if isinstance(container, list | tuple):
        position = _position(key)
        return container[position] if 0 <= position < len(container) else MISSING
    if isinstance(container, Mapping):
        return lookup(container, key)
    return MISSING


def _position(key: Value) -> int:
    kind = type(key)
    if kind is int or kind is UInt:
        return int(key)
    if kind is float:
        if key != key or int(key) != key:
            raise EvaluationError(f"unsupported index value {text_of(key)} in list")
        return int(key)
    raise EvaluationError(f"unsupported index type '{type_of(key).name}' in list")


def select(container: Value, key: Value) -> Value:
    """Return a value's field, entry or element for a key; for an optional value an optional value.

    Raises:
        EvaluationError: There is none.
    """
    if type(container) is Optional:
        return select_optional(container, key)
    found = find(container, key)
    if found is MISSING:
        what = "index out of bounds" if isinstance(container, list | tuple) else "no such key"
        raise EvaluationError(f"{what}: {text_of(key)}")
    return found


def select_optional(container: Value, key: Value) -> Optional:
    """Return a value's field, entry or element for a key as an optional value."""
    if type(container) is Optional:
        if isinstance(container.content, Missing):
            return NONE
        container = container.content
    found = find(container, key)
    return NONE if found is MISSING else Optional(found)


def is_present(container: Value, key: str) -> bool:
    """Return whether a value has a field or key."""
    if type(container) is Optional:
        if isinstance(container.content, Missing):
            return False
        container = container.content
    return find(container, key) is not MISSING
