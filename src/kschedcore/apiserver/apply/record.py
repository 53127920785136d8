"""Managed-fields records: ``managedFields``, computed when they are read.

Most writes of a cluster are by components, and no component reads ``managedFields``. So a write only records its
manager and the object before; the first reader of ``managedFields`` replays the writes since then in order, and the
result is cached. Updates of managed fields cannot conflict and do not change other fields, so they can be computed at
any time.
"""

from __future__ import annotations

from typing import NamedTuple

from kschedcore.api.machinery.frozen import FieldRecord, FrozenList, StoredObject
from kschedcore.api.machinery.types import Object
from kschedcore.apiserver.apply.fieldmanager import NO_MANAGERS, FieldManager

__all__ = ["Record", "entries_of"]

MAX_WRITES = 16
"""Number of writes after which they are replayed even if not read, so that old states can be freed."""


class _Writer(NamedTuple):
    """The field manager and time of a write; ``manager`` is that of the path (resource or subresource)."""

    manager: FieldManager
    name: str
    now: str


class _Write(NamedTuple):
    """A write whose managed-fields entries are not computed yet.

    Attributes:
        before: The object before the write; for a creation, an empty object of the kind.
        writer: The field manager; None for a write without one, such as a binding or a deletion.
        number: Number of writes not replayed yet, including this one.
    """

    before: StoredObject | Object
    writer: _Writer | None
    number: int

    def entries(self, obj: StoredObject, recorded: FrozenList | None) -> FrozenList:
        """Return the entries after the write; ``recorded`` are those before it, None for a creation."""
        if self.writer is None:
            return NO_MANAGERS if recorded is None else recorded
        manager, name, now = self.writer
        if recorded is None:
            return manager.created(obj, self.before, name, now)
        return manager.updated(self.before, obj, recorded, name, now)


class Record:
    """The managed fields of one object, computed on first use from the writes since the last computed state.

    Attributes:
        found: The entries, once computed.
        write: The write to compute them from; None once computed.
    """

    __slots__ = ("found", "write")

    def __init__(self, found: FrozenList | None, write: _Write | None) -> None:
        self.found = found
        self.write = write

    @classmethod
    def known(cls, entries: FrozenList) -> Record:
        """Return a record with known ``entries``."""
        return cls(entries, None)

    @classmethod
    def of_creation(cls, manager: FieldManager, empty: Object, name: str, now: str) -> Record:
        """Return the record of an object created by ``name``; ``empty`` is an object of the kind without fields."""
        return cls(None, _Write(empty, _Writer(manager, name, now), 1))

    @classmethod
    def of_update(cls, manager: FieldManager, live: StoredObject, name: str, now: str) -> Record:
        """Return the record of an update or patch of ``live`` by ``name``."""
        return cls(None, _Write(live, _Writer(manager, name, now), _writes_of(live) + 1))

    def carried_from(self, obj: StoredObject) -> FieldRecord:
        """Return the record of the next version of ``obj`` after a write without a field manager."""
        if self.write is None or self.write.writer is None:
            return self
        return Record(None, _Write(obj, None, self.write.number + 1))

    def is_that_of(self, live: StoredObject) -> bool:
        """Return whether the entries equal those of ``live``, assuming that the write changes no field."""
        return self.write is not None or self.found == entries_of(live)

    def entries(self, obj: StoredObject) -> FrozenList:
        """Return the ``managedFields`` of ``obj``, the owner of this record; empty without managers."""
        waiting: list[tuple[Record, _Write, StoredObject]] = []
        record, found = self, self.found
        while record.write is not None:
            before = record.write.before
            waiting.append((record, record.write, obj))
            if not isinstance(before, StoredObject):
                break
            if not isinstance(before.record, Record):
                found = entries_of(before)
                break
            obj, record = before, before.record
            found = record.found
        for record, write, state in reversed(waiting):
            found = record.found = write.entries(state, found)
            record.write = None
        assert found is not None
        return found


def entries_of(obj: StoredObject) -> FrozenList:
    """Return the ``managedFields`` of an object."""
    return NO_MANAGERS if obj.record is None else obj.record.entries(obj)


def _writes_of(obj: StoredObject) -> int:
    """Return how many writes of an object have not been replayed; replay them when they are many."""
    record = obj.record
    if not isinstance(record, Record) or record.write is None:
        return 0
    if record.write.number >= MAX_WRITES:
        record.entries(obj)
        return 0
    return record.write.number
