"""What the extender knows of the cluster, and keeps the engine to."""

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
"""How many pods that were asked about are remembered until they are bound."""


class Bound(NamedTuple):
    """A bound pod and its node."""

    pod: Pod
    node: str


def read_pod(manifest: Mapping[str, Any]) -> Pod:
    """A pod of a request.

    Raises:
        ManifestError: It is invalid.
    """
    return checked(Pod, manifest, named=False)


def uid_of(pod: Pod) -> str:
    """A pod's UID; its namespace and name for one that no cluster gave any."""
    return pod.metadata.uid or "/".join(key_of(pod))


class ClusterView:
    """An engine, with the pods that it accounts by UID and the nodes as they were last shown.

    Args:
        engine: What decides.
        bound: The bound pods that it accounts already.

    Raises:
        UsageError: The engine asks extenders itself, or looks at a sample of the nodes only.
    """

    def __init__(self, engine: Engine, bound: Iterable[Pod] = ()) -> None:
        if engine.extenders:
            raise UsageError("an engine that answers as an extender may not have extenders itself")
        if engine.samples:
            raise UsageError(
                "an engine that answers as an extender has to look at every node it is asked about; "
                "expected no percentageOfNodesToScore"
            )
        self.engine = engine
        self._bound = {uid_of(pod): Bound(pod, pod.spec.node_name) for pod in bound if pod.spec.node_name}
        self._asked: OrderedDict[PodKey, Pod] = OrderedDict()
        self._shown: dict[str, Mapping[str, Any] | None] = dict.fromkeys(
            engine.nodes().column("name").to_pylist()
        )

    def has_node(self, name: str) -> bool:
        """Whether there is such a node."""
        return name in self._shown

    def learn(self, nodes: Sequence[Mapping[str, Any]]) -> list[str]:
        """Take in nodes as they are now; their names.

        Raises:
            ManifestError: One is invalid; none was taken in.
        """
        views = [checked(Node, item) for item in nodes]
        for view, item in zip(views, nodes, strict=True):
            name = view.metadata.name
            if self._shown.get(name) != item:
                self.engine.set_node(view)
                self._shown[name] = item
        return [view.metadata.name for view in views]

    def forget_node(self, name: str) -> None:
        """Take a node out.

        Raises:
            NotFoundError: There is no such node.
        """
        self.engine.remove_node(name)
        self._shown.pop(name)

    def pending(self, pod: Pod) -> Pod:
        """A pod that is asked about, and so is not bound: what its name was accounted for is given back.

        kube-scheduler itself keeps room for nominated pods, and looks at the nominated node first.
        """
        namespace, name = key_of(pod)
        with suppress(NotFoundError):
            self.remove_pod(name, namespace)
        self._asked[namespace, name] = pod
        self._asked.move_to_end((namespace, name))
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        return nominated(pod, None)

    def asked(self, name: str, namespace: str, uid: str) -> Pod:
        """A pod that was asked about.

        Raises:
            NotFoundError: It was not, or one of that name with another UID was.
        """
        pod = self._asked.get((namespace, name))
        if pod is None or pod.metadata.uid != uid:
            raise NotFoundError(f"pod {namespace}/{name} (UID {uid!r}) was not asked about before")
        return pod

    def node_of(self, uid: str) -> str | None:
        """The node that a pod is accounted on, if it is."""
        found = self._bound.get(uid)
        return None if found is None else found.node

    def bound(self, uid: str, node: str) -> Pod | None:
        """A pod on a node by UID, or None when it is not known there."""
        found = self._bound.get(uid)
        return None if found is None or found.node != node else found.pod

    def add_pod(self, pod: Pod, node: str) -> None:
        """Account a pod on a node."""
        self.engine.add_pod(pod, node)
        self._bound[uid_of(pod)] = Bound(pod, node)

    def remove_pod(self, name: str, namespace: str) -> None:
        """Give back what a pod takes.

        Raises:
            NotFoundError: No such pod is accounted.
        """
        self.engine.remove_pod(name, namespace)
        for uid in [uid for uid, each in self._bound.items() if key_of(each.pod) == (namespace, name)]:
            del self._bound[uid]

    def fits(self, pod: Pod, node: str) -> bool:
        """Whether a pod may go to a node as things are."""
        return self.engine.decide(nominated(pod, node), preempt=False).node == node


def nominated(pod: Pod, node: str | None) -> Pod:
    """The pod, nominated to a node: that one is looked at first, and alone if it fits."""
    return msgspec.structs.replace(pod, status=msgspec.structs.replace(pod.status, nominated_node_name=node))
