"""The namespace controller: a namespace that goes away takes its content with it, then itself."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.controllers.door import Door, get, items, path_of
from kschedcore.store.admission_types import Resource

__all__ = ["NamespaceController"]

_USER_AGENT = "namespace-controller"
_FINALIZER = "kubernetes"


class NamespaceController:
    """Empties terminating namespaces and then takes away the finalizer that holds them.

    Args:
        door: The API server.
        resources: The resources that a namespace may hold.
    """

    def __init__(self, door: Door, resources: Iterable[Resource]) -> None:
        self._door = door
        self._resources = [resource for resource in resources if resource.namespaced]

    def reconcile(self, key: str) -> bool:
        """Bring the end of the namespace ``key`` nearer; True when something changed.

        Objects that have finalizers or a grace period of their own stay until they are done; the namespace
        waits for them.
        """
        path = path_of("v1", "namespaces", name=key)
        namespace = get(self._door, path)
        if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
            return False
        deleted = sum(self._empty(resource, key) for resource in self._resources) > 0
        if deleted or any(self._left(resource, key) for resource in self._resources):
            return deleted
        finalizers = namespace["spec"].get("finalizers", [])
        if _FINALIZER not in finalizers:
            return False
        spec = {**namespace["spec"], "finalizers": [f for f in finalizers if f != _FINALIZER]}
        finalized = {**namespace, "spec": spec}
        code, _ = self._door.request("PUT", f"{path}/finalize", finalized, user_agent=_USER_AGENT)
        return code == 200

    def _left(self, resource: Resource, namespace: str) -> list[dict[str, object]]:
        return items(self._door, path_of(resource.api_version, resource.plural, namespace))

    def _empty(self, resource: Resource, namespace: str) -> bool:
        """Delete what is not being deleted yet; whether there was anything."""
        found = False
        for obj in items(self._door, path_of(resource.api_version, resource.plural, namespace)):
            metadata = obj["metadata"]
            if not metadata.get("deletionTimestamp"):
                path = path_of(resource.api_version, resource.plural, namespace, metadata["name"])
                code, _ = self._door.request("DELETE", path, user_agent=_USER_AGENT)
                found = found or code in (200, 202)
        return found
