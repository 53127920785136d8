"""The writes to a cluster in order, each with the component that made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.client.informer import ObjectKey
from kschedcore.moved import renamed
from kschedcore.store.backend import Backend, EventType

__all__ = ["Objects", "Write", "WriteLog"]

Objects = dict[str, dict[ObjectKey, Object]]
"""Existing objects: qualified resource -> (namespace, name) -> object."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write to the store.

    Attributes:
        resource: The qualified plural.
        old: The object before the write; None when it was created.
        new: The object after the write; None when it was deleted.
        by: The component that wrote, or ``user``.
        stale: Whether that component had not yet received all events.
    """

    resource: str
    old: Object | None
    new: Object | None
    by: str
    stale: bool
    late = renamed("late", "stale")

    @property
    def object(self) -> Object:
        """The object after the write, or its last state when it was deleted."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found

    def __str__(self) -> str:
        verb = "created" if self.old is None else "deleted" if self.new is None else "changed"
        metadata = self.object["metadata"]
        name = f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
        return f"{self.by} {verb} {self.resource} {name}"


class WriteLog:
    """Follows the event log of a back end from its beginning.

    Args:
        backend: A back end whose log has not been compacted.

    Attributes:
        objects: The objects that exist after the events read so far.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._revision = backend.oldest
        self.objects: Objects = {}

    def writes(self, by: str, *, stale: bool) -> Iterator[Write]:
        """Yield the writes since the last call and apply each to ``objects``.

        Args:
            by: The component that made them.
            stale: See :class:`Write`.
        """
        events, self._revision = self._backend.events(self._revision)
        for event in events:
            deleted = event.type is EventType.DELETED
            resource = self._put(event.key, None if deleted else event.value)
            old = event.value if deleted else event.previous
            yield Write(resource, old, None if deleted else event.value, by, stale)

    def _put(self, key: str, obj: Object | None) -> str:
        resource, _, rest = key.partition("/")
        namespace, _, name = rest.rpartition("/")
        if obj is None:
            del self.objects[resource][Namespace(namespace), name]
        else:
            self.objects.setdefault(resource, {})[Namespace(namespace), name] = obj
        return resource
