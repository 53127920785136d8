"""The standard library of CEL (cel-spec, "Standard definitions")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kschedcore.cel import operators, types
from kschedcore.cel.comparison import NO_OVERLOAD, compare, contains, equal, is_comparable
from kschedcore.cel.declarations import Library, Overload, function, method
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.functions import arithmetic, conversions, times
from kschedcore.cel.macros import STANDARD
from kschedcore.cel.regex import compiled
from kschedcore.cel.types import Type
from kschedcore.cel.values import MISSING, Duration, Timestamp, Value, lookup

__all__ = ["LIBRARY"]

_A: Final = types.parameter("A")
_B: Final = types.parameter("B")
_LIST: Final = types.list_of(_A)
_MAP: Final = types.map_of(_A, _B)

_ORDERED: Final = (
    ("bool", types.BOOL, types.BOOL),
    ("int64", types.INT, types.INT),
    ("int64_double", types.INT, types.DOUBLE),
    ("int64_uint64", types.INT, types.UINT),
    ("uint64", types.UINT, types.UINT),
    ("uint64_double", types.UINT, types.DOUBLE),
    ("uint64_int64", types.UINT, types.INT),
    ("double", types.DOUBLE, types.DOUBLE),
    ("double_int64", types.DOUBLE, types.INT),
    ("double_uint64", types.DOUBLE, types.UINT),
    ("string", types.STRING, types.STRING),
    ("bytes", types.BYTES, types.BYTES),
    ("timestamp", types.TIMESTAMP, types.TIMESTAMP),
    ("duration", types.DURATION, types.DURATION),
)


def _comparison(sign: str, name: str, holds: Callable[[int], bool]) -> tuple[str, tuple[Overload, ...]]:
    operator = f"_{sign}_"

    def compared(first: Value, second: Value) -> bool:
        if not is_comparable(first):
            raise EvaluationError(f"{NO_OVERLOAD}: {operator}")
        return holds(compare(first, second))

    return operator, tuple(
        function(f"{name}_{suffix}", (first, second), types.BOOL, compared, guarded=False)
        for suffix, first, second in _ORDERED
    )


def _not(value: Value) -> bool:
    if value is True or value is False:
        return not value
    raise EvaluationError(NO_OVERLOAD)


def _not_equal(first: Value, second: Value) -> bool:
    try:
        return not equal(first, second)
    except EvaluationError:
        return True


def _in(wanted: Value, container: Value) -> bool:
    if isinstance(container, list | tuple):
        return contains(container, wanted)
    if isinstance(container, Mapping):
        # A map may have defaults for missing keys, which do not count here.
        if isinstance(wanted, str):
            return wanted in container
        return lookup(container, wanted) is not MISSING
    raise EvaluationError(NO_OVERLOAD)


def _size(value: Value) -> int:
    if isinstance(value, str | bytes | list | tuple | Mapping):
        return len(value)
    is_receiver = isinstance(value, Duration | Timestamp)
    raise EvaluationError(NO_OVERLOAD if is_receiver else f"{NO_OVERLOAD}: size")


def _special(*_arguments: Value) -> Value:
    raise AssertionError("the evaluator has its own rule for this")


def _matches(text: Value, pattern: Value) -> bool:
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise EvaluationError(NO_OVERLOAD)
    return compiled(pattern).search(text) is not None


def _sized(name: str, sized: Type) -> tuple[Overload, Overload]:
    return (
        function(f"size_{name}", (sized,), types.INT, _size, guarded=False),
        method(f"{name}_size", (sized,), types.INT, _size, guarded=False),
    )


def _string_test(name: str, holds: Callable[[str, str], bool]) -> tuple[Overload, ...]:
    def tested(text: Value, part: Value) -> bool:
        if not isinstance(text, str) or not isinstance(part, str):
            raise EvaluationError(NO_OVERLOAD)
        return holds(text, part)

    return (method(name, (types.STRING, types.STRING), types.BOOL, tested, guarded=False),)


_FUNCTIONS: Final[dict[str, tuple[Overload, ...]]] = {
    operators.CONDITIONAL: (function("conditional", (types.BOOL, _A, _A), _A, _special),),
    operators.AND: (function("logical_and", (types.BOOL, types.BOOL), types.BOOL, _special),),
    operators.OR: (function("logical_or", (types.BOOL, types.BOOL), types.BOOL, _special),),
    operators.NOT: (function("logical_not", (types.BOOL,), types.BOOL, _not, guarded=False),),
    operators.NOT_STRICTLY_FALSE: (function("not_strictly_false", (types.BOOL,), types.BOOL, _special),),
    operators.EQUALS: (function("equals", (_A, _A), types.BOOL, equal, guarded=False),),
    operators.NOT_EQUALS: (function("not_equals", (_A, _A), types.BOOL, _not_equal, guarded=False),),
    operators.INDEX: (
        function("index_list", (_LIST, types.INT), _A, _special),
        function("index_map", (_MAP, _A), _B, _special),
    ),
    operators.IN: (
        function("in_list", (_A, _LIST), types.BOOL, _in, guarded=False),
        function("in_map", (_A, _MAP), types.BOOL, _in, guarded=False),
    ),
    "size": (
        *_sized("bytes", types.BYTES),
        *_sized("list", _LIST),
        *_sized("map", _MAP),
        *_sized("string", types.STRING),
    ),
    "contains": _string_test("contains_string", lambda text, part: part in text),
    "startsWith": _string_test("starts_with_string", str.startswith),
    "endsWith": _string_test("ends_with_string", str.endswith),
    "matches": (
        function("matches", (types.STRING, types.STRING), types.BOOL, _matches, guarded=False),
        method("matches_string", (types.STRING, types.STRING), types.BOOL, _matches, guarded=False),
    ),
    **arithmetic.OVERLOADS,
    **conversions.OVERLOADS,
    **times.OVERLOADS,
    **dict(
        [
            _comparison("<", "less", lambda order: order < 0),
            _comparison("<=", "less_equals", lambda order: order <= 0),
            _comparison(">", "greater", lambda order: order > 0),
            _comparison(">=", "greater_equals", lambda order: order >= 0),
        ]
    ),
}

LIBRARY: Final = Library(
    "standard",
    functions=_FUNCTIONS,
    type_names=(
        types.BOOL,
        types.BYTES,
        types.DOUBLE,
        types.DURATION,
        types.INT,
        _LIST,
        _MAP,
        types.NULL,
        types.STRING,
        types.TIMESTAMP,
        types.TYPE,
        types.UINT,
    ),
    macros=STANDARD,
)
