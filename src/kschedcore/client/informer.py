"""Informers: a cache of a resource, with indexes, and listeners that are called as it changes.

Reads are consistent (KEP-2340): an informer first reads all events up to now, so that a component sees its own writes
and needs no expectations. Listeners are called separately, and may be called late.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping

from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.client.transport import Events, Transport, open_watch, path_of

__all__ = ["Change", "Informer", "Informers", "by_label", "by_node", "controller_of", "key_of"]

_LIST_AND_WATCH = (
    "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
)

_log = logging.getLogger(__name__)

ObjectKey = tuple[Namespace, str]
"""(namespace, name); the namespace of cluster-scoped objects is ``""``."""

Listener = Callable[[Change], None]
"""Called with every change."""

IndexOf = Callable[[Object], Iterable[Hashable]]
"""Returns the index values of an object."""


def key_of(obj: Object) -> ObjectKey:
    """Return the namespace and name of an object."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def controller_of(obj: Object) -> Object | None:
    """Return the owner reference of an object's controller."""
    for owner in obj["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            reference: Object = owner
            return reference
    return None


def _controller_kind(obj: Object) -> str:
    """Return the kind of an object's controller; empty if it has none."""
    controller = controller_of(obj)
    return "" if controller is None else controller["kind"]


def by_node(pod: Object) -> Iterable[Hashable]:
    """Index pods by the name of their node."""
    node = pod["spec"].get("nodeName")
    return (node,) if node else ()


def by_label(obj: Object) -> Iterable[Hashable]:
    """Index objects by namespace and label: ``(namespace, key, value)``."""
    metadata = obj["metadata"]
    namespace = metadata.get("namespace", "")
    return [(namespace, key, value) for key, value in metadata.get("labels", {}).items()]


def _by_namespace(obj: Object) -> Iterable[Hashable]:
    return (obj["metadata"].get("namespace", ""),)


def _by_controller(obj: Object) -> Iterable[Hashable]:
    owner = controller_of(obj)
    # Objects without a controller are looked up by controllers that adopt.
    return (owner["uid"] if owner else (obj["metadata"].get("namespace", ""), None),)


class Informer:
    """The objects of one resource.

    Args:
        transport: The transport to the API server.
        resource: The qualified plural, ``deployments.apps``.
    """

    def __init__(self, transport: Transport, resource: str) -> None:
        self._transport = transport
        kind = kind_by_resource(resource).resource
        self.resource = resource
        self._path = path_of(kind.api_version, kind.plural)
        self._events: Events | None = None
        self._objects: dict[ObjectKey, Object] = {}
        self._indices: dict[str, _Index] = {
            "namespace": _Index(_by_namespace),
            "controller": _Index(_by_controller),
        }
        self._listeners: dict[str | None, list[Listener]] = {}

    def add_index(self, name: str, index_of: IndexOf) -> None:
        """Add an index for :meth:`by`; adding the same index again is a no-op."""
        if name not in self._indices:
            index = self._indices[name] = _Index(index_of)
            for key, obj in self._objects.items():
                index.change(key, None, obj)

    def listen(self, listener: Listener, controlled: str | None = None) -> None:
        """Call ``listener`` with every existing object (as new) and with every change from now on.

        Args:
            listener: The listener.
            controlled: Only for objects whose controller is of this kind, or was before the change; ``""`` for
                objects without a controller, None for all.
        """
        self.sync()
        for obj in list(self._objects.values()):
            if controlled is None or controlled == _controller_kind(obj):
                try:
                    listener(change := Change(None, obj))
                except Exception:
                    self._log_failure(change)
        self._listeners.setdefault(controlled, []).append(listener)

    def unlisten(self, listener: Listener, controlled: str | None = None) -> None:
        """Remove ``listener``, which was added with the same ``controlled``."""
        self._listeners[controlled].remove(listener)

    def sync(self) -> bool:
        """Read all events up to now; return whether there were any."""
        if self._events is None:
            return self._start()
        try:
            events = self._events.poll()
        except StatusError as refusal:
            if refusal.code != 410:
                raise
            return self._start()
        for event in events:
            if event.type != "BOOKMARK":
                self._take(event.object, gone=event.type == "DELETED")
        return bool(events)

    def seen(self, namespace: Namespace, name: str) -> Object | None:
        """Return the object of that name as listeners last saw it, or None.

        For listeners that compute keys to reconcile: they will be called for later changes too.
        """
        return self._objects.get((namespace, name))

    def seen_by(self, index: str, value: Hashable) -> list[Object]:
        """Return the objects found under ``value`` as listeners last saw them; see :meth:`seen`."""
        return [self._objects[key] for key in self._indices[index].keys(value)]

    def get(self, namespace: Namespace, name: str) -> Object | None:
        """Return the object of that name, or None."""
        self.sync()
        return self._objects.get((namespace, name))

    def all(self) -> list[Object]:
        """Return all objects, in the order of first appearance."""
        self.sync()
        return list(self._objects.values())

    def by(self, index: str, value: Hashable) -> list[Object]:
        """Return the objects with an index value, in the order of first appearance."""
        self.sync()
        return self.seen_by(index, value)

    def count(self, index: str, value: Hashable) -> int:
        """Return the number of objects with an index value."""
        self.sync()
        return len(self._indices[index].keys(value))

    def in_namespace(self, namespace: Namespace) -> list[Object]:
        """Return the objects of a namespace."""
        return self.by("namespace", namespace)

    def controlled_by(self, owner: Object) -> list[Object]:
        """Return the objects whose controller is ``owner``, by uid."""
        return self.by("controller", owner["metadata"]["uid"])

    def orphans(self, namespace: Namespace) -> list[Object]:
        """Return the objects of a namespace without a controller."""
        return self.by("controller", (namespace, None))

    def _start(self) -> bool:
        """List, and watch from there on: at first, and after the history was compacted."""
        self._events = open_watch(self._transport, f"{self._path}?{_LIST_AND_WATCH}")
        present = {}
        for event in self._events.poll():
            if event.type != "BOOKMARK":
                present[key_of(event.object)] = event.object
        for key in [key for key in self._objects if key not in present]:
            self._take(self._objects[key], gone=True)
        for obj in present.values():
            self._take(obj, gone=False)
        return True

    def _take(self, obj: Object, *, gone: bool) -> None:
        key = key_of(obj)
        known = self._objects.get(key)
        if known is not None and known["metadata"]["uid"] != obj["metadata"]["uid"]:
            # The deletion was missed: the new object is not a change of the old one.
            self._put(key, known, None, Change(known, None))
            known = None
        if not gone:
            if known is not obj:
                self._put(key, known, obj, Change(known, obj))
        elif known is not None:
            self._put(key, known, None, Change(obj, None))

    def _put(self, key: ObjectKey, known: Object | None, new: Object | None, change: Change) -> None:
        if new is None:
            del self._objects[key]
        else:
            self._objects[key] = new
        for index in self._indices.values():
            index.change(key, known, new)
        kinds = {_controller_kind(each) for each in (change.old, change.new) if each is not None}
        for controlled, listeners in self._listeners.items():
            if controlled is None or controlled in kinds:
                for listener in listeners:
                    # A listener's error must not keep listeners from later changes.
                    try:
                        listener(change)
                    except Exception:
                        self._log_failure(change)

    def _log_failure(self, change: Change) -> None:
        name = "/".join(filter(None, key_of(change.object)))
        _log.exception(
            "a listener failed on a change of %s %s; the change is lost to it", self.resource, name
        )


class _Index:
    """Keys of objects by index value; those of one value in the order in which they got it."""

    __slots__ = ("_index_of", "_keys")

    def __init__(self, index_of: IndexOf) -> None:
        self._index_of = index_of
        self._keys: dict[Hashable, dict[ObjectKey, None]] = {}

    def keys(self, value: Hashable) -> Collection[ObjectKey]:
        return self._keys.get(value, ())

    def _logged_values(self, obj: Object | None) -> tuple[Hashable, ...]:
        """Return the values of an object; none, and a line in the log, when it cannot be indexed."""
        if obj is None:
            return ()
        try:
            return tuple(self._index_of(obj))
        except Exception:
            _log.exception("%s cannot be indexed", "/".join(filter(None, key_of(obj))))
            return ()

    def change(self, key: ObjectKey, old: Object | None, new: Object | None) -> None:
        try:
            before = () if old is None else tuple(self._index_of(old))
            now = () if new is None else tuple(self._index_of(new))
        except Exception:
            before, now = self._logged_values(old), self._logged_values(new)
        if before == now:
            return
        for value in set(before).difference(now):
            keys = self._keys[value]
            del keys[key]
            if not keys:
                del self._keys[value]
        for value in set(now).difference(before):
            self._keys.setdefault(value, {})[key] = None


class Informers(Mapping[str, Informer]):
    """One informer per resource, shared by the components of a process; created on first access.

    Args:
        transport: The transport to the API server.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._informers: dict[str, Informer] = {}

    def __getitem__(self, resource: str) -> Informer:
        informer = self._informers.get(resource)
        if informer is None:
            informer = self._informers[resource] = Informer(self._transport, resource)
        return informer

    def __iter__(self) -> Iterator[str]:
        return iter(self._informers)

    def __len__(self) -> int:
        return len(self._informers)

    def sync(self) -> bool:
        """Sync all informers; return whether there were any events."""
        changed = False
        for informer in list(self._informers.values()):
            changed |= informer.sync()
        return changed
