"""The namespace controller: a namespace that goes away takes its content with it, then itself."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.kinds import resources
from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import Change, Informer
from kschedcore.controllers.controller import Again, Controller, Key, Watched, itself

__all__ = ["NamespaceController"]

_FINALIZER = "kubernetes"


class NamespaceController(Controller):
    """Empties terminating namespaces and then takes away the finalizer that holds them."""

    name = "namespace-controller"

    def watches(self) -> Iterable[Watched]:
        """Namespaces, and what goes from those that are on their way out."""
        yield itself("namespaces")
        for resource in resources(namespaced=True):
            yield Watched(resource.qualified, self._left)

    def _left(self, change: Change) -> Iterable[Key]:
        if change.new is not None:
            return ()
        name = change.object["metadata"]["namespace"]
        namespace = self.informers["namespaces"].seen("", name)
        return (("", name),) if namespace is not None and _terminating(namespace) else ()

    def reconcile(self, key: Key) -> Again | None:
        """Bring the end of a namespace nearer.

        Objects that have finalizers or a grace period of their own stay until they are done; the namespace
        waits for them.
        """
        name = key[1]
        namespace = self.informers["namespaces"].get("", name)
        if namespace is None or not _terminating(namespace):
            return None
        informers = [self.informers[resource.qualified] for resource in resources(namespaced=True)]
        for informer in informers:
            self._empty(informer, name)
        if any(informer.in_namespace(name) for informer in informers):
            return None
        finalizers = namespace["spec"].get("finalizers", [])
        if _FINALIZER in finalizers:
            spec = {**namespace["spec"], "finalizers": [each for each in finalizers if each != _FINALIZER]}
            self.client.update({**namespace, "spec": spec}, "namespaces", "finalize")
        return None

    def _empty(self, informer: Informer, namespace: str) -> None:
        for obj in informer.in_namespace(namespace):
            metadata = obj["metadata"]
            if not metadata.get("deletionTimestamp"):
                self.client.delete(informer.resource, namespace, metadata["name"])


def _terminating(namespace: Object) -> bool:
    return bool(namespace["metadata"].get("deletionTimestamp"))
