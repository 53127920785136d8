"""The store: objects by kind, namespace and name, versioned, over a back end.

It has the guarantees of the API server's storage (optimistic concurrency, ordered events, reads at one version);
defaulting, validation and requests are layers above it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakSet

from kschedcore.api.machinery.frozen import FieldRecord, StoredObject
from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError, already_exists, conflict, not_found, too_large
from kschedcore.api.machinery.types import Namespace, Object, ResourceVersion
from kschedcore.store.backend import Backend, RevisionMismatch, TooLarge
from kschedcore.store.codec import Draft
from kschedcore.store.lister import Lister
from kschedcore.store.memory import MemoryBackend
from kschedcore.store.watch import Watch, too_new

__all__ = ["MODIFIED", "Store", "key_of", "prefix_of"]

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
"""The message for a write against an older version."""


def prefix_of(resource: Resource, namespace: Namespace | None = None) -> str:
    """Return the prefix of the keys of a resource, or of one namespace of it."""
    return f"{resource.qualified}/{namespace}/" if namespace else f"{resource.qualified}/"


def key_of(resource: Resource, namespace: Namespace, name: str) -> str:
    """Return the key of one object; keys sort like lists."""
    return f"{resource.qualified}/{namespace}/{name}" if namespace else f"{resource.qualified}/{name}"


class Store:
    """Objects with Kubernetes' semantics of resourceVersions.

    Returned objects are shared and immutable.

    Args:
        backend: The back end; in memory by default.
    """

    def __init__(self, backend: Backend | None = None) -> None:
        self.backend: Backend = MemoryBackend() if backend is None else backend
        self._lister = Lister(self.backend)
        self._watches: WeakSet[Watch] = WeakSet()

    def get(self, resource: str, namespace: Namespace, name: str) -> StoredObject | None:
        """Return the object, or None; ``resource`` is the qualified plural (``deployments.apps``)."""
        entry = self.backend.get(f"{resource}/{namespace}/{name}" if namespace else f"{resource}/{name}")
        return None if entry is None else entry.value

    def list(self, resource: str, namespace: Namespace | None = None) -> Sequence[Object]:
        """Return the objects of a resource, in one namespace or all, in the order of namespace and name."""
        return self._lister.list(resource, namespace)

    def create(
        self, resource: Resource, obj: Mapping[str, Any], record: FieldRecord | None = None
    ) -> StoredObject:
        """Store a new object under its metadata's name; its version is the write's.

        Args:
            resource: The qualified plural.
            obj: The object.
            record: The managed-fields record; None for none.

        Raises:
            StatusError: 409 AlreadyExists, 413 if the object is too large for the back end.
        """
        metadata = obj["metadata"]
        key = key_of(resource, metadata.get("namespace", ""), metadata["name"])
        try:
            return self.backend.put(key, Draft(obj, record), expected=0).value
        except RevisionMismatch:
            raise already_exists(resource, metadata["name"]) from None
        except TooLarge as error:
            raise too_large(str(error)) from None

    def update(
        self,
        resource: Resource,
        obj: Mapping[str, Any],
        version: ResourceVersion,
        record: FieldRecord | None = None,
    ) -> StoredObject:
        """Replace the object of version ``version``.

        Args:
            resource: The qualified plural.
            obj: The object.
            version: The version that it replaces.
            record: The managed-fields record; None to leave it unchanged.

        Raises:
            StatusError: 409 Conflict if it has another version, 404 if it does not exist.
        """
        metadata = obj["metadata"]
        key = key_of(resource, metadata.get("namespace", ""), metadata["name"])
        record = self._carried(key) if record is None else record
        try:
            return self.backend.put(key, Draft(obj, record), expected=int(version)).value
        except RevisionMismatch as mismatch:
            raise _outdated(resource, metadata["name"], mismatch) from None
        except TooLarge as error:
            raise too_large(str(error)) from None

    def delete(self, resource: Resource, obj: Mapping[str, Any], version: ResourceVersion) -> StoredObject:
        """Remove the object of version ``version``; watchers see ``obj`` as its last state.

        Raises:
            StatusError: 409 Conflict if it has another version, 404 if it does not exist.
        """
        metadata = obj["metadata"]
        key = key_of(resource, metadata.get("namespace", ""), metadata["name"])
        last = Draft(obj, self._carried(key))
        try:
            return self.backend.delete(key, last, expected=int(version)).value
        except RevisionMismatch as mismatch:
            raise _outdated(resource, metadata["name"], mismatch) from None

    def replace_status(self, resource: str, obj: Object) -> bool:
        """Replace an object by its resourceVersion; return False if it has another version."""
        metadata = obj["metadata"]
        key = key_of(kind_by_resource(resource).resource, metadata.get("namespace", ""), metadata["name"])
        try:
            draft = Draft(obj, self._carried(key))
            self.backend.put(key, draft, expected=int(metadata["resourceVersion"]))
        except RevisionMismatch:
            return False
        return True

    def watch(
        self,
        resource: Resource,
        namespace: Namespace | None = None,
        *,
        version: int = 0,
        selects: Callable[[Object], bool] | None = None,
        initial: bool = False,
        bookmarks: bool = True,
        complete: bool = False,
    ) -> Watch:
        """Watch a resource.

        Args:
            resource: The resource.
            namespace: One namespace; None for all.
            version: Start after this version; 0 for the current one.
            selects: Predicate of the objects; None for all.
            initial: Whether the existing objects are sent first.
            bookmarks: Whether a bookmark follows them.
            complete: Whether objects include ``managedFields``.

        Raises:
            StatusError: 504 for a version in the future.
        """
        if version > self.backend.revision:
            raise too_new(version, self.backend.revision)
        prefix = prefix_of(resource, namespace)
        present = None
        if initial:
            page = self.backend.range(prefix)
            present = [entry.value for entry in page.entries if selects is None or selects(entry.value)]
            revision = page.revision
        else:
            revision = version or self.backend.revision
        watch = Watch(
            self.backend, resource, prefix, revision, selects, present, complete, bookmarks=bookmarks
        )
        self._watches.add(watch)
        return watch

    def compact(self, revision: int) -> None:
        """Drop the history up to a revision, except events that a watch in this process has not read."""
        self.backend.compact(min((revision, *(watch.revision for watch in self._watches))))

    def _carried(self, key: str) -> FieldRecord | None:
        """Return the managed-fields record after a write without a field manager."""
        entry = self.backend.get(key)
        return None if entry is None else entry.value.carried_record()


def _outdated(resource: Resource, name: str, mismatch: RevisionMismatch) -> StatusError:
    """Return the API error for a failed compare-and-set."""
    return not_found(resource, name) if mismatch.found == 0 else conflict(resource, name, MODIFIED)
