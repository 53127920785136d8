"""What extenders are shown of the cluster: whole objects, as they were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from kschedcore.engine.extenders.extenders import Extenders, Manifest, Victims
from kschedcore.engine.journal import Journal

if TYPE_CHECKING:
    from kschedcore.api.objects import Node, Pod
    from kschedcore.engine.binding import BoundPod, PodKey

K = TypeVar("K")


def whole(item: Any) -> Manifest:
    """An object as JSON-shaped data: as it came, or what is known of it."""
    data: Manifest = item if isinstance(item, Mapping) else msgspec.to_builtins(item)
    return data


class ShownObjects:
    """Nodes and pods as they were given; nothing is kept where there are no extenders.

    Args:
        extenders: Who is shown them.
        journal: Where what undoes a change is recorded.
    """

    def __init__(self, extenders: Extenders, journal: Journal) -> None:
        self._extenders = extenders
        self._journal = journal
        self._pods: dict[PodKey, Manifest] = {}

    def learn(self, objects: Mapping[tuple[str, str, str], Manifest]) -> None:
        """Remember whole nodes and pods, by kind, namespace and name."""
        for (kind, namespace, name), item in objects.items():
            if kind == "Node":
                self.set_node(name, item)
            elif kind == "Pod":
                self.set_pod((namespace or "default", name), item)

    def set_node(self, name: str, node: Node | Mapping[str, Any]) -> None:
        """Remember a node."""
        if self._extenders:
            self._keep(self._extenders.nodes, name)
            self._extenders.nodes[name] = whole(node)

    def remove_node(self, name: str) -> None:
        """Forget a node."""
        self._keep(self._extenders.nodes, name)
        self._extenders.nodes.pop(name, None)

    def set_pod(self, key: PodKey, pod: Pod | Mapping[str, Any]) -> None:
        """Remember a pod; a typed view says nothing new of one that came whole."""
        if self._extenders and (key not in self._pods or isinstance(pod, Mapping)):
            self._keep(self._pods, key)
            self._pods[key] = whole(pod)

    def remove_pod(self, key: PodKey) -> None:
        """Forget a pod."""
        self._keep(self._pods, key)
        self._pods.pop(key, None)

    def _keep(self, objects: dict[K, Manifest], key: K) -> None:
        """Note what an object is before it changes."""
        if key in objects:
            self._journal.record(objects.__setitem__, key, objects[key])
        else:
            self._journal.record(objects.pop, key, None)

    def pod(self, pod: Pod) -> Manifest:
        """A pod as extenders are shown it."""
        return self._pods.get((pod.metadata.namespace or "default", pod.metadata.name)) or whole(pod)


class PreemptionExtenders:
    """The extenders' say in a preemption.

    Args:
        extenders: Who is asked.
        shown: What they are shown.
    """

    def __init__(self, extenders: Extenders, shown: ShownObjects) -> None:
        self._extenders = extenders
        self._shown = shown

    def agree(
        self, pod: Pod, candidates: Mapping[str, tuple[list[BoundPod], int]]
    ) -> dict[str, tuple[list[BoundPod], int]]:
        """Narrow down the candidates of a preemption.

        Args:
            pod: The pod that needs room.
            candidates: Node -> its victims, the most important first, and how many overdraw a budget.

        Raises:
            ExtenderError: An extender that is not ignorable failed.
        """
        by_uid = {_uid(victim): victim for victims, _ in candidates.values() for victim in victims}
        told = {
            node: Victims({_uid(victim): self._shown.pod(victim.pod) for victim in victims}, violations)
            for node, (victims, violations) in candidates.items()
        }
        agreed = self._extenders.preempt(pod, self._shown.pod(pod), told)
        return {
            node: ([by_uid[uid] for uid in victims.pods], victims.violations)
            for node, victims in agreed.items()
        }


def _uid(victim: BoundPod) -> str:
    """A victim's UID; its namespace and name for a pod that no cluster gave one."""
    meta = victim.pod.metadata
    return meta.uid or f"{meta.namespace or 'default'}/{meta.name}"
