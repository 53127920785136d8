"""Complete nodes and pods for extenders: objects as clients wrote them, not the engine's typed views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from kschedcore._native.transactions import Journal
from kschedcore.engine.extenders.extenders import Extenders, Manifest, Victims

if TYPE_CHECKING:
    from kschedcore.api.objects import Node, Pod
    from kschedcore.engine.binding import BoundPod, PodKey

K = TypeVar("K")


class ObjectSource(Protocol):
    """A source of complete objects outside the engine, such as a scheduler's informers."""

    def node(self, name: str) -> Manifest | None:
        """Return the node with that name, if there is one."""

    def pod(self, namespace: str, name: str) -> Manifest | None:
        """Return the pod with that namespace and name, if there is one."""


def whole(item: Any) -> Manifest:
    """Return an object as JSON-shaped data: a mapping as it is, a typed view encoded."""
    data: Manifest = item if isinstance(item, Mapping) else msgspec.to_builtins(item)
    return data


class WholeObjects:
    """The nodes and pods that requests to extenders contain.

    An object is read from the source, if there is one and it has the object; otherwise it is the one added to the
    engine. A typed view lacks the fields that scheduling does not need, so it does not replace a complete object.
    No objects are kept if the configuration has no extenders.

    Args:
        extenders: The configuration's extenders.
        journal: Records how to undo a change.
    """

    def __init__(self, extenders: Extenders, journal: Journal) -> None:
        self._extenders = extenders
        self._journal = journal
        self._source: ObjectSource | None = None
        self._nodes: dict[str, Manifest] = {}
        self._pods: dict[PodKey, Manifest] = {}
        extenders.node = self.node

    def look_up_in(self, source: ObjectSource) -> None:
        """Prefer the objects of a source from now on."""
        self._source = source

    def add_all(self, objects: Mapping[tuple[str, str, str], Manifest]) -> None:
        """Keep complete nodes and pods, by kind, namespace and name."""
        for (kind, namespace, name), item in objects.items():
            if kind == "Node":
                self.set_node(name, item)
            elif kind == "Pod":
                self.set_pod((namespace or "default", name), item)

    def set_node(self, name: str, node: Node | Mapping[str, Any]) -> None:
        """Keep a node."""
        if self._extenders:
            self._record(self._nodes, name)
            self._nodes[name] = whole(node)

    def remove_node(self, name: str) -> None:
        """Drop a node."""
        self._record(self._nodes, name)
        self._nodes.pop(name, None)

    def set_pod(self, key: PodKey, pod: Pod | Mapping[str, Any]) -> None:
        """Keep a pod."""
        if self._extenders and (key not in self._pods or isinstance(pod, Mapping)):
            self._record(self._pods, key)
            self._pods[key] = whole(pod)

    def remove_pod(self, key: PodKey) -> None:
        """Drop a pod."""
        self._record(self._pods, key)
        self._pods.pop(key, None)

    def _record(self, objects: dict[K, Manifest], key: K) -> None:
        """Record the undo step for a key before it changes."""
        if key in objects:
            self._journal.record(objects.__setitem__, key, objects[key])
        else:
            self._journal.record(objects.pop, key, None)

    def node(self, name: str) -> Manifest:
        """Return a node of the engine as requests contain it."""
        found = None if self._source is None else self._source.node(name)
        return self._nodes[name] if found is None else found

    def pod(self, pod: Pod) -> Manifest:
        """Return a pod as requests contain it."""
        key = pod.metadata.namespace or "default", pod.metadata.name
        found = None if self._source is None else self._source.pod(*key)
        return found or self._pods.get(key) or whole(pod)


class PreemptionExtenders:
    """Extenders that take part in preemption.

    Args:
        extenders: The configuration's extenders.
        objects: The objects that requests contain.
    """

    def __init__(self, extenders: Extenders, objects: WholeObjects) -> None:
        self._extenders = extenders
        self._objects = objects

    def filter_victims(
        self, pod: Pod, candidates: Mapping[str, tuple[list[BoundPod], int]]
    ) -> dict[str, tuple[list[BoundPod], int]]:
        """Narrow down the candidates of a preemption.

        Args:
            pod: The preemptor.
            candidates: Node -> its victims, the most important first, and how many violate a disruption budget.

        Raises:
            ExtenderError: An extender that is not ignorable failed.
        """
        by_uid = {_uid(victim): victim for victims, _ in candidates.values() for victim in victims}
        proposed = {
            node: Victims({_uid(victim): self._objects.pod(victim.pod) for victim in victims}, violations)
            for node, (victims, violations) in candidates.items()
        }
        agreed = self._extenders.preempt(pod, self._objects.pod(pod), proposed)
        return {
            node: ([by_uid[uid] for uid in victims.pods], victims.violations)
            for node, victims in agreed.items()
        }


def _uid(victim: BoundPod) -> str:
    """Return a victim's UID; its namespace and name if no API server assigned one."""
    meta = victim.pod.metadata
    return meta.uid or f"{meta.namespace or 'default'}/{meta.name}"
