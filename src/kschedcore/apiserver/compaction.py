"""The history that is kept: five to ten minutes (``kube-apiserver --etcd-compaction-interval``)."""

from __future__ import annotations

from datetime import timedelta

from kschedcore.clock import Clock
from kschedcore.store.store import Store

__all__ = ["Compactor"]

INTERVAL = timedelta(minutes=5)


class Compactor:
    """Forgets history: every five minutes that from before the last time.

    Args:
        store: Whose history.
        clock: Says when it is time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._last = store.backend.revision
        self._due = clock.now() + INTERVAL

    def compact(self) -> None:
        """Forget what it is time to forget."""
        now = self._clock.now()
        if now >= self._due:
            self._store.compact(self._last)
            self._last, self._due = self._store.backend.revision, now + INTERVAL
