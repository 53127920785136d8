"""Traces: tables that say when pods come, for how long they run and what they request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from kschedcore.cluster.durations import duration
from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.simulation.scenario import Trace

__all__ = ["Row", "read_trace"]


@dataclass(frozen=True, slots=True)
class Row:
    """One pod of a trace.

    Attributes:
        after: How long after the trace's first it comes.
        name: Its name; empty when the trace has none.
        lifetime: For how long it runs; None for ever.
        requests: Quantities, by resource.
        labels: Labels.
    """

    after: timedelta
    name: str = ""
    lifetime: timedelta | None = None
    requests: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


def read_trace(trace: Trace, folder: Path) -> list[Row]:
    """Read a trace, in order of arrival; rows of one time in the table's order.

    Args:
        trace: Which file, and what its columns mean.
        folder: Where its name is looked up.

    Raises:
        NotFoundError: There is no such file.
        ManifestError: It is no table, a column is missing, or a cell holds what it may not.
    """
    place = folder / trace.file
    rows = list(_rows(trace, _table(place), str(place)))
    first = min((arrival for arrival, _ in rows), default=timedelta())
    found = [Row(arrival - first, row.name, row.lifetime, row.requests, row.labels) for arrival, row in rows]
    return sorted(found, key=lambda row: row.after)


def _table(place: Path) -> Any:
    try:
        if place.suffix == ".parquet":
            return pyarrow.parquet.read_table(place)
        if place.suffix in {".arrow", ".feather", ".ipc"}:
            with pa.memory_map(str(place)) as source:
                return pa.ipc.open_file(source).read_all()
        return pyarrow.csv.read_csv(place)
    except FileNotFoundError:
        raise NotFoundError(f"{place}: no such file or folder") from None
    except (pa.ArrowException, OSError) as error:
        raise ManifestError(f"is no table that can be read: {error}", source=str(place)) from None


def _rows(trace: Trace, table: Any, source: str) -> Iterator[tuple[timedelta, Row]]:
    columns, unit = trace.columns, duration(trace.time_unit)

    def column(name: str | None) -> list[Any]:
        if name is None:
            return [None] * table.num_rows
        if name not in table.column_names:
            problem = f"has no column {name!r}; expected it among {', '.join(table.column_names)}"
            raise ManifestError(problem, source=source)
        values: list[Any] = table.column(name).to_pylist()
        return values

    def span(value: Any, name: str | None, number: int) -> timedelta:
        if isinstance(value, datetime):
            return value.replace(tzinfo=None) - datetime(1970, 1, 1)
        if isinstance(value, int | float) and value == value and abs(value) != float("inf"):
            return unit * value
        problem = f"found {value!r}, expected a number or a timestamp"
        raise ManifestError(problem, source=source, subject=f"row {number}", path=name)

    arrivals, names = column(columns.arrival), column(columns.name)
    ends = column(columns.lifetime or columns.departure)
    requests = {name: (column(each.column), each.unit) for name, each in columns.requests.items()}
    labels = {key: column(name) for key, name in columns.labels.items()}
    for index in range(table.num_rows):
        arrival = span(arrivals[index], columns.arrival, index + 1)
        lifetime = None
        if ends[index] is not None:
            lifetime = span(ends[index], columns.lifetime or columns.departure, index + 1)
            if columns.departure is not None:
                lifetime -= arrival
            lifetime = max(lifetime, timedelta())
        yield (
            arrival,
            Row(
                timedelta(),
                "" if names[index] is None else str(names[index]),
                lifetime,
                {name: f"{cells[index]}{unit}" for name, (cells, unit) in requests.items() if cells[index]},
                {key: str(cells[index]) for key, cells in labels.items() if cells[index] is not None},
            ),
        )
