"""The records of a run: rows of pods, events and samples, passed on in batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_type_hints

import pyarrow as pa

__all__ = ["BATCH", "KINDS", "EventRow", "PodRow", "Rows", "SampleRow", "Take", "schema_of"]

BATCH = 16_384
"""Number of rows of a kind in a batch."""

Take = Callable[[str, Any], None]
"""Consumes a ``pyarrow.RecordBatch`` of one of the :data:`KINDS`."""


@dataclass(slots=True)
class PodRow:
    """The lifecycle of one pod; times are None for what has not happened.

    Attributes:
        uid: The pod's uid.
        namespace: The pod's namespace.
        name: The pod's name.
        app: ``Kind/name`` of its root workload; ``Pod/name`` for a pod without one.
        node: The node that it was bound to.
        zone: The node's zone.
        phase: The last phase.
        disruption: The reason of its condition ``DisruptionTarget``; empty without one.
        created: When it was created.
        scheduled: When it was bound.
        ready: When it was first ready.
        ended: When it finished or was deleted.
    """

    uid: str
    namespace: str
    name: str
    app: str
    created: datetime
    node: str = ""
    zone: str = ""
    phase: str = "Pending"
    disruption: str = ""
    scheduled: datetime | None = None
    ready: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event.

    Attributes:
        time: The time.
        type: ``Step``, ``Created``, ``Scheduled``, ``Ended``, ``Disrupted``, ``QuotaRefused``, ``NodeReady``,
            ``NodeNotReady``.
        namespace: The object's namespace.
        object: ``Kind/name``; empty for a step.
        app: The object's workload.
        node: The object's node.
        reason: The reason.
        message: The message.
    """

    time: datetime
    type: str
    namespace: str = ""
    object: str = ""
    app: str = ""
    node: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A :class:`kschedcore.simulation.capacity.Sample` with its time."""

    time: datetime
    zone: str
    resource: str
    allocatable: int
    requested: int
    stranded: int


Row = PodRow | EventRow | SampleRow

KINDS: dict[str, type[Row]] = {"pods": PodRow, "events": EventRow, "samples": SampleRow}
"""The kinds of rows, by the name of their table."""


def schema_of(kind: str) -> Any:
    """Return the ``pyarrow.Schema`` of a kind of rows."""
    row = KINDS[kind]
    types = {str: pa.string(), int: pa.int64()}
    hints = get_type_hints(row)
    time = pa.timestamp("us", tz="UTC")
    return pa.schema([(each.name, types.get(hints[each.name], time)) for each in dataclasses.fields(row)])


class Rows:
    """Buffered rows: at most :data:`BATCH` of each kind are kept once a consumer reads them."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Row]] = {kind: [] for kind in KINDS}
        self._schemas = {kind: schema_of(kind) for kind in KINDS}
        self._take: Take | None = None

    def add(self, kind: str, row: Row) -> None:
        """Add a final row."""
        waiting = self._waiting[kind]
        waiting.append(row)
        if self._take is not None and len(waiting) >= BATCH:
            self._hand_on(kind, self._take)

    def flow(self, take: Take) -> None:
        """Pass existing and future rows to a consumer, a full batch at a time."""
        self._take = take
        for kind, waiting in self._waiting.items():
            while len(waiting) >= BATCH:
                self._hand_on(kind, take)

    def flush(self) -> None:
        """Pass the remaining rows on, in partial batches."""
        for kind, waiting in self._waiting.items():
            if waiting and self._take is not None:
                self._hand_on(kind, self._take)

    def _hand_on(self, kind: str, take: Take) -> None:
        waiting, schema = self._waiting[kind], self._schemas[kind]
        full = waiting[:BATCH]
        del waiting[:BATCH]
        columns = {name: [getattr(row, name) for row in full] for name in schema.names}
        take(kind, pa.RecordBatch.from_pydict(columns, schema=schema))
