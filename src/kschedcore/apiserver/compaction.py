"""Compaction: five to ten minutes of history are kept (``kube-apiserver --etcd-compaction-interval``)."""

from __future__ import annotations

from datetime import timedelta

from kschedcore.clock import Clock
from kschedcore.store.store import Store

__all__ = ["Compactor"]

INTERVAL = timedelta(minutes=5)


class Compactor:
    """Compacts the history before the previous call, every five minutes.

    Args:
        store: The store to compact.
        clock: The clock.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._last = store.backend.revision
        self.due = clock.now() + INTERVAL
        """The time of the next compaction."""

    def compact(self) -> None:
        """Compact the history if that is due."""
        now = self._clock.now()
        if now >= self.due:
            self._store.compact(self._last)
            self._last, self.due = self._store.backend.revision, now + INTERVAL
