"""What the store asks of a place to keep objects: etcd's promises, and no more.

A back end is one ordered map from keys to values with one revision that every write advances by one. It
offers compare-and-set, a range read at a revision, and every event after a revision, in order and without
gaps. :mod:`kschedcore.store.memory` is the first; SQLite (a table of events, keyed by revision) and etcd
(its own ``mod_revision``) fit behind the same methods, since none of them depends on sharing memory: what they
write down of a value is its :meth:`~kschedcore.api.machinery.frozen.StoredObject.completed` form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from kschedcore.api.machinery.frozen import StoredObject
from kschedcore.errors import KschedcoreError

__all__ = ["Backend", "Compacted", "Entry", "Event", "EventType", "Page", "RevisionMismatch", "Writer"]

Writer = Callable[[int], StoredObject]
"""Makes the value of a write from the revision that the write will have."""


class RevisionMismatch(KschedcoreError):  # noqa: N818 - named as what happened
    """A compare-and-set found another revision; ``found`` is that of the key, 0 when there is none."""

    def __init__(self, key: str, expected: int, found: int) -> None:
        self.found = found
        super().__init__(f"{key}: expected revision {expected}, found {found}")


class Compacted(KschedcoreError):  # noqa: N818 - etcd's word for it
    """The history before ``oldest`` is gone."""

    def __init__(self, requested: int, oldest: int) -> None:
        self.requested = requested
        self.oldest = oldest
        super().__init__(f"revision {requested} has been compacted; the oldest is {oldest}")


class EventType(StrEnum):
    """What happened to a key."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


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
    """An ordered, versioned map."""

    @property
    def revision(self) -> int:
        """The revision of the last write; 1 when there was none."""

    def last_change(self, resource: str) -> int:
        """The revision of the last write of a key that begins with ``resource/``; 0 when there was none."""

    @property
    def oldest(self) -> int:
        """The oldest revision after which every event is still known."""

    def get(self, key: str) -> Entry | None:
        """The entry of ``key`` now."""

    def put(self, key: str, write: Writer, *, expected: int | None = None) -> Entry:
        """Write ``key`` and return its entry.

        Args:
            key: What to write.
            write: Makes the value, given the revision of this write.
            expected: The revision that the key must have, 0 for "must not exist"; None for any.

        Raises:
            RevisionMismatch: The key has another revision; nothing is written.
        """

    def delete(self, key: str, write: Writer, *, expected: int | None = None) -> Entry:
        """Remove ``key``; ``write`` makes the last state that watchers see.

        Raises:
            RevisionMismatch: The key has another revision or does not exist.
        """

    def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        """Entries whose key begins with ``prefix``, from ``start`` on, in the order of keys.

        Args:
            prefix: What the keys begin with.
            start: The first key wanted; empty for the first there is.
            limit: At most so many; 0 for all.
            revision: As of this revision; 0 for now.

        Raises:
            Compacted: ``revision`` is older than the history.
        """

    def events(self, after: int, prefix: str = "") -> tuple[Sequence[Event], int]:
        """Every event of keys that begin with ``prefix`` after revision ``after``, in order.

        Returns:
            The events, and the revision up to which there are no others.

        Raises:
            Compacted: Some of them are gone.
        """

    def compact(self, revision: int) -> None:
        """Forget the events up to a revision that has been; what is there stays."""
