"""Watches: the events after a version, in order, filtered by a selector.

A watch has no queue and no copies, only its position in the back end's log; a thousand watchers cost a thousand
integers. Its reader polls it; a server that pushes events polls whenever the back end notifies of a write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from kschedcore.api.machinery.frozen import FrozenDict, StoredObject
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.store.backend import Backend, Compacted, Event, EventType

__all__ = ["Watch", "WatchEvent", "too_new", "too_old"]

_INITIAL_END = "k8s.io/initial-events-end"


def too_old(gone: Compacted) -> StatusError:
    """Return the error 410: the version was compacted."""
    return StatusError(410, "Expired", f"too old resource version: {gone.requested} ({gone.oldest})")


def too_new(version: int, current: int) -> StatusError:
    """Return the error 504: the version is in the future."""
    message = f"Too large resource version: {version}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return StatusError(504, "Timeout", f"Timeout: {message}", {"causes": [cause], "retryAfterSeconds": 1})


class WatchEvent(msgspec.Struct, frozen=True, gc=False):
    """One event for a client: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``, and the object."""

    type: str
    object: Object


class Watch:
    """Events of one resource.

    Args:
        backend: The back end.
        resource: The resource.
        prefix: The prefix of its keys.
        revision: The revision after which to start.
        selects: Predicate of the objects. An object that begins to match is ADDED, one that ceases to is DELETED.
        initial: The existing objects at that revision, sent first as ADDED; None to send only events.
        complete: Whether objects include ``managedFields``, which have to be computed.
        bookmarks: Whether a bookmark follows the initial objects.
    """

    def __init__(
        self,
        backend: Backend,
        resource: Resource,
        prefix: str,
        revision: int,
        selects: Callable[[Object], bool] | None = None,
        initial: Sequence[StoredObject] | None = None,
        complete: bool = False,
        *,
        bookmarks: bool = True,
    ) -> None:
        self._backend = backend
        self._resource = resource
        self._prefix = prefix
        self._selects = selects
        self._initial = initial
        self._complete = complete
        self._bookmarks = bookmarks
        self.revision = revision
        """All events up to this revision have been read."""

    def poll(self) -> list[WatchEvent]:
        """Return the events since the last call, in order.

        Raises:
            StatusError: 410 if events that the watch has not read were compacted.
        """
        first, self._initial = self._initial, None
        if first or (first is not None and self._bookmarks):
            present = [self._event("ADDED", obj) for obj in first]
            return [*present, self._initial_end()] if self._bookmarks else present
        if self._backend.last_change(self._resource.qualified) <= self.revision:
            self.revision = self._backend.revision
            return []
        try:
            events, self.revision = self._backend.events(self.revision, self._prefix)
        except Compacted as gone:
            raise too_old(gone) from None
        if self._selects is None:
            return [self._event(event.type.value, event.value) for event in events]
        return [seen for event in events for seen in self._seen(event, self._selects)]

    def _event(self, kind: str, obj: StoredObject) -> WatchEvent:
        return WatchEvent(kind, obj.completed() if self._complete else obj)

    def bookmark(self) -> WatchEvent:
        """Return a bookmark with the version up to which events were read, from which a watch can continue."""
        return self._bookmark({})

    def _initial_end(self) -> WatchEvent:
        """Return the bookmark after the initial events of a streaming list (KEP-3157)."""
        return self._bookmark({"annotations": {_INITIAL_END: "true"}})

    def _bookmark(self, more: Object) -> WatchEvent:
        metadata = {"resourceVersion": str(self.revision), **more}
        resource = self._resource
        return WatchEvent(
            "BOOKMARK",
            {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata},
        )

    def _seen(self, event: Event, selects: Callable[[Object], bool]) -> Iterator[WatchEvent]:
        now = event.type is not EventType.DELETED and selects(event.value)
        before = event.previous is not None and selects(event.previous)
        if now:
            yield self._event("MODIFIED" if before else "ADDED", event.value)
        elif before:
            yield self._event("DELETED", self._last_seen(event))

    @staticmethod
    def _last_seen(event: Event) -> StoredObject:
        """Return the last matching state of an object that ceased to match, with the version of that event."""
        if event.type is EventType.DELETED or event.previous is None:
            return event.value
        version = event.value["metadata"]["resourceVersion"]
        metadata = FrozenDict({**event.previous["metadata"], "resourceVersion": version})
        return StoredObject.of({**event.previous, "metadata": metadata}, event.previous.carried_record())
