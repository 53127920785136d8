"""Ranges of sizes and costs, for estimates."""

from __future__ import annotations

import math
from typing import Final, NamedTuple, TypeAlias

from kschedcore.cel.ast import Node
from kschedcore.cel.types import Type

__all__ = [
    "FIXED_ONE",
    "MAX",
    "NOTHING",
    "UNKNOWN",
    "CallEstimate",
    "CostNode",
    "Path",
    "Range",
    "computed_or_unknown",
    "fixed",
]

MAX: Final = 2**64 - 1
_TWO_TO_64: Final = 2.0**64

Path: TypeAlias = tuple[str, ...]


class Range(NamedTuple):
    """A minimum and a maximum amount; arithmetic saturates at 2**64-1."""

    low: int
    high: int

    def plus(self, other: Range) -> Range:
        """Return the sum."""
        return Range(min(self.low + other.low, MAX), min(self.high + other.high, MAX))

    def times(self, other: Range) -> Range:
        """Return the product."""
        return Range(min(self.low * other.low, MAX), min(self.high * other.high, MAX))

    def scaled(self, factor: float) -> Range:
        """Return the product with a number, rounded up."""
        return Range(_scaled(self.low, factor), _scaled(self.high, factor))

    def union(self, other: Range) -> Range:
        """Return the range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


def _scaled(amount: int, factor: float) -> int:
    number = float(amount)
    if number > 0 and factor > 0 and number > MAX / factor:
        return MAX
    result = number * factor
    return MAX if result >= _TWO_TO_64 else math.ceil(result)


def fixed(amount: int) -> Range:
    """Return the range of one amount."""
    return Range(amount, amount)


UNKNOWN: Final = Range(0, MAX)
FIXED_ONE: Final = Range(1, 1)
NOTHING: Final = Range(0, 0)


class CallEstimate(NamedTuple):
    """The cost of a call without its arguments, and the size of its result when it is known."""

    cost: Range
    size: Range | None = None


class CostNode(NamedTuple):
    """A target or argument of a call.

    Attributes:
        type: Its type.
        path: The path to it from a variable, empty when there is none.
        node: The node, None for the elements of a list.
        size: Its size as far as it is known from the expression only.
    """

    type: Type
    path: Path
    node: Node | None
    size: Range | None


def computed_or_unknown(node: CostNode) -> Range:
    """Return the size as far as it is known from the expression only."""
    return UNKNOWN if node.size is None else node.size
