"""A run on disk: ``summary.json``, and ``pods.parquet``, ``events.parquet`` and ``samples.parquet``.

Columns are those of :class:`~kschedcore.simulation.recorder.PodRow`,
:class:`~kschedcore.simulation.recorder.EventRow` and :class:`~kschedcore.simulation.recorder.SampleRow`: texts as
strings, amounts as int64 (cpu in millicores, everything else in whole units), times of the simulation as
timestamps in microseconds, UTC. No time of the machine is in them: the same input and seed give the same bytes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow as pa
import pyarrow.parquet

from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.simulation.recorder import EventRow, PodRow, SampleRow

__all__ = ["KIND", "Run", "table_of"]

KIND = "SimulationSummary"

SUMMARY = "summary.json"

_ROWS: dict[str, type[Any]] = {"pods": PodRow, "events": EventRow, "samples": SampleRow}


def schema_of(row: type[Any]) -> Any:
    """The Arrow schema of a kind of row."""
    kinds = {str: pa.string(), int: pa.int64()}
    hints = get_type_hints(row)
    time = pa.timestamp("us", tz="UTC")
    return pa.schema([(each.name, kinds.get(hints[each.name], time)) for each in dataclasses.fields(row)])


def table_of(rows: Iterable[Any], row: type[Any]) -> Any:
    """Rows as a ``pyarrow.Table``."""
    found = list(rows)
    schema = schema_of(row)
    columns = {name: [getattr(each, name) for each in found] for name in schema.names}
    return pa.table(columns, schema=schema)


@dataclass(frozen=True)
class Run:
    """A simulation that is over.

    Attributes:
        summary: The document of kind ``SimulationSummary``.
        pods: A ``pyarrow.Table``, a row a pod.
        events: One, a row an event.
        samples: One, a row a time, zone and resource.
    """

    summary: dict[str, Any]
    pods: Any
    events: Any
    samples: Any

    def write(self, folder: Path) -> None:
        """Write the run into a folder, which is made; the summary last, so that a run with one is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SUMMARY).unlink(missing_ok=True)
        for name in _ROWS:
            pyarrow.parquet.write_table(getattr(self, name), folder / f"{name}.parquet", compression="zstd")
        text = json.dumps(self.summary, indent=2, ensure_ascii=False)
        (folder / SUMMARY).write_text(f"{text}\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Read a run.

        Raises:
            NotFoundError: There is none: a file of it is missing.
            ManifestError: One of its files is not what it should be.
        """
        place = folder / SUMMARY
        try:
            summary = json.loads(place.read_text(encoding="utf-8"))
            tables = {name: pyarrow.parquet.read_table(folder / f"{name}.parquet") for name in _ROWS}
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(
                f"{folder}: is no run; expected a folder that kschedcore simulate --output-dir has written"
            ) from None
        except (ValueError, OSError, pa.ArrowException) as error:
            raise ManifestError(f"cannot be read as a run: {error}", source=str(folder)) from None
        if not isinstance(summary, dict) or summary.get("kind") != KIND:
            raise ManifestError(f"is no document of kind {KIND}", source=str(place))
        for name, row in _ROWS.items():
            if tables[name].schema.names != schema_of(row).names:
                raise ManifestError(
                    f"has the columns {', '.join(tables[name].schema.names)};"
                    f" expected {', '.join(schema_of(row).names)}",
                    source=str(folder / f"{name}.parquet"),
                )
        return cls(summary, **tables)
