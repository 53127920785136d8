"""Optional values, such as ``optional.of(a)``, ``a.?b`` and ``a[?b].orValue(c)``."""

from __future__ import annotations

from typing import Final

from kschedcore.api.quantity import Quantity
from kschedcore.cel import operators, types
from kschedcore.cel.declarations import Library, function, method, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.macros import OPTIONALS
from kschedcore.cel.types import Type
from kschedcore.cel.values import NONE, CelValue, Duration, Optional, Timestamp, Value, text_of

__all__ = ["LIBRARY"]

_GO_ZERO_TIME: Final = -62_135_596_800 * 10**9


def _of_non_zero(value: Value) -> Optional:
    return NONE if _is_zero(value) else Optional(value)


def _is_zero(value: Value) -> bool:
    match value:
        case Duration():
            return not value.nanos
        case Timestamp():
            return value.nanos == _GO_ZERO_TIME
        case Optional():
            return not value.has_value
        case CelValue() | Quantity() | Type():
            return False
    return not value


def _none() -> Optional:
    return NONE


def _special(*_arguments: Value) -> Value:
    raise AssertionError("the evaluator has its own rule for this")


def _first(values: list[Value]) -> Optional:
    return Optional(values[0]) if values else NONE


def _last(values: list[Value]) -> Optional:
    return Optional(values[-1]) if values else NONE


def _unwrap(values: list[Value]) -> list[Value]:
    found: list[Value] = []
    for each in values:
        if not isinstance(each, Optional):
            raise EvaluationError(f"value {text_of(each)} is not optional")
        if each.has_value:
            found.append(each.content)
    return found


_K: Final = types.parameter("K")
_V: Final = types.parameter("V")
_OPTIONAL: Final = types.optional_of(_V)
_LIST: Final = types.list_of(_V)
_MAP: Final = types.map_of(_K, _V)
_OPTIONALS: Final = types.list_of(_OPTIONAL)

LIBRARY: Final = Library(
    "optional",
    overloads(
        ("optional.of", [function("optional_of", (_V,), _OPTIONAL, Optional)]),
        ("optional.ofNonZeroValue", [function("optional_ofNonZeroValue", (_V,), _OPTIONAL, _of_non_zero)]),
        ("optional.none", [function("optional_none", (), _OPTIONAL, _none)]),
        ("value", [method("optional_value", (_OPTIONAL,), _V, Optional.value)]),
        (
            "hasValue",
            [method("optional_hasValue", (_OPTIONAL,), types.BOOL, lambda given: bool(given.has_value))],
        ),
        ("or", [method("optional_or_optional", (_OPTIONAL, _OPTIONAL), _OPTIONAL, _special)]),
        ("orValue", [method("optional_orValue_value", (_OPTIONAL, _V), _V, _special)]),
        (
            operators.OPTIONAL_SELECT,
            [function("select_optional_field", (types.DYN, types.STRING), _OPTIONAL, _special)],
        ),
        (
            operators.OPTIONAL_INDEX,
            [
                function("list_optindex_optional_int", (_LIST, types.INT), _OPTIONAL, _special),
                function(
                    "optional_list_optindex_optional_int",
                    (types.optional_of(_LIST), types.INT),
                    _OPTIONAL,
                    _special,
                ),
                function("map_optindex_optional_value", (_MAP, _K), _OPTIONAL, _special),
                function(
                    "optional_map_optindex_optional_value",
                    (types.optional_of(_MAP), _K),
                    _OPTIONAL,
                    _special,
                ),
            ],
        ),
        (
            operators.INDEX,
            [
                function(
                    "optional_list_index_int", (types.optional_of(_LIST), types.INT), _OPTIONAL, _special
                ),
                function("optional_map_index_value", (types.optional_of(_MAP), _K), _OPTIONAL, _special),
            ],
        ),
        ("last", [method("list_last", (_LIST,), _OPTIONAL, _last)]),
        ("first", [method("list_first", (_LIST,), _OPTIONAL, _first)]),
        ("optional.unwrap", [function("optional_unwrap", (_OPTIONALS,), _LIST, _unwrap)]),
        ("unwrapOpt", [method("optional_unwrapOpt", (_OPTIONALS,), _LIST, _unwrap)]),
    ),
    type_names=(_OPTIONAL,),
    macros=OPTIONALS,
    optional_syntax=True,
)
