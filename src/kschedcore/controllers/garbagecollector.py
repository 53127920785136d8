"""The garbage collector: deletes objects whose owners are deleted.

Rules: "Garbage Collection" and "Owners and dependents" in the reference; ``blockOwnerDeletion`` and the
finalizers ``foregroundDeletion`` and ``orphan`` as in ``pkg/controller/garbagecollector``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from kschedcore.api.machinery.kinds import KINDS
from kschedcore.api.machinery.types import CLUSTER_SCOPE, UID, Object
from kschedcore.client.informer import Change, Informer
from kschedcore.client.verbs import Propagation
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch

__all__ = ["GarbageCollector"]

_FOREGROUND = "foregroundDeletion"
_ORPHAN = "orphan"
_INDEX = "owner uid"
_IGNORED = ("events",)
"""Resources that the collector ignores (``DefaultIgnoredResources``)."""

_RESOURCES = {
    (kind.resource.api_version, kind.resource.kind): kind.resource
    for kind in KINDS
    if kind.resource.qualified not in _IGNORED
}


class GarbageCollector(Controller):
    """Deletes dependents in the background or the foreground, or orphans them.

    Its keys have three parts: the resource, the namespace and the name.
    """

    name = "generic-garbage-collector"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._external = context.external_owners
        self._informers: list[Informer] = []
        for resource in _RESOURCES.values():
            informer = self.informers[resource.qualified]
            informer.add_index(_INDEX, _owner_uids)
            self._informers.append(informer)

    def watches(self) -> Iterable[Watch]:
        """Return all resources."""
        for informer in self._informers:
            yield Watch(informer.resource, self._keys(informer.resource))

    def _keys(self, resource: str) -> _KeysOf:
        return _KeysOf(self._seen_dependents, resource)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one object: delete it if its owners are gone, and finish its own deletion."""
        resource, namespace, name = key
        obj = self.informers[resource].get(namespace, name)
        if obj is None:
            return None
        if obj["metadata"].get("deletionTimestamp"):
            self._progress(resource, obj)
        elif obj["metadata"].get("ownerReferences"):
            self._attempt(resource, obj)
        return None

    def dependents(self, owner: Object) -> Iterator[tuple[str, Object]]:
        """Return every object with a reference to the owner, with its resource."""
        for informer in self._informers:
            informer.sync()
        return self._seen_dependents(owner)

    def _seen_dependents(self, owner: Object) -> Iterator[tuple[str, Object]]:
        """Yield the dependents that the informers have delivered; later ones are reconciled when they come."""
        uid = owner["metadata"]["uid"]
        for informer in self._informers:
            for obj in informer.seen_by(_INDEX, uid):
                yield informer.resource, obj

    def _progress(self, resource: str, owner: Object) -> None:
        """Orphan the dependents of a terminating owner, or wait until they are gone."""
        finalizers = owner["metadata"].get("finalizers", ())
        if _ORPHAN in finalizers:
            for each, dependent in list(self.dependents(owner)):
                self._drop_owners(each, dependent, {owner["metadata"]["uid"]})
            self._drop_finalizer(resource, owner, _ORPHAN)
        elif _FOREGROUND in finalizers:
            dependents = list(self.dependents(owner))
            for each, dependent in dependents:
                if not dependent["metadata"].get("deletionTimestamp"):
                    self._attempt(each, dependent)
            if not any(_blocks(dependent, owner) for _, dependent in self.dependents(owner)):
                self._drop_finalizer(resource, owner, _FOREGROUND)

    def _attempt(self, resource: str, obj: Object) -> None:
        """Delete an object without existing owners; else remove references to owners that are gone."""
        gone, waiting, solid = set[UID](), set[UID](), set[UID]()
        for reference in obj["metadata"].get("ownerReferences", ()):
            owner = self._owner(obj, reference)
            if owner is None:
                gone.add(reference["uid"])
            elif _is_deleting_dependents(owner):
                waiting.add(reference["uid"])
            else:
                solid.add(reference["uid"])
        if solid:
            if gone or waiting:
                self._drop_owners(resource, obj, gone | waiting)
        elif waiting and (dependents := [each for _, each in self._seen_dependents(obj)]):
            if any(map(_is_deleting_dependents, dependents)):
                # Owners that block each other would never be deleted.
                obj = self._unblock_owners(resource, obj)
            self._delete(resource, obj, "Foreground")
        else:
            self._delete(resource, obj, _own_policy(obj))

    def _owner(self, obj: Object, reference: Object) -> Object | None:
        """Return the owner of a reference; None if it is gone or replaced by another object of its name."""
        resource = _RESOURCES.get((reference["apiVersion"], reference["kind"]))
        if resource is None or reference["uid"] in self._external:
            # An owner of an unserved kind, or outside this cluster, is assumed to exist.
            return _reference_only(reference)
        namespace = obj["metadata"].get("namespace", "") if resource.namespaced else CLUSTER_SCOPE
        owner = self.informers[resource.qualified].get(namespace, reference["name"])
        return owner if owner is not None and owner["metadata"]["uid"] == reference["uid"] else None

    def _delete(self, resource: str, obj: Object, policy: Propagation) -> None:
        metadata = obj["metadata"]
        self.client.delete(
            resource,
            metadata.get("namespace", ""),
            metadata["name"],
            uid=metadata["uid"],
            propagation=policy,
        )

    def _drop_owners(self, resource: str, obj: Object, uids: set[UID]) -> None:
        metadata = obj["metadata"]
        kept = [each for each in metadata["ownerReferences"] if each["uid"] not in uids]
        self._patch(resource, obj, {"ownerReferences": kept or None})

    def _unblock_owners(self, resource: str, obj: Object) -> Object:
        """Set ``blockOwnerDeletion`` to false in the object's owner references."""
        references = [
            {**each, "blockOwnerDeletion": False} if each.get("blockOwnerDeletion") else each
            for each in obj["metadata"]["ownerReferences"]
        ]
        if references == obj["metadata"]["ownerReferences"]:
            return obj
        return self._patch(resource, obj, {"ownerReferences": references})

    def _drop_finalizer(self, resource: str, obj: Object, finalizer: str) -> None:
        kept = [each for each in obj["metadata"]["finalizers"] if each != finalizer]
        self._patch(resource, obj, {"finalizers": kept or None})

    def _patch(self, resource: str, obj: Object, change: Object) -> Object:
        metadata = obj["metadata"]
        version = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        patch = {"metadata": {**version, **change}}
        return self.client.patch(resource, metadata.get("namespace", ""), metadata["name"], patch)


