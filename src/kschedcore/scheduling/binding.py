"""The pods that are bound to nodes, by name: the engine's side of the scheduler cache.

A pod may be bound to a node that the engine does not know (yet, or any more). It is remembered and accounted
as soon as the node is there, so that a node deleted and added again is as full as it was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kschedcore._native.preemption import NOT_STARTED

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.podinfo import PodInfo
    from kschedcore.api.objects import Pod

NO_POD = -1
NOT_THERE = -1

PodKey = tuple[str, str]
"""(namespace, name)."""


def key_of(pod: Pod) -> PodKey:
    """A pod's namespace and name."""
    return pod.metadata.namespace or "default", pod.metadata.name


def start_of(pod: Pod) -> int:
    """When a pod started, in seconds since 1970; ``NOT_STARTED`` when it has not."""
    text = pod.status.start_time
    if not text:
        return NOT_STARTED
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


@dataclass(slots=True)
class BoundPod:
    """A bound pod.

    Attributes:
        pod: The pod as it was last seen.
        info: What the core accounts of it.
        node: Name of its node.
        number: The core's number for it, -1 while the node is not there.
        arrival: When it came to the node, as the core counts; -1 when it never was there.
    """

    pod: Pod
    info: PodInfo
    node: str
    number: int
    arrival: int = -1


class BoundPods:
    """Bound pods by key, by node and by the core's number.

    Args:
        core: Where they are accounted.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._by_key: dict[PodKey, BoundPod] = {}
        self._priorities: Counter[int] = Counter()
        self._using_volumes: dict[PodKey, None] = {}
        self._by_number: dict[int, BoundPod] = {}
        self._waiting: dict[str, dict[PodKey, BoundPod]] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def get(self, key: PodKey) -> BoundPod | None:
        """The bound pod of a name, if there is one."""
        return self._by_key.get(key)

    def numbered(self, number: int) -> BoundPod:
        """The pod that the core knows by a number."""
        return self._by_number[number]

    def with_volumes(self) -> list[BoundPod]:
        """The pods that use volumes."""
        return [self._by_key[key] for key in self._using_volumes]

    def has_below(self, priority: int) -> bool:
        """Whether any pod has a lower priority."""
        return any(count and other < priority for other, count in self._priorities.items())

    def add(self, pod: Pod, info: PodInfo, node: str) -> BoundPod:
        """Account a pod on a node; the one that had its name before is taken off.

        A pod that is only accounted anew on its node keeps its place among those that came there.
        """
        before = self.remove(key_of(pod))
        arrival = before.arrival if before is not None and before.node == node else NOT_THERE
        slot = self._core.nodes.slot_of(node)
        number = self._core.bind(info, slot, start_of(pod), arrival) if slot >= 0 else NO_POD
        bound = self.note(pod, info, node, number)
        if number == NO_POD:
            bound.arrival = arrival
        return bound

    def note(self, pod: Pod, info: PodInfo, node: str, number: int) -> BoundPod:
        """Remember a pod that the core has accounted already."""
        key = key_of(pod)
        bound = self._by_key[key] = BoundPod(pod, info, node, number)
        self._priorities[info.priority] += 1
        if pod.spec.volumes:
            self._using_volumes[key] = None
        if number == NO_POD:
            self._waiting.setdefault(node, {})[key] = bound
        else:
            bound.arrival = self._core.pods.arrival_of(number)
            self._by_number[number] = bound
        return bound

    def remove(self, key: PodKey) -> BoundPod | None:
        """Take a pod off its node, if it is bound; return what it was."""
        bound = self._by_key.pop(key, None)
        if bound is None:
            return None
        self._priorities[bound.info.priority] -= 1
        self._using_volumes.pop(key, None)
        if bound.number == NO_POD:
            self._waiting[bound.node].pop(key)
        else:
            self._core.unbind(bound.number)
            del self._by_number[bound.number]
        return bound

    def node_added(self, node: str) -> None:
        """Account the pods that were waiting for a node."""
        slot = self._core.nodes.slot_of(node)
        for bound in self._waiting.pop(node, {}).values():
            bound.number = self._core.bind(bound.info, slot, start_of(bound.pod), bound.arrival)
            bound.arrival = self._core.pods.arrival_of(bound.number)
            self._by_number[bound.number] = bound

    def node_leaving(self, node: str) -> None:
        """Take the pods of a node off, to wait for its return or their own removal."""
        slot = self._core.nodes.slot_of(node)
        for number in self._core.pods.on(slot).tolist():
            bound = self._by_number.pop(number)
            self._core.unbind(number)
            bound.number = NO_POD
            self._waiting.setdefault(node, {})[key_of(bound.pod)] = bound
