"""A back end over SQLite, as small as can be: it shows that the contract can be kept with bytes alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from threading import Condition, RLock
from typing import Any

from kschedcore.api.machinery.frozen import StoredObject
from kschedcore.store.backend import (
    BackendError,
    Compacted,
    Entry,
    Event,
    EventType,
    Page,
    RevisionMismatch,
    TooLarge,
    Unavailable,
    Value,
    Write,
)
from kschedcore.store.codec import decode

SCHEMA = """
CREATE TABLE IF NOT EXISTS writes (
    revision INTEGER PRIMARY KEY, key TEXT NOT NULL, type TEXT NOT NULL, value BLOB NOT NULL, previous INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS by_key ON writes (key, revision);
CREATE TABLE IF NOT EXISTS compacted (revision INTEGER NOT NULL);
"""
MAX_BYTES = 1 << 16
_AFTER_EVERY_KEY = "\U0010ffff"


class SQLiteBackend:
    """Every write is a row; a row is forgotten when it is compacted and its key has a later one."""

    def __init__(self, path: str = ":memory:") -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(SCHEMA)
        self._lock = RLock()
        self._news = Condition(self._lock)
        self._listeners: list[Callable[[], None]] = []

    def limit_disk(self) -> None:
        """Let the file grow no more."""
        pages = self._db.execute("PRAGMA page_count").fetchone()[0]
        self._db.execute(f"PRAGMA max_page_count = {pages}")

    def _number(self, query: str, *parameters: Any) -> int:
        with self._lock:
            return int(self._db.execute(query, parameters).fetchone()[0] or 0)

    @property
    def max_bytes(self) -> int | None:
        return MAX_BYTES

    @property
    def revision(self) -> int:
        return max(1, self._number("SELECT max(revision) FROM writes"), self.oldest)

    def last_change(self, resource: str) -> int:
        start = f"{resource}/"
        return self._number(
            "SELECT max(revision) FROM writes WHERE key >= ? AND key < ?", start, start + _AFTER_EVERY_KEY
        )

    @property
    def oldest(self) -> int:
        return max(1, self._number("SELECT max(revision) FROM compacted"))

    def get(self, key: str) -> Entry | None:
        with self._lock:
            row = self._latest(key)
            return (
                None
                if row is None or row[1] == EventType.DELETED
                else Entry(key, decode(row[2], row[0]), row[0])
            )

    def _latest(self, key: str) -> Any:
        query = "SELECT revision, type, value FROM writes WHERE key = ? ORDER BY revision DESC LIMIT 1"
        return self._db.execute(query, (key,)).fetchone()

    def put(self, key: str, value: Value, *, expected: int | None = None) -> Entry:
        return self._one(Write(key, value, expected))

    def delete(self, key: str, value: Value, *, expected: int | None = None) -> Entry:
        return self._one(Write(key, value, expected, delete=True))

    def _one(self, write: Write) -> Entry:
        [result] = self.write([write])
        if isinstance(result, BackendError):
            raise result
        return result

    def write(self, batch: Sequence[Write]) -> Sequence[Entry | BackendError]:
        results: list[Entry | BackendError] = []
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for each in batch:
                    try:
                        results.append(self._carry_out(each))
                    except (RevisionMismatch, TooLarge) as error:
                        results.append(error)
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise Unavailable(f"SQLite: {error}") from None
            self._news.notify_all()
        for listener in tuple(self._listeners):
            listener()
        return results

    def _carry_out(self, write: Write) -> Entry:
        latest = self._latest(write.key)
        found = 0 if latest is None or latest[1] == EventType.DELETED else latest[0]
        wrong = write.expected is not None and found != write.expected
        if wrong or (write.delete and not found):
            raise RevisionMismatch(write.key, write.expected or 0, found)
        data = write.value.encoded()
        if len(data) > MAX_BYTES:
            raise TooLarge(write.key, len(data), MAX_BYTES)
        kind = EventType.DELETED if write.delete else EventType.MODIFIED if found else EventType.ADDED
        revision = self.revision + 1
        row = (revision, write.key, kind.value, data, found)
        self._db.execute("INSERT INTO writes VALUES (?, ?, ?, ?, ?)", row)
        return Entry(write.key, write.value.at(revision), revision)

    def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> Page:
        with self._lock:
            revision = min(revision, self.revision) or self.revision
            if revision < self.oldest:
                raise Compacted(revision, self.oldest)
            rows = self._db.execute(
                "SELECT key, max(revision), type, value FROM writes WHERE key >= ? AND key < ? AND revision <= ? "
                "GROUP BY key ORDER BY key",
                (max(prefix, start), prefix + _AFTER_EVERY_KEY, revision),
            ).fetchall()
        present = [
            Entry(key, decode(value, at), at) for key, at, kind, value in rows if kind != EventType.DELETED
        ]
        entries = present[:limit] if limit else present
        return Page(entries, revision, len(present) - len(entries))

    def events(self, after: int, prefix: str = "") -> tuple[Sequence[Event], int]:
        with self._lock:
            if after < self.oldest:
                raise Compacted(after, self.oldest)
            rows = self._db.execute(
                "SELECT now.revision, now.type, now.key, now.value, before.revision, before.value FROM writes AS now "
                "LEFT JOIN writes AS before ON before.revision = now.previous "
                "WHERE now.revision > ? AND now.key >= ? AND now.key < ? ORDER BY now.revision",
                (after, prefix, prefix + _AFTER_EVERY_KEY),
            ).fetchall()
            return [_event(*row) for row in rows], self.revision

    def compact(self, revision: int) -> None:
        with self._lock:
            if self.oldest < revision <= self.revision:
                self._db.execute("INSERT INTO compacted VALUES (?)", (revision,))
                self._db.execute(
                    "DELETE FROM writes WHERE revision <= ? AND (type = 'DELETED' OR revision < "
                    "(SELECT max(revision) FROM writes AS later WHERE later.key = writes.key AND revision <= ?))",
                    (revision, revision),
                )

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def wait(self, after: int, timeout: float | None = None) -> int:
        with self._lock:
            self._news.wait_for(lambda: self.revision > after, timeout)
            return self.revision


def _event(
    revision: int, kind: str, key: str, value: bytes, before: int | None, previous: bytes | None
) -> Event:
    old: StoredObject | None = None if before is None or previous is None else decode(previous, before)
    return Event(revision, EventType(kind), key, decode(value, revision), old)
