"""Arithmetic of CEL: 64-bit integers that refuse to overflow, floating-point numbers, time, concatenation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from kschedcore.cel import types
from kschedcore.cel.comparison import NO_OVERLOAD
from kschedcore.cel.declarations import Overload, function
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.types import Type
from kschedcore.cel.values import Duration, Timestamp, UInt, Value

__all__ = ["OVERLOADS", "add", "checked_int", "checked_uint"]

_MAX_INT64: Final = 2**63 - 1
_MIN_INT64: Final = -(2**63)
_MAX_UINT64: Final = 2**64 - 1


def checked_int(number: int) -> int:
    """Return a number that fits in 64 bits with sign."""
    if _MIN_INT64 <= number <= _MAX_INT64:
        return number
    raise EvaluationError("integer overflow")


def checked_uint(number: int) -> UInt:
    """Return a number that fits in 64 bits without sign."""
    if 0 <= number <= _MAX_UINT64:
        return UInt(number)
    raise EvaluationError("unsigned integer overflow")


def _refused(operator: str, first: Value, supported: frozenset[type]) -> EvaluationError:
    """Return the error of an operator; cel-go names it only if the first value's type never has it."""
    known = type(first) in supported or isinstance(first, str | Duration | Timestamp)
    return EvaluationError(NO_OVERLOAD if known else f"{NO_OVERLOAD}: {operator}")


_INTEGERS: Final = frozenset({int, UInt})
_NUMBERS: Final = frozenset({int, UInt, float})
_ADDABLE: Final = frozenset({int, UInt, float, bytes, list, tuple})


def add(first: Value, second: Value) -> Value:
    """``first + second``."""
    kind, other = type(first), type(second)
    if kind is other:
        if kind is int:
            return checked_int(first + second)
        if kind is str or kind is float or kind is bytes:
            return first + second
        if kind is UInt:
            return checked_uint(int(first) + int(second))
        if kind is Duration:
            return Duration(first.nanos + second.nanos)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return [*first, *second]
    if {kind, other} == {Timestamp, Duration}:
        moment, span = (first, second) if kind is Timestamp else (second, first)
        return Timestamp(moment.nanos + span.nanos, moment.offset)
    raise _refused("_+_", first, _ADDABLE)


def _subtract(first: Value, second: Value) -> Value:
    kind, other = type(first), type(second)
    if kind is other:
        if kind is int:
            return checked_int(first - second)
        if kind is float:
            return first - second
        if kind is UInt:
            return checked_uint(int(first) - int(second))
        if kind is Duration or kind is Timestamp:
            return Duration(first.nanos - second.nanos)
    if kind is Timestamp and other is Duration:
        return Timestamp(first.nanos - second.nanos, first.offset)
    raise _refused("_-_", first, _NUMBERS)


def _multiply(first: Value, second: Value) -> Value:
    kind = type(first)
    if kind is type(second):
        if kind is int:
            return checked_int(first * second)
        if kind is float:
            return first * second
        if kind is UInt:
            return checked_uint(int(first) * int(second))
    raise _refused("_*_", first, _NUMBERS)


def _divide(first: Value, second: Value) -> Value:
    kind = type(first)
    if kind is type(second):
        if kind is float:
            return _float_quotient(first, second)
        if kind is int or kind is UInt:
            if not second:
                raise EvaluationError("division by zero")
            quotient = abs(first) // abs(second)
            if kind is UInt:
                return UInt(quotient)
            return checked_int(quotient if (first < 0) is (second < 0) else -quotient)
    raise _refused("_/_", first, _NUMBERS)


def _float_quotient(first: float, second: float) -> float:
    if second:
        return first / second
    if not first or first != first or second != second:
        return math.nan
    return math.copysign(math.inf, first) * math.copysign(1.0, second)


def _modulo(first: Value, second: Value) -> Value:
    kind = type(first)
    if kind is type(second) and (kind is int or kind is UInt):
        if not second:
            raise EvaluationError("modulus by zero")
        if first == _MIN_INT64 and second == -1:
            raise EvaluationError("integer overflow")
        rest = abs(first) % abs(second)
        return UInt(rest) if kind is UInt else (rest if first >= 0 else -rest)
    raise _refused("_%_", first, _INTEGERS)


def _negate(value: Value) -> Value:
    kind = type(value)
    if kind is int:
        return checked_int(-value)
    if kind is float:
        return -value
    if kind is Duration:
        return Duration(-value.nanos)
    raise _refused("-_", value, frozenset({bool}))


def _binary(
    implementation: Callable[[Value, Value], Value], *cases: tuple[str, Type, Type, Type]
) -> tuple[Overload, ...]:
    return tuple(
        function(name, (first, second), result, implementation, guarded=False)
        for name, first, second, result in cases
    )


_BYTES, _DOUBLE, _INT, _UINT, _STRING = types.BYTES, types.DOUBLE, types.INT, types.UINT, types.STRING
_DURATION, _TIMESTAMP = types.DURATION, types.TIMESTAMP
_LIST = types.list_of(types.parameter("A"))

OVERLOADS: Final[dict[str, tuple[Overload, ...]]] = {
    "_+_": _binary(
        add,
        ("add_bytes", _BYTES, _BYTES, _BYTES),
        ("add_double", _DOUBLE, _DOUBLE, _DOUBLE),
        ("add_duration_duration", _DURATION, _DURATION, _DURATION),
        ("add_duration_timestamp", _DURATION, _TIMESTAMP, _TIMESTAMP),
        ("add_timestamp_duration", _TIMESTAMP, _DURATION, _TIMESTAMP),
        ("add_int64", _INT, _INT, _INT),
        ("add_list", _LIST, _LIST, _LIST),
        ("add_string", _STRING, _STRING, _STRING),
        ("add_uint64", _UINT, _UINT, _UINT),
    ),
    "_-_": _binary(
        _subtract,
        ("subtract_double", _DOUBLE, _DOUBLE, _DOUBLE),
        ("subtract_duration_duration", _DURATION, _DURATION, _DURATION),
        ("subtract_int64", _INT, _INT, _INT),
        ("subtract_timestamp_duration", _TIMESTAMP, _DURATION, _TIMESTAMP),
        ("subtract_timestamp_timestamp", _TIMESTAMP, _TIMESTAMP, _DURATION),
        ("subtract_uint64", _UINT, _UINT, _UINT),
    ),
    "_*_": _binary(
        _multiply,
        ("multiply_double", _DOUBLE, _DOUBLE, _DOUBLE),
        ("multiply_int64", _INT, _INT, _INT),
        ("multiply_uint64", _UINT, _UINT, _UINT),
    ),
    "_/_": _binary(
        _divide,
        ("divide_double", _DOUBLE, _DOUBLE, _DOUBLE),
        ("divide_int64", _INT, _INT, _INT),
        ("divide_uint64", _UINT, _UINT, _UINT),
    ),
    "_%_": _binary(_modulo, ("modulo_int64", _INT, _INT, _INT), ("modulo_uint64", _UINT, _UINT, _UINT)),
    "-_": (
        function("negate_double", (_DOUBLE,), _DOUBLE, _negate, guarded=False),
        function("negate_int64", (_INT,), _INT, _negate, guarded=False),
    ),
}
