"""Update the engine from informers: nodes, pods, and the other objects that plugins read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kschedcore.api.machinery.kinds import KINDS
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace, Object
from kschedcore.api.objects.views import pod_view
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change, Informers
from kschedcore.engine.binding import PodKey
from kschedcore.engine.engine import Engine
from kschedcore.rules.resize import running_resources

__all__ = ["ClusterState", "pod_key", "without_plain_statuses"]


def pod_key(pod: Object) -> PodKey:
    """Return a pod's namespace and name."""
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


class StoredObjects:
    """The complete nodes and pods that extenders receive, as the API server returns them.

    Args:
        informers: The informers of nodes and pods.
    """

    def __init__(self, informers: Informers) -> None:
        self._nodes = informers["nodes"]
        self._pods = informers["pods"]

    def node(self, name: str) -> Object | None:
        """Return the node with that name, if there is one."""
        return self._nodes.get(CLUSTER_SCOPE, name)

    def pod(self, namespace: str, name: str) -> Object | None:
        """Return the pod with that namespace and name, if there is one."""
        return self._pods.get(Namespace(namespace), name)


class ClusterState:
    """Keeps an engine up to date.

    Args:
        engine: The engine.
        informers: The informers to listen to.
        notify: Called with the resource and the change after the engine has taken it in.
    """

    def __init__(self, engine: Engine, informers: Informers, notify: Callable[[str, Change], None]) -> None:
        self._engine = engine
        self._notify = notify
        engine.look_up_objects(StoredObjects(informers))
        self._accounted: dict[PodKey, str] = {}
        self._listening: list[tuple[Any, Callable[[Change], None]]] = []
        self._listen(informers, "namespaces", self._on_namespace)
        self._listen(informers, "nodes", self._on_node)
        for kind in KINDS:
            if kind.lookup:
                resource = kind.resource.qualified
                self._listen(informers, resource, self._on_object(resource, kind.resource.kind))
        self._listen(informers, "pods", self._on_pod)

    def _listen(self, informers: Informers, resource: str, listener: Callable[[Change], None]) -> None:
        informers[resource].listen(listener)
        self._listening.append((informers[resource], listener))

    def close(self) -> None:
        """Stop listening."""
        for informer, listener in self._listening:
            informer.unlisten(listener)

    def _on_namespace(self, change: Change) -> None:
        if change.new is not None:
            self._engine.set_namespace(change.new)

    def _on_node(self, change: Change) -> None:
        if change.new is None:
            self._engine.remove_node(change.object["metadata"]["name"])
        elif _unchanged(change, *_READ_OF_NODES):
            # A heartbeat: no field that the scheduler reads has changed.
            return
        else:
            self._engine.set_node(change.new)
        self._notify("nodes", change)

    def _on_object(self, resource: str, kind: str) -> Callable[[Change], None]:
        def listener(change: Change) -> None:
            if change.new is not None:
                if not (kind == "ResourceClaim" and self._is_older(change.new)):
                    self._engine.set_object({**change.new, "kind": kind})
            else:
                metadata = change.object["metadata"]
                self._engine.remove_object(kind, metadata["name"], metadata.get("namespace", "default"))
            self._notify(resource, change)

        return listener

    def _is_older(self, claim: Object) -> bool:
        """Return whether a claim is older than the allocation that the engine has made and not written yet."""
        metadata = claim["metadata"]
        return "allocation" not in claim.get("status", {}) and self._engine.is_claim_assumed(
            metadata["name"], metadata["namespace"]
        )

    def _on_pod(self, change: Change) -> None:
        pod, key = change.new, pod_key(change.object)
        uid = change.object["metadata"]["uid"]
        if pod is None or has_ended(pod):
            if self._accounted.get(key) == uid:
                del self._accounted[key]
                self._engine.remove_pod(key[1], key[0])
        elif pod["spec"].get("nodeName"):
            accounted = self._accounted.get(key) == uid
            if not (accounted and _is_accounted_equally(change)):
                self._engine.add_pod(pod_view(without_plain_statuses(pod)))
                self._accounted[key] = uid
        self._notify("pods", change)


_READ_OF_NODES = (
    ("spec",),
    ("status", "allocatable"),
    ("status", "images"),
    ("status", "declaredFeatures"),
    ("metadata", "labels"),
)
_DELETION = ("metadata", "deletionTimestamp")
_START = ("status", "startTime")
_CONTAINER_STATUSES = frozenset({"containerStatuses", "initContainerStatuses"})
_NOTHING: Object = {}


def _is_accounted_equally(change: Change) -> bool:
    """Return whether no field of a bound pod has changed that the engine accounts."""
    if change.old is None or change.new is None:
        return False
    return _unchanged(change, ("spec",), ("metadata", "labels"), _DELETION, _START) and (
        running_resources(change.old) == running_resources(change.new)
    )


def without_plain_statuses(pod: Object) -> Object:
    """Return a bound pod without container statuses, if they only repeat the requests of its spec.

    Only in-place resizes (KEP-1287) make a difference; the statuses of all other pods need not be decoded and kept.
    """
    status, spec = pod.get("status", {}), pod["spec"]
    if "containerStatuses" not in status and "initContainerStatuses" not in status:
        return pod
    containers = [*spec.get("containers", ()), *spec.get("initContainers", ())]
    requests = {
        each.get("name"): each.get("resources", _NOTHING).get("requests", _NOTHING) for each in containers
    }
    if len(requests) < len(containers):
        return pod
    for key in ("containerStatuses", "initContainerStatuses"):
        for each in status.get(key, ()):
            resources = each.get("resources")
            if resources is not None:
                requested = requests.get(each.get("name"))
                if resources.get("requests", _NOTHING) != requested:
                    return pod
                if each.get("allocatedResources", _NOTHING) not in (requested, _NOTHING):
                    return pod
    kept = {key: value for key, value in status.items() if key not in _CONTAINER_STATUSES}
    return {**pod, "status": kept}


def _unchanged(change: Change, *paths: tuple[str, ...]) -> bool:
    """Return whether the values at these paths are the same as before."""
    old, new = change.old, change.new
    if old is None or new is None:
        return False
    return all(_at(old, path) == _at(new, path) for path in paths)


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        obj = obj.get(name) if obj else None
    return obj
