"""Invariants of owner references and deletion."""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.api.machinery.kinds import KINDS
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.chaos.cluster import ChaosCluster
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.chaos.writes import Objects, Write
from kschedcore.controllers.activepods import is_active

__all__ = ["DeletionsComplete", "OrphansAreCollected", "OwnedObjectsAreKept", "ReplicaSetsHaveAllPods"]

_RESOURCES = {(kind.resource.api_version, kind.resource.kind): kind.resource for kind in KINDS}
_UNOWNED = "events"
"""Events refer to objects without being owned by them."""


def _living_owners(obj: Object, objects: Objects) -> list[Object]:
    """Return the existing owners of an object, matched by uid."""
    found = []
    for reference in obj["metadata"].get("ownerReferences", ()):
        resource = _RESOURCES[reference["apiVersion"], reference["kind"]]
        namespace = obj["metadata"].get("namespace", "") if resource.namespaced else CLUSTER_SCOPE
        owner = objects.get(resource.qualified, {}).get((namespace, reference["name"]))
        if owner is not None and owner["metadata"]["uid"] == reference["uid"]:
            found.append(owner)
    return found


class OwnedObjectsAreKept(Invariant):
    """The garbage collector deletes no object that has an owner which is not being deleted."""

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:
        """Check the deletions by the garbage collector."""
        if write.by != "generic-garbage-collector" or write.old is None:
            return
        began = "deletionTimestamp" in write.old["metadata"]
        if began or (write.new is not None and "deletionTimestamp" not in write.new["metadata"]):
            return
        for owner in _living_owners(write.old, objects):
            if "deletionTimestamp" not in owner["metadata"]:
                yield f"owned by {owner['kind']} {owner['metadata']['name']}: {write}"


class OrphansAreCollected(Invariant):
    """In a settled cluster every object with owner references has an existing owner."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Find orphans."""
        for resource, present in objects.items():
            for (namespace, name), obj in present.items():
                owned = obj["metadata"].get("ownerReferences") and resource != _UNOWNED
                if owned and not _living_owners(obj, objects):
                    yield f"orphaned: {resource} {namespace}/{name}"


class DeletionsComplete(Invariant):
    """In a settled cluster no object is still being deleted, unless it has a custom finalizer."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Find objects with a deletion timestamp."""
        for resource, present in objects.items():
            for (namespace, name), obj in present.items():
                held = any("/" in each for each in obj["metadata"].get("finalizers", ()))
                if "deletionTimestamp" in obj["metadata"] and not held:
                    yield f"still being deleted: {resource} {namespace}/{name}"


class ReplicaSetsHaveAllPods(Invariant):
    """In a settled cluster every ReplicaSet has ``replicas`` pods; namespaces with a quota are not checked."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Count the pods."""
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
                yield f"replicaset {namespace}/{name} wants {each['spec']['replicas']} pods, has {len(pods)}"
