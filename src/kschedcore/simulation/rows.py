"""What is written down of a run: a row a pod, a row an event, a row a sample; handed on in batches as it goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_type_hints

import pyarrow as pa

__all__ = ["BATCH", "KINDS", "EventRow", "PodRow", "Rows", "SampleRow", "Take", "schema_of"]

BATCH = 16_384
"""How many rows of a kind are kept before they are handed on."""

Take = Callable[[str, Any], None]
"""Takes a ``pyarrow.RecordBatch`` of one of the :data:`KINDS`."""


@dataclass(slots=True)
class PodRow:
    """One pod's life; times are None for what has not happened.

    Attributes:
        uid: The pod's.
        namespace: Its namespace.
        name: Its name.
        app: ``Kind/name`` of the workload that it is of at last; ``Pod/name`` for one that stands alone.
        node: Where it was bound.
        zone: That node's zone.
        phase: Its last phase.
        disruption: Why it was taken away, the reason of its condition ``DisruptionTarget``; empty if it was not.
        created: When it was.
        scheduled: When it was bound.
        ready: When it first was.
        ended: When it ended, or was gone.
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
    """One thing that happened.

    Attributes:
        time: When.
        type: ``Step``, ``Created``, ``Scheduled``, ``Ended``, ``Disrupted``, ``QuotaRefused``, ``NodeReady``,
            ``NodeNotReady``.
        namespace: Of the object.
        object: ``Kind/name``; empty for a step.
        app: The workload it is of.
        node: The node it is on.
        reason: Why, in a word.
        message: Why, for people.
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
    """One :class:`kschedcore.simulation.capacity.Sample`, and its time."""

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
    """The ``pyarrow.Schema`` of a kind of rows."""
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
        """Take in a row, which is final."""
        waiting = self._waiting[kind]
        waiting.append(row)
        if self._take is not None and len(waiting) >= BATCH:
            self._hand_on(kind, self._take)

    def flow(self, take: Take) -> None:
        """Hand on what there is and what comes, a full batch at a time."""
        self._take = take
        for kind, waiting in self._waiting.items():
            while len(waiting) >= BATCH:
                self._hand_on(kind, take)

    def flush(self) -> None:
        """Hand on what is left, in batches that need not be full."""
        for kind, waiting in self._waiting.items():
            if waiting and self._take is not None:
                self._hand_on(kind, self._take)

    def _hand_on(self, kind: str, take: Take) -> None:
        waiting, schema = self._waiting[kind], self._schemas[kind]
        full = waiting[:BATCH]
        del waiting[:BATCH]
        columns = {name: [getattr(row, name) for row in full] for name in schema.names}
        take(kind, pa.RecordBatch.from_pydict(columns, schema=schema))
