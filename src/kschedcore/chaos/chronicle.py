"""What was written to a cluster, write by write, and by whom; replayed, it is what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import ObjectKey
from kschedcore.store.backend import Backend, EventType

__all__ = ["Chronicle", "Objects", "Write"]

Objects = dict[str, dict[ObjectKey, Object]]
"""What is there: resource -> namespace and name -> object."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write to the store.

    Attributes:
        resource: The qualified plural.
        old: The object before; None when it is new.
        new: The object after; None when it is gone.
        by: The component that wrote, or ``user``.
        late: Whether that component may not have heard of everything before it.
    """

    resource: str
    old: Object | None
    new: Object | None
    by: str
    late: bool

    @property
    def object(self) -> Object:
        """The object after it, or as it last was."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found

    def __str__(self) -> str:
        verb = "created" if self.old is None else "deleted" if self.new is None else "changed"
        metadata = self.object["metadata"]
        name = f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]
        return f"{self.by} {verb} {self.resource} {name}"


class Chronicle:
    """Follows a back end's log, from its beginning on.

    Args:
        backend: Whose log; nothing of it may have been forgotten yet.

    Attributes:
        objects: What is there, as the log so far has it.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._revision = backend.oldest
        self.objects: Objects = {}

    def writes(self, by: str, *, late: bool) -> Iterator[Write]:
        """The writes since the last call; ``objects`` follows them one by one.

        Args:
            by: Who wrote them.
            late: See :class:`Write`.
        """
        events, self._revision = self._backend.events(self._revision)
        for event in events:
            gone = event.type is EventType.DELETED
            resource = self._put(event.key, None if gone else event.value)
            old = event.value if gone else event.previous
            yield Write(resource, old, None if gone else event.value, by, late)

    def _put(self, key: str, obj: Object | None) -> str:
        resource, _, rest = key.partition("/")
        namespace, _, name = rest.rpartition("/")
        if obj is None:
            del self.objects[resource][namespace, name]
        else:
            self.objects.setdefault(resource, {})[namespace, name] = obj
        return resource
