"""The sets extension (cel-go's ``ext/sets.go``)."""

from __future__ import annotations

from typing import Final

from kschedcore.cel import types
from kschedcore.cel.comparison import contains
from kschedcore.cel.cost import FIXED_ONE, CallEstimate, CostNode, Estimator
from kschedcore.cel.declarations import Estimate, Library, Meter, Overload, function, overloads
from kschedcore.cel.values import Value, size_of

__all__ = ["LIBRARY"]


def _contains(values: list[Value], wanted: list[Value]) -> bool:
    return all(contains(values, each) for each in wanted)


def _intersects(first: list[Value], second: list[Value]) -> bool:
    return any(contains(second, each) for each in first)


def _equivalent(first: list[Value], second: list[Value]) -> bool:
    return _contains(first, second) and _contains(second, first)


def _estimate(factor: float) -> Estimate:
    def estimate(
        estimator: Estimator, _target: CostNode | None, arguments: list[CostNode]
    ) -> CallEstimate | None:
        first, second = map(estimator.size, arguments)
        return CallEstimate(first.times(second).scaled(factor).plus(FIXED_ONE))

    return estimate


def _meter(factor: int) -> Meter:
    return lambda arguments, _result: 1 + size_of(arguments[0]) * size_of(arguments[1]) * factor


_LIST: Final = types.list_of(types.parameter("T"))
_TWO: Final = (_LIST, _LIST)


def _overload(name: str, implementation: object, factor: int) -> Overload:
    assert callable(implementation), "it is a function of this module"
    return function(
        f"list_sets_{name}_list",
        _TWO,
        types.BOOL,
        implementation,
        estimate=_estimate(factor),
        meter=_meter(factor),
    )


LIBRARY: Final = Library(
    "sets",
    overloads(
        ("sets.contains", [_overload("contains", _contains, 1)]),
        ("sets.equivalent", [_overload("equivalent", _equivalent, 2)]),
        ("sets.intersects", [_overload("intersects", _intersects, 1)]),
    ),
)