class _KeysOf:
    """The keys that a change of an object of ``resource`` concerns."""

    def __init__(self, dependents: Callable[[Object], Iterable[tuple[str, Object]]], resource: str) -> None:
        self._dependents = dependents
        self._resource = resource

    def __call__(self, change: Change) -> Iterable[Key]:
        old, new = change.old, change.new
        if new is None:
            yield from self._of_gone(change.object)
            return
        owners = new["metadata"].get("ownerReferences")
        moved = old is None or old["metadata"].get("ownerReferences") != owners
        leaving = new["metadata"].get("deletionTimestamp") and new["metadata"].get("finalizers")
        if leaving or (owners and moved):
            yield _key(self._resource, new)
        if old is not None and moved:
            yield from self._owners(old)

    def _of_gone(self, obj: Object) -> Iterable[Key]:
        yield from (_key(resource, each) for resource, each in self._dependents(obj))
        yield from self._owners(obj)

    @staticmethod
    def _owners(obj: Object) -> Iterable[Key]:
        """Yield owners whose deletion ``obj`` may block."""
        for reference in obj["metadata"].get("ownerReferences", ()):
            resource = _RESOURCES.get((reference["apiVersion"], reference["kind"]))
            if resource is not None and reference.get("blockOwnerDeletion"):
                namespace = obj["metadata"].get("namespace", "") if resource.namespaced else CLUSTER_SCOPE
                yield resource.qualified, namespace, reference["name"]


def _key(resource: str, obj: Object) -> Key:
    return resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _owner_uids(obj: Object) -> Iterable[Hashable]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences", ())]


def _is_deleting_dependents(obj: Object) -> bool:
    """Return whether the object is being deleted in the foreground, after its dependents."""
    metadata = obj["metadata"]
    return bool(metadata.get("deletionTimestamp")) and _FOREGROUND in metadata.get("finalizers", ())


def _blocks(dependent: Object, owner: Object) -> bool:
    uid = owner["metadata"]["uid"]
    return any(
        reference["uid"] == uid and reference.get("blockOwnerDeletion")
        for reference in dependent["metadata"].get("ownerReferences", ())
    )


def _reference_only(reference: Object) -> Object:
    """Return an object with the fields of a reference, for an owner whose kind is not served."""
    return {"metadata": {"name": reference["name"], "uid": reference["uid"]}}


def _own_policy(obj: Object) -> Propagation:
    """Return the propagation policy of an object's finalizers."""
    finalizers = obj["metadata"].get("finalizers", ())
    if _ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if _FOREGROUND in finalizers else "Background"
