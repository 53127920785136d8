"""Invariants of owners and of deletion."""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.api.machinery.kinds import KINDS
from kschedcore.api.machinery.types import Object
from kschedcore.chaos.breakable import BreakableCluster
from kschedcore.chaos.chronicle import Objects, Write
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.controllers.activepods import is_active

__all__ = ["NothingEndsForEver", "OwnedObjectsGo", "OwnedObjectsStay", "ReplicaSetsHaveTheirPods"]

_RESOURCES = {(kind.resource.api_version, kind.resource.kind): kind.resource for kind in KINDS}
_LEFT_ALONE = "events"
"""What has owners of another sort."""


def _living_owners(obj: Object, objects: Objects) -> list[Object]:
    """The owners of an object that are there, under the uid that it names."""
    found = []
    for reference in obj["metadata"].get("ownerReferences", ()):
        resource = _RESOURCES[reference["apiVersion"], reference["kind"]]
        namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
        owner = objects.get(resource.qualified, {}).get((namespace, reference["name"]))
        if owner is not None and owner["metadata"]["uid"] == reference["uid"]:
            found.append(owner)
    return found


class OwnedObjectsStay(Invariant):
    """The garbage collector takes nothing away that has an owner which is to stay."""

    def written(self, write: Write, objects: Objects) -> Iterator[str]:
        """Look at what the garbage collector deletes."""
        if write.by != "generic-garbage-collector" or write.old is None:
            return
        began = "deletionTimestamp" in write.old["metadata"]
        if began or (write.new is not None and "deletionTimestamp" not in write.new["metadata"]):
            return
        for owner in _living_owners(write.old, objects):
            if "deletionTimestamp" not in owner["metadata"]:
                yield f"owned by {owner['kind']} {owner['metadata']['name']}: {write}"


class OwnedObjectsGo(Invariant):
    """When a cluster is at rest, whatever names owners has one that is there."""

    def settled(self, cluster: BreakableCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Look for what was left behind."""
        for resource, present in objects.items():
            for (namespace, name), obj in present.items():
                owned = obj["metadata"].get("ownerReferences") and resource != _LEFT_ALONE
                if owned and not _living_owners(obj, objects):
                    yield f"left behind: {resource} {namespace}/{name}"


class NothingEndsForEver(Invariant):
    """When a cluster is at rest and no node has failed, nothing is still on its way out.

    What finalizers of one's own hold back is of course.
    """

    def settled(self, cluster: BreakableCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Look for what was to go."""
        for resource, present in objects.items():
            for (namespace, name), obj in present.items():
                held = any("/" in each for each in obj["metadata"].get("finalizers", ()))
                if "deletionTimestamp" in obj["metadata"] and not held:
                    yield f"never ends: {resource} {namespace}/{name}"


class ReplicaSetsHaveTheirPods(Invariant):
    """When a cluster is at rest, a ReplicaSet has as many pods as it asks for, unless a quota is in the way."""

    def settled(self, cluster: BreakableCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Count."""
        limited = {namespace for namespace, _ in objects.get("resourcequotas", {})}
        for (namespace, name), each in objects.get("replicasets.apps", {}).items():
            if namespace in limited or "deletionTimestamp" in each["metadata"]:
                continue
            pods = [
                pod
                for pod in objects.get("pods", {}).values()
                if is_active(pod) and each in _living_owners(pod, objects)
            ]
            if len(pods) != each["spec"]["replicas"]:
                yield f"replicaset {namespace}/{name} asks for {each['spec']['replicas']}, has {len(pods)}"
