"""The math extension (cel-go's ``ext/math.go``), which Kubernetes does not have yet."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from kschedcore.cel import types
from kschedcore.cel.ast import Call, Ident, ListExpr, Node
from kschedcore.cel.comparison import NO_OVERLOAD, compare
from kschedcore.cel.declarations import Library, Overload, function, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.functions.arithmetic import checked_int
from kschedcore.cel.macros import Expander, Macro, MacroError
from kschedcore.cel.types import Type
from kschedcore.cel.values import UInt, Value

__all__ = ["LIBRARY"]

_NUMBERS: Final = (("int", types.INT), ("uint", types.UINT), ("double", types.DOUBLE))
_MASK: Final = 2**64 - 1


def _wrapped(number: int) -> int:
    number &= _MASK
    return number - 2**64 if number >= 2**63 else number


def _like(first: Value, number: int) -> Value:
    return UInt(number & _MASK) if type(first) is UInt else _wrapped(number)


def _same_kind(first: Value, second: Value) -> None:
    if type(first) is not type(second) or type(first) not in {int, UInt}:
        raise EvaluationError(NO_OVERLOAD)


def _bits(combine: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    def combined(first: Value, second: Value) -> Value:
        _same_kind(first, second)
        return _like(first, combine(int(first), int(second)))

    return combined


def _shift(*, left: bool) -> Callable[[Value, int], Value]:
    def shifted(value: Value, places: int) -> Value:
        if places < 0:
            name = "Left" if left else "Right"
            raise EvaluationError(f"math.bitShift{name}() negative offset: {places}")
        if places > 63:
            return _like(value, 0)
        bits = int(value) & _MASK
        return _like(value, bits << places if left else bits >> places)

    return shifted


def _absolute(value: Value) -> Value:
    return checked_int(abs(value)) if type(value) is int else type(value)(abs(value))


def _sign(value: Value) -> Value:
    if value != value:
        return value
    return type(value)((value > 0) - (value < 0))


def _root(value: Value) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        return value
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _finite(compute: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(compute(value)) if math.isfinite(value) else value


def _extreme(wanted: int) -> Callable[..., Value]:
    def extreme(*values: Value) -> Value:
        candidates = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
        if not candidates:
            raise EvaluationError(f"math.@{'max' if wanted > 0 else 'min'}(list) argument must not be empty")
        result = candidates[0]
        for each in candidates[1:]:
            if compare(each, result) == wanted:
                result = each
        return result

    return extreme


def _extreme_overloads(name: str, wanted: int) -> list[Overload]:
    implementation = _extreme(wanted)
    found = [function(f"math_@{name}_{kind}", (each,), each, implementation) for kind, each in _NUMBERS]
    for kind, each in _NUMBERS:
        for other_kind, other in _NUMBERS:
            result = each if each is other else types.DYN
            found.append(function(f"math_@{name}_{kind}_{other_kind}", (each, other), result, implementation))
    for kind, each in _NUMBERS:
        found.append(function(f"math_@{name}_list_{kind}", (types.list_of(each),), each, implementation))
    return found


def _macro(name: str, hidden: str) -> Expander:
    def expand(_make: object, target: Node | None, arguments: list[Node]) -> Node | None:
        if not isinstance(target, Ident) or target.name != "math":
            return None
        for each in arguments:
            if isinstance(each, ListExpr) and len(arguments) > 1:
                raise MacroError(each.offset, f"math.{name}() invalid single argument value")
        offset = target.offset
        given: list[Node] = arguments if len(arguments) <= 2 else [ListExpr(offset, arguments)]
        return Call(offset, f"math.@{hidden}", None, given)

    return expand


_INT: Final = types.INT
_UINT: Final = types.UINT
_DOUBLE: Final = types.DOUBLE
_BOOL: Final = types.BOOL


def _unary(name: str, result: Type, implementation: Callable[[float], Value]) -> tuple[str, list[Overload]]:
    return f"math.{name}", [function(f"math_{name}_double", (_DOUBLE,), result, implementation)]


def _for_numbers(name: str, implementation: Callable[[Value], Value]) -> tuple[str, list[Overload]]:
    return f"math.{name}", [
        function(f"math_{name}_{kind}", (each,), each, implementation) for kind, each in _NUMBERS
    ]


def _for_integers(name: str, implementation: Callable[[Value, Value], Value]) -> tuple[str, list[Overload]]:
    return f"math.{name}", [
        function(f"math_{name}_{kind}_{kind}", (each, each), each, implementation)
        for kind, each in _NUMBERS[:2]
    ]


LIBRARY: Final = Library(
    "math",
    overloads(
        ("math.@max", _extreme_overloads("max", 1)),
        ("math.@min", _extreme_overloads("min", -1)),
        _unary("ceil", _DOUBLE, _finite(math.ceil)),
        _unary("floor", _DOUBLE, _finite(math.floor)),
        _unary("round", _DOUBLE, _rounded),
        _unary("trunc", _DOUBLE, _finite(math.trunc)),
        _unary("isInf", _BOOL, math.isinf),
        _unary("isNaN", _BOOL, math.isnan),
        _unary("isFinite", _BOOL, math.isfinite),
        _for_numbers("abs", _absolute),
        _for_numbers("sign", _sign),
        ("math.sqrt", [function(f"math_sqrt_{kind}", (each,), _DOUBLE, _root) for kind, each in _NUMBERS]),
        _for_integers("bitAnd", _bits(lambda one, two: one & two)),
        _for_integers("bitOr", _bits(lambda one, two: one | two)),
        _for_integers("bitXor", _bits(lambda one, two: one ^ two)),
        (
            "math.bitNot",
            [
                function(f"math_bitNot_{kind}_{kind}", (each,), each, lambda value: _like(value, ~int(value)))
                for kind, each in _NUMBERS[:2]
            ],
        ),
        *(
            (
                f"math.bitShift{name}",
                [
                    function(f"math_bitShift{name}_{kind}_int", (each, _INT), each, _shift(left=left))
                    for kind, each in _NUMBERS[:2]
                ],
            )
            for name, left in (("Left", True), ("Right", False))
        ),
    ),
    macros=tuple(
        Macro(name, arity, True, _macro(name, hidden))
        for name, hidden in (("greatest", "max"), ("least", "min"))
        for arity in range(1, 11)
    ),
)
