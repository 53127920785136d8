"""Conversions between types, such as ``int()`` and ``timestamp()``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from kschedcore.cel import types
from kschedcore.cel.declarations import Overload, function
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.functions.arithmetic import checked_int, checked_uint
from kschedcore.cel.types import Type
from kschedcore.cel.values import Duration, Timestamp, UInt, Value, general_text, type_of

__all__ = ["OVERLOADS", "to_double", "to_string"]

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,5000}")
_UNSIGNED: Final = re.compile(r"[0-9]{1,5000}")
_FLOAT: Final = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE
)
_HEX_FLOAT: Final = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_NANOS: Final = 10**9


def _refused(value: Value, wanted: Type) -> EvaluationError:
    found = type_of(value)
    shown = found.name if isinstance(value, list | dict) else found
    return EvaluationError(f"type conversion error from '{shown}' to '{wanted}'")


def _to_bool(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _TRUE | _FALSE:
        return value in _TRUE
    raise _refused(value, types.BOOL)


def _to_bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise _refused(value, types.BYTES)


def _read_double(text: str) -> float | None:
    if _FLOAT.fullmatch(text):
        number = float(text)
        finite = not math.isinf(number) or "n" in text.lower()
        return number if finite else None
    return float.fromhex(text) if _HEX_FLOAT.fullmatch(text) else None


def to_double(value: Value) -> float:
    """Return a number, or the number in a string, as a floating-point number."""
    if isinstance(value, str):
        number = _read_double(value)
        if number is not None:
            return number
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise _refused(value, types.DOUBLE)


def _to_int(value: Value) -> int:
    match value:
        case bool():
            pass
        case int():
            return checked_int(int(value))
        case float():
            if not -(2.0**63) < value < 2.0**63:
                raise EvaluationError("integer overflow")
            return int(value)
        case Duration():
            return value.nanos
        case Timestamp():
            return value.nanos // _NANOS
        case str():
            if _INTEGER.fullmatch(value) and -(2**63) <= int(value) < 2**63:
                return int(value)
    raise _refused(value, types.INT)


def _to_uint(value: Value) -> UInt:
    match value:
        case bool():
            pass
        case int():
            return checked_uint(int(value))
        case float():
            if not 0 <= value < 2.0**64:
                raise EvaluationError("unsigned integer overflow")
            return UInt(value)
        case str():
            if _UNSIGNED.fullmatch(value) and int(value) < 2**64:
                return UInt(int(value))
    raise _refused(value, types.UINT)


def to_string(value: Value) -> str:
    """Return the text of a scalar."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return general_text(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None
        case Duration() | Timestamp():
            return str(value)
        case Type():
            return value.name
    raise _refused(value, types.STRING)


def _to_duration(value: Value) -> Duration:
    match value:
        case Duration():
            return value
        case str():
            try:
                return Duration.parse(value)
            except ValueError:
                pass
    raise _refused(value, types.DURATION)


def _to_timestamp(value: Value) -> Timestamp:
    match value:
        case Timestamp():
            return value
        case bool() | UInt():
            pass
        case int():
            return Timestamp(value * _NANOS)
        case str():
            try:
                return Timestamp.parse(value)
            except ValueError:
                pass
    raise _refused(value, types.TIMESTAMP)


def _not_converted(value: Value) -> Value:
    return value


def _cases(
    implementation: Callable[[Value], Value], result: Type, *sources: tuple[str, Type]
) -> tuple[Overload, ...]:
    return tuple(function(name, (source,), result, implementation) for name, source in sources)


_A: Final = types.parameter("A")

OVERLOADS: Final[dict[str, tuple[Overload, ...]]] = {
    "type": _cases(type_of, types.type_of_type(_A), ("type", _A)),
    "dyn": _cases(_not_converted, types.DYN, ("to_dyn", _A)),
    "bool": _cases(_to_bool, types.BOOL, ("bool_to_bool", types.BOOL), ("string_to_bool", types.STRING)),
    "bytes": _cases(
        _to_bytes, types.BYTES, ("bytes_to_bytes", types.BYTES), ("string_to_bytes", types.STRING)
    ),
    "double": _cases(
        to_double,
        types.DOUBLE,
        ("double_to_double", types.DOUBLE),
        ("int64_to_double", types.INT),
        ("string_to_double", types.STRING),
        ("uint64_to_double", types.UINT),
    ),
    "duration": _cases(
        _to_duration,
        types.DURATION,
        ("duration_to_duration", types.DURATION),
        ("int64_to_duration", types.INT),
        ("string_to_duration", types.STRING),
    ),
    "int": _cases(
        _to_int,
        types.INT,
        ("int64_to_int64", types.INT),
        ("double_to_int64", types.DOUBLE),
        ("duration_to_int64", types.DURATION),
        ("string_to_int64", types.STRING),
        ("timestamp_to_int64", types.TIMESTAMP),
        ("uint64_to_int64", types.UINT),
    ),
    "string": _cases(
        to_string,
        types.STRING,
        ("string_to_string", types.STRING),
        ("bool_to_string", types.BOOL),
        ("bytes_to_string", types.BYTES),
        ("double_to_string", types.DOUBLE),
        ("duration_to_string", types.DURATION),
        ("int64_to_string", types.INT),
        ("timestamp_to_string", types.TIMESTAMP),
        ("uint64_to_string", types.UINT),
    ),
    "timestamp": _cases(
        _to_timestamp,
        types.TIMESTAMP,
        ("timestamp_to_timestamp", types.TIMESTAMP),
        ("int64_to_timestamp", types.INT),
        ("string_to_timestamp", types.STRING),
    ),
    "uint": _cases(
        _to_uint,
        types.UINT,
        ("uint64_to_uint64", types.UINT),
        ("double_to_uint64", types.DOUBLE),
        ("int64_to_uint64", types.INT),
        ("string_to_uint64", types.STRING),
    ),
}
