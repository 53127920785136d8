"""Events are deleted an hour after they were last written (``kube-apiserver --event-ttl``)."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.machinery.times import LATEST
from kschedcore.api.machinery.types import Namespace, Object, ResourceVersion
from kschedcore.clock import Clock
from kschedcore.store.store import Store

__all__ = ["EventTTL"]

TTL = timedelta(hours=1)
_EVENTS = kind_by_resource("events").resource


class EventTTL:
    """Deletes expired events.

    Args:
        store: The store.
        clock: The clock.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._due: deque[tuple[datetime, Namespace, str, ResourceVersion]] = deque()

    @property
    def due(self) -> datetime:
        """Return when the next event may expire."""
        return self._due[0][0] if self._due else LATEST

    def written(self, event: Object) -> None:
        """Start an event's time to live."""
        metadata = event["metadata"]
        version = metadata.get("resourceVersion", "")
        self._due.append((self._clock.now() + TTL, metadata["namespace"], metadata["name"], version))

    def expire(self) -> None:
        """Delete all events that were last written an hour ago or earlier."""
        while self._due and self._due[0][0] <= self._clock.now():
            _, namespace, name, version = self._due.popleft()
            event = self._store.get(_EVENTS.qualified, namespace, name)
            if event is not None and event["metadata"]["resourceVersion"] == version:
                self._store.delete(_EVENTS, event, version)
