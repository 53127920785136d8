"""Run-time checks of arguments against the types of an overload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from kschedcore.api.quantity import Quantity
from kschedcore.cel.types import Kind, Type
from kschedcore.cel.values import CelValue, Duration, Timestamp, UInt, Value, type_name

__all__ = ["Guard", "guard_of", "mismatch", "passes"]

Guard: TypeAlias = "type | Callable[[Value], bool] | None"
"""The class that a value must have, a test that it must pass, or nothing."""

_CLASSES: Final[dict[Kind, type]] = {
    Kind.BOOL: bool,
    Kind.BYTES: bytes,
    Kind.DOUBLE: float,
    Kind.DURATION: Duration,
    Kind.INT: int,
    Kind.NULL: type(None),
    Kind.STRING: str,
    Kind.TIMESTAMP: Timestamp,
    Kind.TYPE: Type,
    Kind.UINT: UInt,
}
_OPEN: Final = frozenset({Kind.ANY, Kind.DYN, Kind.PARAMETER})


def guard_of(declared: Type) -> Guard:
    """Return the check of values of a declared type."""
    if declared.kind in _OPEN:
        return None
    found = _CLASSES.get(declared.kind)
    if found is not None:
        return found
    if declared.kind is Kind.LIST:
        return _list_test(guard_of(declared.parameters[0]))
    if declared.kind is Kind.MAP:
        return _map_test(guard_of(declared.parameters[0]), guard_of(declared.parameters[1]))
    if declared.name == "kubernetes.Quantity":
        return Quantity
    return _named_test(declared.name, is_object=declared.kind is Kind.STRUCT)


def passes(guard: Guard, value: Value) -> bool:
    """Return whether a value passes a check."""
    if guard is None:
        return True
    return type(value) is guard if isinstance(guard, type) else guard(value)


def _list_test(element: Guard) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, list | tuple) and (not value or passes(element, value[0]))


def _map_test(key: Guard, element: Guard) -> Callable[[Value], bool]:
    def test(value: Value) -> bool:
        if not isinstance(value, Mapping):
            return False
        first = next(iter(value), None)
        return not value or (passes(key, first) and passes(element, value[first]))

    return test


def _named_test(name: str, *, is_object: bool) -> Callable[[Value], bool]:
    def test(value: Value) -> bool:
        if isinstance(value, CelValue):
            return value.cel_type.name == name
        # Objects of declared types are maps of their fields.
        return is_object and isinstance(value, Mapping)

    return test


def mismatch(name: str, arguments: tuple[Value, ...]) -> str:
    """Return the error of a call that no overload fits."""
    return f"no such overload: {name}({', '.join(type_name(each) for each in arguments)})"
