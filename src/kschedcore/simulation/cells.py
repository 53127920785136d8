"""Cells of a table, read alike from text files, Parquet and Arrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from kschedcore.api.quantity import nanos
from kschedcore.errors import ManifestError

__all__ = ["Column", "is_empty", "quantity_of", "span_of", "time_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

T = TypeVar("T")


class Column:
    """One column of a table.

    Args:
        cells: The cells, as Python values.
        name: The column's name, for messages.
        source: The table, for messages.
    """

    def __init__(self, cells: Sequence[Any], name: str, source: str) -> None:
        self._cells = cells
        self._name = name
        self._source = source

    def read(self, index: int, read: Callable[[Any], T], expected: str) -> T | None:
        """Return the value of a cell; None if it is empty.

        Args:
            index: The row, from 0.
            read: Parses the cell, or raises ``ValueError`` or ``OverflowError``.
            expected: The expected content, for the message.

        Raises:
            ManifestError: It is invalid; names table, row (from 1) and column.
        """
        cell = self._cells[index]
        if is_empty(cell):
            return None
        try:
            return read(cell)
        except (ValueError, OverflowError):
            raise self.wrong(index, expected) from None

    def wrong(self, index: int, expected: str) -> ManifestError:
        """Return the error for an invalid cell."""
        cell = self._cells[index]
        found = "nothing" if is_empty(cell) else repr(cell) if isinstance(cell, str) else str(cell)
        problem = f"found {found}, expected {expected}"
        return ManifestError(problem, source=self._source, subject=f"row {index + 1}", path=self._name)


def is_empty(cell: Any) -> bool:
    """Return whether a cell is empty: null, an empty text or NaN."""
    return cell is None or cell == "" or cell != cell


def _number(cell: Any) -> int | float:
    if isinstance(cell, str):
        if not _NUMBER.fullmatch(cell):
            raise ValueError(cell)
        cell = float(cell) if set(cell) & set(".eE") else int(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise ValueError(cell)
    # Formats without nulls store integers as floats.
    return int(cell) if cell == int(cell) else float(cell)


def span_of(cell: Any, unit: timedelta) -> timedelta:
    """Return a span of time, a number of units or an Arrow duration; at least 0."""
    span: timedelta = cell if isinstance(cell, timedelta) else unit * _number(cell)
    if span < timedelta():
        raise ValueError(cell)
    return span


def time_of(cell: Any, unit: timedelta) -> timedelta:
    """Return a point in time: a number of units, or a date or timestamp (UTC by default)."""
    if isinstance(cell, str) and not _NUMBER.fullmatch(cell):
        cell = datetime.fromisoformat(cell)
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)) - _EPOCH
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC) - _EPOCH
    return unit * _number(cell)


def quantity_of(cell: Any, unit: str) -> str:
    """Return a quantity: a number and its unit; empty for 0."""
    number = _number(cell)
    text = f"{number}{unit}"
    if number < 0:
        raise ValueError(cell)
    nanos(text)
    return text if number else ""
