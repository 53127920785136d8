"""The contract of a back end: an ordered, versioned map with compare-and-set, ranges and events.

It promises what etcd promises, and no more. Every write of a key advances one revision by one. The map can be read
as of any revision that is not compacted, every event after a revision can be read in order and without gaps,
and a reader can wait for the next write instead of polling.

A write hands over a :class:`Value`, from which the back end takes the form that it keeps: one that lives in memory
the frozen object (:meth:`Value.at`), a durable one the bytes (:meth:`Value.encoded`,
:mod:`kschedcore.store.codec` reads them back), which are never computed otherwise. The bytes do not depend on the
revision, so a back end may assign it as late as its transaction commits, as etcd does.

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
    """A back end did not do what it was asked for, and nothing is half-written."""


class RevisionMismatch(BackendError):  # noqa: N818 - named as what happened
    """A compare-and-set found another revision; ``found`` is that of the key, 0 when there is none."""

    def __init__(self, key: str, expected: int, found: int) -> None:
        self.found = found
        super().__init__(f"{key}: expected revision {expected}, found {found}")


class Compacted(BackendError):  # noqa: N818 - named as what happened
    """The history before ``oldest`` is gone."""

    def __init__(self, requested: int, oldest: int) -> None:
        self.requested = requested
        self.oldest = oldest
        super().__init__(f"revision {requested} has been compacted; the oldest is {oldest}")


class TooLarge(BackendError):  # noqa: N818 - named as what happened
    """A value has more bytes than the back end takes."""

    def __init__(self, key: str, size: int, limit: int) -> None:
        super().__init__(f"{key}: a value of {size} bytes is larger than the limit of {limit}")


class Unavailable(BackendError):  # noqa: N818 - named as what happened
    """The back end cannot be reached, or its disk is full or broken."""


class EventType(StrEnum):
    """What happened to a key."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Value(Protocol):
    """An object on its way into a back end, in the form that the back end asks for."""

    def at(self, revision: int) -> StoredObject:
        """Return the object as of the revision of its write, frozen."""

    def encoded(self) -> bytes:
        """Return the object as bytes, without its revision."""


class Write(msgspec.Struct, frozen=True, gc=False):
    """One write of several.

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
    """A value and the revision of the write that made it."""

    key: str
    value: StoredObject
    revision: int


class Event(msgspec.Struct, frozen=True, gc=False):
    """One write. ``value`` is what it left (on deletion the last state), ``previous`` what it found."""

    revision: int
    type: EventType
    key: str
    value: StoredObject
    previous: StoredObject | None


class Page(msgspec.Struct, frozen=True, gc=False):
    """A part of a range as of one revision, and how many entries of the range follow it."""

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
        """The revision of the last write; 1 when there was none."""

    def last_change(self, resource: str) -> int:
        """Return the revision of the last write of a key that begins with ``resource/``; 0 without one."""

    @property
    def oldest(self) -> int:
        """The oldest revision after which every event is still known."""

    def get(self, key: str) -> Entry | None:
        """Return the current entry of ``key``."""

    def put(self, key: str, value: Value, *, expected: int | None = None) -> Entry:
        """Write ``key`` and return its entry, which has the revision that the write was assigned.

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
        """Carry out several writes together, in their order.

        Each has a revision and an event of its own and fails alone, exactly as if it had been made by itself;
        what they share is the cost of locking, committing and waking readers.

        Returns:
            For each write its entry, or the error that :meth:`put` or :meth:`delete` would have raised.
        """

    def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        """Return entries whose key begins with ``prefix``, from ``start`` on, in the order of keys.

        Args:
            prefix: What the keys begin with: a resource and a slash, and perhaps more.
            start: The first key wanted; empty for the first there is.
            limit: At most so many; 0 for all.
            revision: As of this revision; 0 for now.

        Raises:
            Compacted: ``revision`` is older than the history.
        """

    def events(self, after: int, prefix: str = "") -> tuple[Sequence[Event], int]:
        """Return every event of keys that begin with ``prefix`` after revision ``after``, in order.

        Returns:
            The events, and the revision up to which there are no others.

        Raises:
            Compacted: Some of them are gone.
        """

    def compact(self, revision: int) -> None:
        """Forget the events up to a revision that has been; current entries stay."""

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after every commit, once for all writes of a batch, until the result is called.

        It is called in the thread that wrote and must return at once: setting an event or waking an event loop
        is what it is for.
        """

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Block until there is a write after revision ``after``, or for ``timeout`` seconds.

        Returns:
            The current revision.
        """
