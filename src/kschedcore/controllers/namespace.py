"""The namespace controller: deletes the content of a terminating namespace, pods first, then the namespace.

Rules: KEP-5080 (ordered deletion), ``pkg/controller/namespace/deletion``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kschedcore.api.machinery.conditions import condition_in, with_condition
from kschedcore.api.machinery.kinds import resources
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace, Object
from kschedcore.client.informer import Change, Informer
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects

__all__ = ["NamespaceController"]

_FINALIZER = "kubernetes"
_PODS = "pods"

_CONDITIONS = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    (
        "NamespaceFinalizersRemaining",
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ),
)
"""Condition type -> reason and message while it is false."""


class NamespaceController(Controller):
    """Empties terminating namespaces and then removes their finalizer."""

    name = "namespace-controller"

    def watches(self) -> Iterable[Watch]:
        """Return namespaces, and deleted objects of terminating namespaces."""
        yield watch_objects("namespaces")
        for resource in resources(namespaced=True):
            yield Watch(resource.qualified, self._terminating_namespace)

    def _terminating_namespace(self, change: Change) -> Iterable[Key]:
        if change.new is not None:
            return ()
        name = change.object["metadata"]["namespace"]
        namespace = self.informers["namespaces"].seen(CLUSTER_SCOPE, name)
        return (("", name),) if namespace is not None and _is_terminating(namespace) else ()

    def reconcile(self, key: Key) -> Requeue | None:
        """Delete the content of a terminating namespace, and finalize it once it is empty.

        Objects with finalizers or a grace period stay until those are over; the namespace waits for them, and
        the other objects wait for the pods.
        """
        name = key[1]
        namespace = self.informers["namespaces"].get(CLUSTER_SCOPE, name)
        if namespace is None or not _is_terminating(namespace):
            return None
        namespace = self._terminate(namespace)
        others = [each.qualified for each in resources(namespaced=True) if each.qualified != _PODS]
        remaining = self._empty([_PODS], name) or self._empty(others, name)
        namespace = self._report(namespace, remaining)
        finalizers = namespace["spec"].get("finalizers", [])
        if not remaining and _FINALIZER in finalizers:
            spec = {**namespace["spec"], "finalizers": [each for each in finalizers if each != _FINALIZER]}
            self.client.update({**namespace, "spec": spec}, "namespaces", "finalize")
        return None

    def _terminate(self, namespace: Object) -> Object:
        """Write the phase, which keeps others from creating objects; only a restored namespace lacks it."""
        status = namespace.get("status", {})
        if status.get("phase") == "Terminating":
            return namespace
        return self.client.update_status(
            {**namespace, "status": {**status, "phase": "Terminating"}}, "namespaces"
        )

    def _empty(self, names: Iterable[str], namespace: Namespace) -> dict[str, list[Object]]:
        """Delete the objects of some resources; return those that are left."""
        remaining = {}
        for name in names:
            self._delete_all(self.informers[name], namespace)
            if left := self.informers[name].in_namespace(namespace):
                remaining[name] = left
        return remaining

    def _delete_all(self, informer: Informer, namespace: Namespace) -> None:
        for obj in informer.in_namespace(namespace):
            metadata = obj["metadata"]
            if not metadata.get("deletionTimestamp"):
                self.client.delete(informer.resource, namespace, metadata["name"])

    def _report(self, namespace: Object, remaining: dict[str, list[Object]]) -> Object:
        """Write the conditions for the remaining content, if they changed."""
        conditions = namespace.get("status", {}).get("conditions", [])
        found = _found(remaining)
        for kind, reason, message in _CONDITIONS:
            value = "True" if kind in found else "False"
            reason, message = found.get(kind, (reason, message))
            before = condition_in(namespace.get("status", {}), kind)
            if before is None or any(
                before.get(field) != wanted
                for field, wanted in (("status", value), ("reason", reason), ("message", message))
            ):
                condition = {"type": kind, "status": value, "reason": reason, "message": message}
                conditions = with_condition(conditions, condition, self.clock.now())
        status = {**namespace.get("status", {}), "conditions": conditions}
        if status == namespace.get("status"):
            return namespace
        return self.client.update_status({**namespace, "status": status}, "namespaces")


def _found(remaining: dict[str, list[Object]]) -> dict[str, tuple[str, str]]:
    """Return reason and message of the conditions that are true for the remaining content."""
    if not remaining:
        return {}
    counts = sorted(f"{_dotted(name)} has {len(left)} resource instances" for name, left in remaining.items())
    found = {
        "NamespaceContentRemaining": (
            "SomeResourcesRemain",
            f"Some resources are remaining: {', '.join(counts)}",
        )
    }
    finalizers = Counter(
        finalizer
        for left in remaining.values()
        for obj in left
        for finalizer in obj["metadata"].get("finalizers", ())
    )
    if finalizers:
        held = sorted(f"{name} in {count} resource instances" for name, count in finalizers.items())
        message = f"Some content in the namespace has finalizers remaining: {', '.join(held)}"
        found["NamespaceFinalizersRemaining"] = "SomeFinalizersRemain", message
    return found


def _dotted(qualified: str) -> str:
    """Return ``resource.group``; ``pods.`` for the core group."""
    return qualified if "." in qualified else f"{qualified}."


def _is_terminating(namespace: Object) -> bool:
    return bool(namespace["metadata"].get("deletionTimestamp"))
