"""Watches: every event after a version, in order, through a selector.

A watch holds no queue and no copies, only how far it has read the back end's log; a thousand watchers cost
a thousand integers. Its reader polls it; a server that pushes polls whenever the back end announces a write.
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
    """410: the history does not reach so far back."""
    return StatusError(410, "Expired", f"too old resource version: {gone.requested} ({gone.oldest})")


def too_new(version: int, current: int) -> StatusError:
    """504: the version is yet to come."""
    message = f"Too large resource version: {version}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return StatusError(504, "Timeout", f"Timeout: {message}", {"causes": [cause], "retryAfterSeconds": 1})


class WatchEvent(msgspec.Struct, frozen=True, gc=False):
    """One event as a client sees it: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``, and the object."""

    type: str
    object: Object


class Watch:
    """Events of one resource.

    Args:
        backend: Whose log to read.
        resource: What to watch.
        prefix: Which keys of it.
        revision: After which revision to begin.
        selects: Whether an object is wanted. One that comes to be wanted is ADDED, one that ceases DELETED.
        initial: What is there at that revision, to be seen first as ADDED; None to see only what happens.
        complete: Whether objects come with ``managedFields``, which have to be computed.
        bookmarks: Whether a bookmark ends the initial objects.
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
        """Everything up to this revision has been seen."""

    def poll(self) -> list[WatchEvent]:
        """What has happened since the last call, in order.

        Raises:
            StatusError: 410 when the watch has fallen further behind than the history reaches.
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
        """An event that says up to which version everything has been seen: from there a watch can go on."""
        return self._bookmark({})

    def _initial_end(self) -> WatchEvent:
        """The bookmark behind the initial events of a watch that is a list as well (KEP-3157)."""
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
        """What left the selection, as it last matched, with the version at which it left."""
        if event.type is EventType.DELETED or event.previous is None:
            return event.value
        version = event.value["metadata"]["resourceVersion"]
        metadata = FrozenDict({**event.previous["metadata"], "resourceVersion": version})
        return StoredObject.of({**event.previous, "metadata": metadata}, event.previous.carried_record())
