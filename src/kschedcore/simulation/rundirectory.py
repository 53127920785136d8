"""A run on disk: ``summary.json``, and ``pods.parquet``, ``events.parquet`` and ``samples.parquet``.

Columns are those of :class:`~kschedcore.simulation.rows.PodRow`,
:class:`~kschedcore.simulation.rows.EventRow` and :class:`~kschedcore.simulation.rows.SampleRow`: texts as strings,
amounts as int64 (cpu in millicores, others in whole units), simulated times as timestamps in microseconds, UTC. They
contain no wall-clock times: the same input and seed give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet

from kschedcore.api.html import html_table
from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.simulation.rows import BATCH, KINDS, schema_of

__all__ = ["KIND", "Run", "RunWriter"]

KIND = "SimulationSummary"

SUMMARY = "summary.json"


class RunWriter:
    """Writes a run to a folder while it runs. Existing files are replaced at the end, or kept if the run fails.

    Args:
        folder: The folder, which is created.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._writers: dict[str, Any] = {}
        for kind in KINDS:
            self._writers[kind] = pa.parquet.ParquetWriter(
                self._unfinished(kind), schema_of(kind), compression="zstd"
            )

    def take(self, kind: str, batch: Any) -> None:
        """Write a record batch of one of the kinds of rows."""
        self._writers[kind].write_batch(batch)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Move the files into place; the summary last, so that a run with a summary is complete."""
        self._close()
        (self._folder / SUMMARY).unlink(missing_ok=True)
        for kind in KINDS:
            self._unfinished(kind).replace(self._folder / f"{kind}.parquet")
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        (self._folder / SUMMARY).write_text(f"{text}\n", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        for each in KINDS:
            self._unfinished(each).unlink(missing_ok=True)

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _unfinished(self, kind: str) -> Path:
        return self._folder / f".{kind}.parquet.unfinished"


@dataclass(frozen=True)
class Run:
    """A finished simulation.

    Attributes:
        summary: The document of kind ``SimulationSummary``.
        pods: A ``pyarrow.Table`` of pods: finished ones in the order in which they finished, then the others.
        events: A ``pyarrow.Table`` of events.
        samples: A ``pyarrow.Table`` with a row for each time, zone and resource.
    """

    summary: dict[str, Any]
    pods: Any
    events: Any
    samples: Any

    @classmethod
    def of(cls, summary: dict[str, Any], batches: Mapping[str, Iterable[Any]]) -> Run:
        """Return a run of a summary and the record batches of each kind of rows."""
        return cls(summary, **{kind: pa.Table.from_batches(batches[kind], schema_of(kind)) for kind in KINDS})

    def __repr__(self) -> str:
        counts = (f"{table.num_rows} {kind}" for kind, table in self._tables())
        return f"<Run: {', '.join(counts)}>"

    def _tables(self) -> list[tuple[str, Any]]:
        return [("pods", self.pods), ("events", self.events), ("samples", self.samples)]

    def _repr_html_(self) -> str:
        pods = self.summary.get("pods") or {}
        return html_table(repr(self)[1:-1], ("pods", "number"), list(pods.items()))

    def write(self, folder: Path) -> None:
        """Write the run to a folder, which is created."""
        with RunWriter(folder) as writer:
            for kind in KINDS:
                for batch in getattr(self, kind).combine_chunks().to_batches(max_chunksize=BATCH):
                    writer.take(kind, batch)
            writer.finish(self.summary)

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Read a run.

        Raises:
            NotFoundError: A file of the run is missing.
            ManifestError: One of its files is invalid.
        """
        place = folder / SUMMARY
        try:
            summary = json.loads(place.read_text(encoding="utf-8"))
            tables = {name: pyarrow.parquet.read_table(folder / f"{name}.parquet") for name in KINDS}
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(
                f"{folder}: is no run; expected a folder that kschedcore simulate --output-dir has written"
            ) from None
        except (ValueError, OSError, pa.ArrowException) as error:
            raise ManifestError(f"cannot be read as a run: {error}", source=str(folder)) from None
        if not isinstance(summary, dict) or summary.get("kind") != KIND:
            raise ManifestError(f"is no document of kind {KIND}", source=str(place))
        for kind in KINDS:
            found, expected = tables[kind].schema.names, schema_of(kind).names
            if found != expected:
                raise ManifestError(
                    f"has the columns {', '.join(found)}; expected {', '.join(expected)}",
                    source=str(folder / f"{kind}.parquet"),
                )
        return cls(summary, **tables)
