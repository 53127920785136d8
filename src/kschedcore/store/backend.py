"""The contract of a back end: an ordered, versioned map with compare-and-set, ranges and events.

It has the guarantees of etcd. Every write of a key advances one revision by one. The map can be read as of any
revision that is not compacted, all events after a revision can be read in order and without gaps, and a reader can
wait for the next write instead of polling.

A write passes a :class:`Value`, from which the back end takes the form that it stores: one in memory the frozen object
(:meth:`Value.at`), a durable one the bytes (:meth:`Value.encoded`; :mod:`kschedcore.store.codec` decodes them), which
are only computed on demand. The bytes do not depend on the revision, so a back end may assign it when its transaction
commits, as etcd does.

``tests/store/contract.py`` holds the tests of this contract, which run over every back end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from kschedcore.api.machinery.frozen import StoredObject
from kschedcore.errors import KschedcoreError

__all__ = [
    "Backend",
    "BackendError",
    "Compacted",
    "Entry",
    "Event",
    "EventType",
    "Page",
    "RevisionMismatch",
    "TooLarge",
    "Unavailable",
    "Value",
    "Write",
]


class BackendError(KschedcoreError):
    """A back end's operation failed, and nothing was partially written."""


class RevisionMismatch(BackendError):  # noqa: N818 - named as what happened
    """A compare-and-set found another revision; ``found`` is that of the key, 0 if it does not exist."""

    def __init__(self, key: str, expected: int, found: int) -> None:
        self.found = found
        super().__init__(f"{key}: expected revision {expected}, found {found}")


class Compacted(BackendError):  # noqa: N818 - named as what happened
    """The history before ``oldest`` has been compacted."""

    def __init__(self, requested: int, oldest: int) -> None:
        self.requested = requested
        self.oldest = oldest
        super().__init__(f"revision {requested} has been compacted; the oldest is {oldest}")


class TooLarge(BackendError):  # noqa: N818 - named as what happened
    """A value is larger than the back end allows."""

    def __init__(self, key: str, size: int, limit: int) -> None:
        super().__init__(f"{key}: a value of {size} bytes is larger than the limit of {limit}")


class Unavailable(BackendError):  # noqa: N818 - named as what happened
    """The back end cannot be reached, or its disk is full or broken."""


class EventType(StrEnum):
    """The type of an event."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Value(Protocol):
    """An object to be stored, which the back end takes as an object or as bytes."""

    def at(self, revision: int) -> StoredObject:
        """Return the object as of the revision of its write, frozen."""

    def encoded(self) -> bytes:
        """Return the object as bytes, without its revision."""


class Write(msgspec.Struct, frozen=True, gc=False):
    """One write of a batch.

    Attributes:
        key: What to write.
        value: The new value; for a deletion the last state, which watchers see.
        expected: The revision that the key must have, 0 for "must not exist"; None for any.
        delete: Whether the key is removed.
    """

    key: str
    value: Value
    expected: int | None = None
    delete: bool = False


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A value and the revision of its write."""

    key: str
    value: StoredObject
    revision: int


class Event(msgspec.Struct, frozen=True, gc=False):
    """One write. ``value`` is the new value (the last state for a deletion), ``previous`` the one before."""

    revision: int
    type: EventType
    key: str
    value: StoredObject
    previous: StoredObject | None


class Page(msgspec.Struct, frozen=True, gc=False):
    """A part of a range as of one revision, and the number of entries of the range after it."""

    entries: Sequence[Entry]
    revision: int
    remaining: int


class Backend(Protocol):
    """An ordered, versioned map. Any method may raise :class:`Unavailable`."""

    @property
    def max_bytes(self) -> int | None:
        """The size of the largest value that is stored; None when sizes are not limited."""

    @property
    def revision(self) -> int:
        """The revision of the last write; 1 if there was none."""

    def last_change(self, resource: str) -> int:
        """Return the revision of the last write of a key that begins with ``resource/``; 0 without one."""

    @property
    def oldest(self) -> int:
        """The oldest revision after which all events are available."""

    def get(self, key: str) -> Entry | None:
        """Return the current entry of ``key``."""

    def put(self, key: str, value: Value, *, expected: int | None = None) -> Entry:
        """Write ``key`` and return its entry, with the revision of the write.

        Args:
            key: What to write.
            value: The value.
            expected: The revision that the key must have, 0 for "must not exist"; None for any.

        Raises:
            RevisionMismatch: The key has another revision; nothing is written.
            TooLarge: The value is too large; nothing is written.
        """

    def delete(self, key: str, value: Value, *, expected: int | None = None) -> Entry:
        """Remove ``key`` and return its last state, ``value``, with the revision of the deletion.

        Raises:
            RevisionMismatch: The key has another revision or does not exist.
        """

    def write(self, batch: Sequence[Write]) -> Sequence[Entry | BackendError]:
        """Perform a batch of writes, in order.

        Each write has its own revision and event and fails independently, as if made separately; the batch shares the
        cost of locking, committing and waking readers.

        Returns:
            For each write its entry, or the error that :meth:`put` or :meth:`delete` would have raised.
        """

    def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        """Return entries whose key begins with ``prefix``, from ``start`` on, in the order of keys.

        Args:
            prefix: The prefix of the keys: a resource and a slash, and possibly more.
            start: The first key; empty for the first of all.
            limit: Maximum number of entries; 0 for all.
            revision: The revision to read at; 0 for the current one.

        Raises:
            Compacted: ``revision`` is older than the history.
        """

    def events(self, after: int, prefix: str = "") -> tuple[Sequence[Event], int]:
        """Return every event of keys that begin with ``prefix`` after revision ``after``, in order.

        Returns:
            The events, and the revision up to which they are complete.

        Raises:
            Compacted: Some of them have been compacted.
        """

    def compact(self, revision: int) -> None:
        """Drop the events up to a past revision; current entries stay."""

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after every commit, once for all writes of a batch, until the result is called.

        It is called in the writing thread and must return at once, for example after setting an event or waking an
        event loop.
        """

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Block until there is a write after revision ``after``, or for ``timeout`` seconds.

        Returns:
            The current revision.
        """
