"""Lists: Kubernetes' own library and version 3 of cel-go's extension (``ext/lists.go``)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from itertools import pairwise
from typing import Final

from kschedcore.cel import types
from kschedcore.cel.ast import Literal
from kschedcore.cel.comparison import NO_OVERLOAD, compare, equal, is_comparable
from kschedcore.cel.cost import FIXED_ONE, MAX, CallEstimate, CostNode, Estimator, Range, fixed
from kschedcore.cel.declarations import Estimate, Library, Overload, function, method, overloads
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.functions.arithmetic import add
from kschedcore.cel.macros import SORT_BY
from kschedcore.cel.metering import LIST, TRAVERSAL
from kschedcore.cel.types import Type
from kschedcore.cel.values import Duration, UInt, Value, size_of

__all__ = ["EXTENSION", "KUBERNETES"]

_SUMMABLE: Final[tuple[tuple[str, Type, Value], ...]] = (
    ("int", types.INT, 0),
    ("uint", types.UINT, UInt(0)),
    ("double", types.DOUBLE, 0.0),
    ("duration", types.DURATION, Duration(0)),
)
_COMPARABLE: Final = (
    ("int", types.INT),
    ("uint", types.UINT),
    ("double", types.DOUBLE),
    ("bool", types.BOOL),
    ("duration", types.DURATION),
    ("timestamp", types.TIMESTAMP),
    ("string", types.STRING),
    ("bytes", types.BYTES),
)
_MAX_RANGE: Final = 10_000_000


# Kubernetes' library


def _is_sorted(values: list[Value]) -> bool:
    _check_comparable(values)
    return all(_in_order(first, second) for first, second in pairwise(values))


def _in_order(first: Value, second: Value) -> bool:
    try:
        return compare(first, second) <= 0
    except EvaluationError:
        return True


def _check_comparable(values: list[Value]) -> None:
    if not all(map(is_comparable, values)):
        raise EvaluationError(NO_OVERLOAD)


def _sum_from(zero: Value) -> Callable[[list[Value]], Value]:
    def total(values: list[Value]) -> Value:
        result = zero
        for each in values:
            result = add(result, each)
        return result

    return total


def _extreme(name: str, wanted: int) -> Callable[[list[Value]], Value]:
    def extreme(values: list[Value]) -> Value:
        if not values:
            raise EvaluationError(f"{name} called on empty list")
        _check_comparable(values)
        result = values[0]
        for each in values[1:]:
            try:
                if compare(each, result) == wanted:
                    result = each
            except EvaluationError:
                continue
        return result

    return extreme


def _is_equal(first: Value, second: Value) -> bool:
    try:
        return equal(first, second)
    except EvaluationError:
        return False


def _index_of(values: list[Value], wanted: Value) -> int:
    return next((at for at, each in enumerate(values) if _is_equal(each, wanted)), -1)


def _last_index_of(values: list[Value], wanted: Value) -> int:
    backwards = range(len(values) - 1, -1, -1)
    return next((at for at in backwards if _is_equal(values[at], wanted)), -1)


_A: Final = types.parameter("A")
_LIST_A: Final = types.list_of(_A)

KUBERNETES: Final = Library(
    "kubernetes.lists",
    overloads(
        (
            "isSorted",
            [
                method(f"list_{name}_is_sorted_bool", (types.list_of(each),), types.BOOL, _is_sorted)
                for name, each in _COMPARABLE
            ],
        ),
        (
            "sum",
            [
                method(f"list_{name}_sum_{name}", (types.list_of(each),), each, _sum_from(zero))
                for name, each, zero in _SUMMABLE
            ],
        ),
        *(
            (
                name,
                [
                    method(f"list_{kind}_{name}_{kind}", (types.list_of(each),), each, _extreme(name, wanted))
                    for kind, each in _COMPARABLE
                ],
            )
            for name, wanted in (("max", 1), ("min", -1))
        ),
        ("indexOf", [method("list_a_index_of_int", (_LIST_A, _A), types.INT, _index_of)]),
        ("lastIndexOf", [method("list_a_last_index_of_int", (_LIST_A, _A), types.INT, _last_index_of)]),
    ),
)


# The extension


def _slice(values: list[Value], start: int, end: int) -> list[Value]:
    cut = f"cannot slice({start}, {end})"
    if start < 0 or end < 0:
        raise EvaluationError(f"{cut}, negative indexes not supported")
    if start > end:
        raise EvaluationError(f"{cut}, start index must be less than or equal to end index")
    if len(values) < end:
        raise EvaluationError(f"{cut}, list is length {len(values)}")
    return values[start:end]


def _flatten(values: list[Value], depth: int = 1) -> list[Value]:
    if depth < 0:
        raise EvaluationError("level must be non-negative")
    result: list[Value] = []
    for each in values:
        if depth and isinstance(each, list | tuple):
            result.extend(_flatten(list(each), depth - 1))
        else:
            result.append(each)
    return result


def _sort(values: list[Value]) -> list[Value]:
    return _sort_by_keys(values, values)


def _sort_by_keys(values: list[Value], keys: list[Value]) -> list[Value]:
    if len(values) != len(keys):
        counts = f"but got {len(values)} and {len(keys)} elements respectively"
        expected = "expected a list of the same size as the associated keys list"
        raise EvaluationError(f"@sortByAssociatedKeys() {expected}, {counts}")
    if not values:
        return values
    if not is_comparable(keys[0]):
        raise EvaluationError("list elements must be comparable")
    if any(type(each) is not type(keys[0]) for each in keys):
        raise EvaluationError("list elements must have the same type")
    order = sorted(range(len(keys)), key=lambda at: cmp_to_key(_order)(keys[at]))
    return [values[at] for at in order]


def _order(first: Value, second: Value) -> int:
    try:
        return compare(first, second)
    except EvaluationError:
        return 0


def _range(count: int) -> list[int]:
    if count > _MAX_RANGE:
        raise EvaluationError(f"lists.range({count}) has more than {_MAX_RANGE} elements")
    return list(range(count))


def _distinct(values: list[Value]) -> list[Value]:
    result: list[Value] = []
    for each in values:
        if not any(_is_equal(each, other) for other in result):
            result.append(each)
    return result


def _allocated(factor: float, size: float) -> int:
    return int(size * factor) + 1 + LIST


def _result_meter(_arguments: tuple[Value, ...], result: Value) -> int:
    return _allocated(1, size_of(result))


def _flatten_meter(arguments: tuple[Value, ...], _result: Value) -> int:
    return _allocated(arguments[1] if len(arguments) == 2 else 1, size_of(arguments[0]))


def _pairs_meter(at: int) -> Callable[[tuple[Value, ...], Value], int]:
    def meter(arguments: tuple[Value, ...], _result: Value) -> int:
        values = arguments[at]
        factor = 2.0 + (TRAVERSAL if values and isinstance(values[0], str | bytes) else 0)
        return _allocated(factor, len(values) ** 2)

    return meter


def _allocating(factor: float, size: Range) -> CallEstimate:
    return CallEstimate(size.scaled(factor).plus(FIXED_ONE).plus(fixed(LIST)), size)


def _literal(node: CostNode, default: int) -> int:
    if isinstance(node.node, Literal) and type(node.node.value) is int:
        return max(node.node.value, 0)
    return default


def _slice_estimate(
    estimator: Estimator, target: CostNode | None, arguments: list[CostNode]
) -> CallEstimate | None:
    if target is None or len(arguments) != 2:
        return None
    end = _literal(arguments[1], estimator.size(target).high)
    return _allocating(1, fixed((end - _literal(arguments[0], 0)) & MAX))


def _range_estimate(
    _estimator: Estimator, target: CostNode | None, arguments: list[CostNode]
) -> CallEstimate | None:
    if target is not None or len(arguments) != 1:
        return None
    return _allocating(1, fixed(_literal(arguments[0], MAX)))


def _reverse_estimate(
    estimator: Estimator, target: CostNode | None, _arguments: list[CostNode]
) -> CallEstimate | None:
    return None if target is None else _allocating(1, estimator.size(target))


def _flatten_estimate(
    estimator: Estimator, target: CostNode | None, arguments: list[CostNode]
) -> CallEstimate | None:
    if target is None:
        return None
    depth = _literal(arguments[0], MAX) if arguments else 1
    return _allocating(float(depth), estimator.size(target))


def _distinct_estimate(
    estimator: Estimator, target: CostNode | None, _arguments: list[CostNode]
) -> CallEstimate | None:
    if target is None:
        return None
    size = estimator.size(target)
    return _allocating(2.0, size.times(size))


def _sort_estimate(element: Type, *, by_keys: bool) -> Estimate:
    def estimate(
        estimator: Estimator, target: CostNode | None, arguments: list[CostNode]
    ) -> CallEstimate | None:
        if target is None:
            return None
        size = estimator.size(arguments[0] if by_keys else target)
        factor = 2.0 + (TRAVERSAL if element in {types.STRING, types.BYTES} else 0)
        return _allocating(factor, size.times(size))

    return estimate


def _type_name(name: str) -> str:
    return {"duration": "google.protobuf.Duration", "timestamp": "google.protobuf.Timestamp"}.get(name, name)


def _sorts(*, by_keys: bool) -> list[Overload]:
    found: list[Overload] = []
    for name, element in _COMPARABLE:
        keys = types.list_of(element)
        found.append(
            method(
                f"list_{_type_name(name)}_{'sortByAssociatedKeys' if by_keys else 'sort'}",
                (_LIST_T, keys) if by_keys else (keys,),
                _LIST_T if by_keys else keys,
                _sort_by_keys if by_keys else _sort,
                guarded=False,
                estimate=_sort_estimate(element, by_keys=by_keys),
                meter=_pairs_meter(1 if by_keys else 0),
            )
        )
    return found


_LIST_T: Final = types.list_of(types.parameter("T"))
_INTS: Final = types.list_of(types.INT)
_DYNS: Final = types.list_of(types.DYN)

EXTENSION: Final = Library(
    "lists",
    overloads(
        (
            "slice",
            [
                method(
                    "list_slice",
                    (_LIST_T, types.INT, types.INT),
                    _LIST_T,
                    _slice,
                    estimate=_slice_estimate,
                    meter=_result_meter,
                )
            ],
        ),
        (
            "flatten",
            [
                method(
                    "list_flatten",
                    (types.list_of(_LIST_T),),
                    _LIST_T,
                    _flatten,
                    estimate=_flatten_estimate,
                    meter=_flatten_meter,
                ),
                method(
                    "list_flatten_int",
                    (_DYNS, types.INT),
                    _DYNS,
                    _flatten,
                    estimate=_flatten_estimate,
                    meter=_flatten_meter,
                ),
            ],
        ),
        ("sort", _sorts(by_keys=False)),
        ("@sortByAssociatedKeys", _sorts(by_keys=True)),
        (
            "lists.range",
            [
                function(
                    "lists_range",
                    (types.INT,),
                    _INTS,
                    _range,
                    estimate=_range_estimate,
                    meter=_result_meter,
                )
            ],
        ),
        (
            "reverse",
            [
                method(
                    "list_reverse",
                    (_LIST_T,),
                    _LIST_T,
                    lambda values: values[::-1],
                    estimate=_reverse_estimate,
                    meter=_result_meter,
                )
            ],
        ),
        (
            "distinct",
            [
                method(
                    "list_distinct",
                    (_LIST_T,),
                    _LIST_T,
                    _distinct,
                    estimate=_distinct_estimate,
                    meter=_pairs_meter(0),
                )
            ],
        ),
    ),
    macros=SORT_BY,
)
