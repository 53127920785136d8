"""The in-memory back end: a dict, a lazily sorted index of keys, and a log of events."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from operator import attrgetter
from threading import Condition, RLock

from kschedcore.store.backend import (
    BackendError,
    Compacted,
    Entry,
    Event,
    EventType,
    Page,
    RevisionMismatch,
    Value,
    Write,
)

__all__ = ["MemoryBackend"]

_FEW = 32
_revision = attrgetter("revision")
HISTORY_EVENTS = 100_000
"""Default number of events that are kept."""


class MemoryBackend:
    """A :class:`kschedcore.store.backend.Backend` in memory.

    It is thread-safe. Values are shared with all readers.

    Args:
        history: Number of the latest events to keep, for watches and reads of earlier revisions.

    Attributes:
        revision: The revision of the last write.
        oldest: The oldest revision after which every event is still known.
    """

    def __init__(self, *, history: int = HISTORY_EVENTS) -> None:
        self._history = history
        self._entries: dict[str, Entry] = {}
        self._index: dict[str, _Index] = {}
        self._log: list[Event] = []
        self._logs: dict[str, list[Event]] = {}  # the same events by resource, for watches
        self._last: dict[str, int] = {}
        self.revision = 1
        self.oldest = 1
        self._lock = RLock()
        self._news = Condition(self._lock)
        self._waiting = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def max_bytes(self) -> int | None:
        """None: sizes are not limited, as values are not encoded."""
        return None

    def last_change(self, resource: str) -> int:
        """The revision of the last write of a resource's keys; 0 when there was none."""
        return self._last.get(resource, 0)

    def get(self, key: str) -> Entry | None:
        """Return the current entry of ``key``."""
        return self._entries.get(key)

    def put(self, key: str, value: Value, *, expected: int | None = None) -> Entry:
        """Write ``key``; see :meth:`Backend.put`."""
        with self._lock:
            previous = self._checked(key, expected)
            revision = self.revision + 1
            stored = value.at(revision)
            entry = self._entries[key] = Entry(key, stored, revision)
            if previous is None:
                self._group(key).add(key)
                event = Event(revision, EventType.ADDED, key, stored, None)
            else:
                event = Event(revision, EventType.MODIFIED, key, stored, previous.value)
            self._commit(event)
        if self._listeners:
            self._announce()
        return entry

    def delete(self, key: str, value: Value, *, expected: int | None = None) -> Entry:
        """Remove ``key``; see :meth:`Backend.delete`."""
        with self._lock:
            previous = self._checked(key, expected)
            if previous is None:
                raise RevisionMismatch(key, expected or 0, 0)
            revision = self.revision + 1
            entry = Entry(key, value.at(revision), revision)
            del self._entries[key]
            self._group(key).discard(key)
            self._commit(Event(revision, EventType.DELETED, key, entry.value, previous.value))
        if self._listeners:
            self._announce()
        return entry

    def write(self, batch: Sequence[Write]) -> Sequence[Entry | BackendError]:
        """Perform a batch of writes under one lock; see :meth:`Backend.write`."""
        results: list[Entry | BackendError] = []
        with self._lock:
            # Listeners are called once, at the end.
            listeners, self._listeners = self._listeners, []
            for each in batch:
                carry_out = self.delete if each.delete else self.put
                try:
                    results.append(carry_out(each.key, each.value, expected=each.expected))
                except BackendError as error:
                    results.append(error)
            self._listeners = listeners
        self._announce()
        return results

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after every commit; see :meth:`Backend.subscribe`."""
        with self._lock:
            self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def wait(self, after: int, timeout: float | None = None) -> int:
        """Block until there is a write after a revision; see :meth:`Backend.wait`."""
        with self._lock:
            self._waiting += 1
            try:
                self._news.wait_for(lambda: self.revision > after, timeout)
            finally:
                self._waiting -= 1
            return self.revision

    def _announce(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        """Return a page of a range; see :meth:`Backend.range`."""
        with self._lock:
            if revision and revision < self.revision:
                entries = self._as_of(prefix, revision)
                keys: Sequence[str] = sorted(entries)
            else:
                entries, keys, revision = self._entries, self._group(prefix).keys(), self.revision
            if not keys:
                return Page((), revision, 0)
            first = bisect_left(keys, max(prefix, start))
            last = bisect_left(keys, prefix + "\U0010ffff", lo=first)
            end = min(last, first + limit) if limit else last
            return Page([entries[key] for key in keys[first:end]], revision, last - end)

    def events(self, after: int, prefix: str = "") -> tuple[Sequence[Event], int]:
        """Return the events of some keys after a revision; see :meth:`Backend.events`."""
        with self._lock:
            if not prefix:
                return self._events(after), self.revision
            if after < self.oldest:
                raise Compacted(after, self.oldest)
            resource, _, rest = prefix.partition("/")
            log = self._logs.get(resource, ())
            if not log or log[-1].revision <= after:
                return (), self.revision
            found = log[bisect_right(log, after, key=_revision) :]
            if rest:
                found = [event for event in found if event.key.startswith(prefix)]
            return found, self.revision

    def compact(self, revision: int) -> None:
        """Drop the history up to a revision; see :meth:`Backend.compact`."""
        with self._lock:
            if self.oldest < revision <= self.revision:
                self._forget(revision)

    def _events(self, after: int) -> Sequence[Event]:
        if after < self.oldest:
            raise Compacted(after, self.oldest)
        return self._log[after - self.oldest :] if after < self.revision else ()

    def _checked(self, key: str, expected: int | None) -> Entry | None:
        previous = self._entries.get(key)
        if expected is not None:
            found = 0 if previous is None else previous.revision
            if found != expected:
                raise RevisionMismatch(key, expected, found)
        return previous

    def _commit(self, event: Event) -> None:
        self.revision = event.revision
        self._log.append(event)
        resource = event.key[: event.key.index("/")]
        self._last[resource] = event.revision
        self._logs.setdefault(resource, []).append(event)
        if self._waiting:
            self._news.notify_all()
        # Dropping the older half at once keeps the amortised cost per write constant.
        if len(self._log) >= 2 * self._history:
            self._forget(self.revision - self._history)

    def _forget(self, revision: int) -> None:
        self._log = self._log[revision - self.oldest :]
        self.oldest = revision
        for resource, log in self._logs.items():
            self._logs[resource] = log[bisect_right(log, revision, key=_revision) :]

    def _group(self, key: str) -> _Index:
        resource = key[: key.index("/")]
        index = self._index.get(resource)
        if index is None:
            index = self._index[resource] = _Index()
        return index

    def _as_of(self, prefix: str, revision: int) -> dict[str, Entry]:
        """Return a range at an earlier revision: the current entries with later events undone, newest first."""
        keys = self._group(prefix).keys()
        entries = {key: self._entries[key] for key in keys if key.startswith(prefix)}
        for event in reversed(self._events(revision)):
            if event.key.startswith(prefix):
                if event.previous is None:
                    entries.pop(event.key, None)
                else:
                    version = int(event.previous["metadata"]["resourceVersion"])
                    entries[event.key] = Entry(event.key, event.previous, version)
        return entries


class _Index:
    """The sorted keys of one resource; sorted on demand, so that a burst of writes costs one sort."""

    __slots__ = ("_added", "_keys", "_removed")

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._added: set[str] = set()
        self._removed: set[str] = set()

    def add(self, key: str) -> None:
        if key in self._removed:
            self._removed.remove(key)
        else:
            self._added.add(key)

    def discard(self, key: str) -> None:
        if key in self._added:
            self._added.remove(key)
        else:
            self._removed.add(key)

    def keys(self) -> list[str]:
        if self._removed:
            self._forget()
        if len(self._added) > _FEW:
            self._keys += self._added
            self._keys.sort()
        else:
            for key in self._added:
                insort(self._keys, key)
        self._added.clear()
        return self._keys

    def _forget(self) -> None:
        if len(self._removed) > _FEW:
            self._keys = [key for key in self._keys if key not in self._removed]
        else:
            for key in self._removed:
                del self._keys[bisect_left(self._keys, key)]
        self._removed.clear()
