"""Traces: tables of arrivals, lifetimes and requests of pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from kschedcore.api.durations import duration
from kschedcore.api.labels import is_dns1123_subdomain, is_label_value
from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.simulation.cells import Column, quantity_of, span_of, time_of
from kschedcore.simulation.scenario import Trace

__all__ = ["Row", "read_trace"]

_TIME = "a number or a timestamp"


@dataclass(frozen=True, slots=True)
class Row:
    """One pod of a trace.

    Attributes:
        after: Arrival time, from the first row of the trace.
        name: The pod's name; empty if the trace has none.
        lifetime: Run time; None if the trace has none.
        requests: Quantities, by resource.
        labels: Labels.
    """

    after: timedelta
    name: str = ""
    lifetime: timedelta | None = None
    requests: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


def read_trace(trace: Trace, folder: Path) -> list[Row]:
    """Read a trace, in order of arrival; rows of the same time in the table's order.

    Args:
        trace: The file and its columns.
        folder: The folder of relative file names.

    Raises:
        NotFoundError: There is no such file.
        ManifestError: It is not a table, a column is missing, or a cell is invalid.
    """
    place = folder / trace.file
    rows = list(_Reader(trace, _table(place), str(place)).rows())
    first = min((row.after for row in rows), default=timedelta())
    return sorted((replace(row, after=row.after - first) for row in rows), key=lambda row: row.after)


def _table(place: Path) -> Any:
    try:
        if place.suffix == ".parquet":
            table = pyarrow.parquet.read_table(place)
        elif place.suffix in {".arrow", ".arrows", ".feather", ".ipc"}:
            table = _read_ipc(place)
        else:
            table = _read_text(place)
        # Arrow's readers do not validate lengths, offsets and texts of a file before a cell is read.
        table.validate(full=True)
        return table
    except FileNotFoundError:
        raise NotFoundError(f"{place}: no such file or folder") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise ManifestError(f"is no table that can be read: {error}", source=str(place)) from None


def _read_ipc(place: Path) -> Any:
    """Read Arrow's file format (which is Feather's too), or its streaming format.

    The file is not mapped: what was validated must not change when the file does.
    """
    with pa.OSFile(str(place)) as source:
        try:
            return pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            return pa.ipc.open_stream(source).read_all()


def _read_text(place: Path) -> Any:
    """Read CSV with all cells as text: the scenario defines the types of columns."""
    with pyarrow.csv.open_csv(place) as reader:
        texts = dict.fromkeys(reader.schema.names, pa.string())
    return pyarrow.csv.read_csv(place, convert_options=pyarrow.csv.ConvertOptions(column_types=texts))


class _Reader:
    def __init__(self, trace: Trace, table: Any, source: str) -> None:
        columns = trace.columns
        self._table, self._source = table, source
        self._unit = duration(trace.time_unit)
        self._arrivals = self._column(columns.arrival)
        self._names = self._column(columns.name)
        self._lifetimes, self._departures = self._column(columns.lifetime), self._column(columns.departure)
        self._requests = {
            resource: (self._column(each.column), each.unit) for resource, each in columns.requests.items()
        }
        self._labels = {key: self._column(name) for key, name in columns.labels.items()}
        self._named: set[str] = set()

    def _column(self, name: str | None) -> Column:
        table = self._table
        if name is None:
            return Column([None] * table.num_rows, "", self._source)
        if name not in table.column_names:
            problem = f"has no column {name!r}; expected it among {', '.join(table.column_names)}"
            raise ManifestError(problem, source=self._source)
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        elif pa.types.is_duration(column.type):
            column = column.cast(pa.duration("us"), safe=False)
        try:
            return Column(column.to_pylist(), name, self._source)
        except (OverflowError, ValueError) as error:
            problem = f"column {name!r} holds a {column.type} that cannot be read: {error}"
            raise ManifestError(problem, source=self._source) from None

    def rows(self) -> Iterator[Row]:
        """Yield the rows, with their arrival times as in the table."""
        for index in range(self._table.num_rows):
            arrival = self._arrivals.read(index, self._time, _TIME)
            if arrival is None:
                raise self._arrivals.wrong(index, _TIME)
            yield Row(
                arrival,
                self._name(index),
                self._lifetime(index, arrival),
                dict(self._amounts(index)),
                dict(self._label(index)),
            )

    def _time(self, cell: Any) -> timedelta:
        return time_of(cell, self._unit)

    def _lifetime(self, index: int, arrival: timedelta) -> timedelta | None:
        departure = self._departures.read(index, self._time, _TIME)
        if departure is None:
            expected = "a number or a duration of at least 0"
            return self._lifetimes.read(index, lambda cell: span_of(cell, self._unit), expected)
        if departure < arrival:
            raise self._departures.wrong(index, "a time that is not before the row's arrival")
        return departure - arrival

    def _name(self, index: int) -> str:
        name = self._names.read(index, _subdomain, "a name of an object: lower case letters, digits, - and .")
        if name in self._named:
            raise self._names.wrong(index, "a name that no other row has")
        if name is None:
            return ""
        self._named.add(name)
        return name

    def _amounts(self, index: int) -> Iterator[tuple[str, str]]:
        for resource, (column, unit) in self._requests.items():
            read = partial(quantity_of, unit=unit)
            if amount := column.read(index, read, "a number of at least 0"):
                yield resource, amount

    def _label(self, index: int) -> Iterator[tuple[str, str]]:
        for key, column in self._labels.items():
            value = column.read(
                index, _label_value, "the value of a label: at most 63 letters, digits, -, _ and ."
            )
            if value is not None:
                yield key, value


def _subdomain(cell: Any) -> str:
    if is_dns1123_subdomain(str(cell)):
        raise ValueError(cell)
    return str(cell)


def _label_value(cell: Any) -> str:
    if is_label_value(str(cell)):
        raise ValueError(cell)
    return str(cell)
