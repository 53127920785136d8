"""Equality and order of values of any two types (cel-go's ``common/types``).

Numbers of different types are compared by value. Values of Kubernetes' types cannot be compared with values of
other types: this is an error, which equality of lists and maps ignores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kschedcore.api.quantity import Quantity
from kschedcore.cel.errors import EvaluationError
from kschedcore.cel.types import Type
from kschedcore.cel.values import MISSING, CelValue, Duration, Optional, Timestamp, UInt, Value, lookup

__all__ = ["NO_OVERLOAD", "compare", "contains", "equal", "is_comparable"]

NO_OVERLOAD: Final = "no such overload"
_PLAIN: Final = frozenset({bool, int, UInt, float, str, bytes, type(None)})
_NUMBERS: Final = frozenset({int, UInt, float})
_INTEGERS: Final = frozenset({int, UInt})
_ORDERED: Final = frozenset({bool, int, UInt, str, bytes})
_NEVER_EQUAL: Final = (Duration, Timestamp, Optional)
_MIN_INT64: Final = -(2.0**63)


def equal(first: Value, second: Value) -> bool:
    """Return whether two values are equal.

    Raises:
        EvaluationError: They cannot be compared.
    """
    kind, other = type(first), type(second)
    if kind is other and kind in _PLAIN:
        return bool(first == second)
    if first is None or second is None:
        return False
    if kind in _NUMBERS and other in _NUMBERS:
        return _order(first, second) == 0
    if isinstance(first, list | tuple):
        return isinstance(second, list | tuple) and _equal_lists(first, second)
    if isinstance(first, Mapping):
        return isinstance(second, Mapping) and _equal_maps(first, second)
    if kind is Optional:
        return other is Optional and _equal_optionals(first, second)
    if isinstance(first, CelValue | Quantity) and not isinstance(first, _NEVER_EQUAL) and kind is not other:
        raise EvaluationError(NO_OVERLOAD)
    if isinstance(first, Type):
        return isinstance(second, Type) and first == second
    return kind is other and bool(first == second)


def _equal_optionals(first: Optional, second: Optional) -> bool:
    if first.has_value and second.has_value:
        return equal(first.content, second.content)
    return first.has_value is second.has_value


def _may_equal(first: Value, second: Value) -> bool:
    """Equality of parts, where an error does not count."""
    try:
        return equal(first, second)
    except EvaluationError:
        return True


def _equal_lists(first: Sequence[Value], second: Sequence[Value]) -> bool:
    return len(first) == len(second) and all(map(_may_equal, first, second))


def _equal_maps(first: Mapping[Value, Value], second: Mapping[Value, Value]) -> bool:
    if len(first) != len(second):
        return False
    for key, value in first.items():
        other = lookup(second, key)
        if other is MISSING or not _may_equal(value, other):
            return False
    return True


def contains(values: Iterable[Value], wanted: Value) -> bool:
    """Return whether a value is in a list; incomparable elements are not equal."""
    for each in values:
        try:
            if equal(wanted, each):
                return True
        except EvaluationError:
            continue
    return False


def _order(first: float, second: float) -> int:
    """Order numbers; an integer next to a floating-point number is rounded to one, as in cel-go."""
    kind, other = type(first), type(second)
    if kind is float and other in _INTEGERS:
        return _order_mixed(first, second)
    if other is float and kind in _INTEGERS:
        return -_order_mixed(second, first)
    return (first > second) - (first < second)


def _order_mixed(number: float, integer: float) -> int:
    if number != number:
        return 1
    low, high = (0.0, 2.0**64) if type(integer) is UInt else (_MIN_INT64, 2.0**63)
    if number < low:
        return -1
    if number > high:
        return 1
    rounded = float(integer)
    return (number > rounded) - (number < rounded)


def compare(first: Value, second: Value) -> int:
    """Return -1, 0 or 1 as the first value is less than, equal to or greater than the second.

    Raises:
        EvaluationError: They have no order.
    """
    kind, other = type(first), type(second)
    if kind is other and kind in _ORDERED:
        return bool(first > second) - bool(first < second)
    if kind in _NUMBERS and other in _NUMBERS:
        if first != first or second != second:
            raise EvaluationError("NaN values cannot be ordered")
        return _order(first, second)
    if kind is other and (kind is Duration or kind is Timestamp):
        return bool(first.nanos > second.nanos) - bool(first.nanos < second.nanos)
    raise EvaluationError(NO_OVERLOAD)


def is_comparable(value: Value) -> bool:
    """Return whether values of this type have an order."""
    return type(value) in _ORDERED or type(value) in {float, Duration, Timestamp}
