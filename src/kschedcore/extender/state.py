"""The extender's view of the cluster: an engine, the bound pods by UID, and the pods of recent requests."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from kschedcore.api.objects import Node, Pod
from kschedcore.engine.binding import PodKey, key_of
from kschedcore.engine.engine import Engine
from kschedcore.errors import NotFoundError, UsageError
from kschedcore.rules.bounds import checked

__all__ = ["ClusterView", "read_pod", "uid_of"]

REMEMBERED = 16384
"""Maximum number of pods of filter and prioritize requests that are kept for bind."""


class Bound(NamedTuple):
    """A bound pod and its node."""

    pod: Pod
    node: str


def read_pod(manifest: Mapping[str, Any]) -> Pod:
    """Decode the pod of a request.

    Raises:
        ManifestError: It is invalid.
    """
    return checked(Pod, manifest, named=False)


def uid_of(pod: Pod) -> str:
    """Return a pod's UID; its namespace and name if no API server assigned one."""
    return pod.metadata.uid or "/".join(key_of(pod))


class ClusterView:
    """An engine, with the pods that it accounts by UID and the nodes of the latest requests.

    Args:
        engine: The engine.
        bound: The bound pods that it accounts already.

    Raises:
        UsageError: The engine has extenders itself, or samples nodes.
    """

    def __init__(self, engine: Engine, bound: Iterable[Pod] = ()) -> None:
        if engine.extenders:
            raise UsageError("the engine of an extender must not have extenders itself")
        if engine.samples:
            raise UsageError(
                "the engine of an extender has to evaluate all nodes of a request; "
                "expected no percentageOfNodesToScore"
            )
        self.engine = engine
        self._bound = {uid_of(pod): Bound(pod, pod.spec.node_name) for pod in bound if pod.spec.node_name}
        self._pods: OrderedDict[PodKey, Pod] = OrderedDict()
        self._nodes: dict[str, Mapping[str, Any] | None] = dict.fromkeys(
            engine.nodes().column("name").to_pylist()
        )

    def has_node(self, name: str) -> bool:
        """Return whether there is a node of that name."""
        return name in self._nodes

    def set_nodes(self, nodes: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add or update nodes, and return their names.

        Raises:
            ManifestError: One is invalid; none was added.
        """
        views = [checked(Node, item) for item in nodes]
        for view, item in zip(views, nodes, strict=True):
            name = view.metadata.name
            if self._nodes.get(name) != item:
                self.engine.set_node(view)
                self._nodes[name] = item
        return [view.metadata.name for view in views]

    def forget_node(self, name: str) -> None:
        """Remove a node.

        Raises:
            NotFoundError: There is no such node.
        """
        self.engine.remove_node(name)
        self._nodes.pop(name)

    def pending(self, pod: Pod) -> Pod:
        """Return the pod of a request, which is not bound: a bound pod of its name is removed.

        Its nomination is dropped, because kube-scheduler accounts nominated pods itself.
        """
        namespace, name = key_of(pod)
        with suppress(NotFoundError):
            self.remove_pod(name, namespace)
        self._pods[namespace, name] = pod
        self._pods.move_to_end((namespace, name))
        if len(self._pods) > REMEMBERED:
            self._pods.popitem(last=False)
        return nominated(pod, None)

    def pod_to_bind(self, name: str, namespace: str, uid: str) -> Pod:
        """Return the pod of a recent request.

        Raises:
            NotFoundError: There was none with that name and UID.
        """
        pod = self._pods.get((namespace, name))
        if pod is None or pod.metadata.uid != uid:
            raise NotFoundError(f"pod {namespace}/{name} (UID {uid!r}) was not in an earlier request")
        return pod

    def node_of(self, uid: str) -> str | None:
        """Return the node that a pod is accounted on, if any."""
        found = self._bound.get(uid)
        return None if found is None else found.node

    def bound(self, uid: str, node: str) -> Pod | None:
        """Return a pod on a node by UID, or None."""
        found = self._bound.get(uid)
        return None if found is None or found.node != node else found.pod

    def add_pod(self, pod: Pod, node: str) -> None:
        """Account a pod on a node."""
        self.engine.add_pod(pod, node)
        self._bound[uid_of(pod)] = Bound(pod, node)

    def remove_pod(self, name: str, namespace: str) -> None:
        """Remove a bound pod.

        Raises:
            NotFoundError: No such pod is accounted.
        """
        self.engine.remove_pod(name, namespace)
        for uid in [uid for uid, each in self._bound.items() if key_of(each.pod) == (namespace, name)]:
            del self._bound[uid]

    def fits(self, pod: Pod, node: str) -> bool:
        """Return whether a pod fits on a node now."""
        return self.engine.decide(nominated(pod, node), preempt=False).node == node


def nominated(pod: Pod, node: str | None) -> Pod:
    """Return the pod with a nomination: the nominated node is evaluated first, and only it if the pod fits."""
    return msgspec.structs.replace(pod, status=msgspec.structs.replace(pod.status, nominated_node_name=node))
