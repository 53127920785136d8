"""The pods that are bound to nodes, by name: the engine's side of the scheduler cache.

A pod may be bound to a node that the engine does not know (yet, or any more). It is remembered and accounted
as soon as the node is there, so that a node deleted and added again is as full as it was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kschedcore._native.bulk import bind_rows
from kschedcore._native.preemption import NOT_STARTED
from kschedcore.api.machinery.times import parse_time
from kschedcore.engine.bound_rows import BoundRows
from kschedcore.engine.journal import Journal

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.podinfo import PodInfo
    from kschedcore.api.objects import Pod
    from kschedcore.engine.columns.pod_tables import PodRows

NO_POD = -1
NOT_THERE = -1

PodKey = tuple[str, str]
"""(namespace, name)."""


def key_of(pod: Pod) -> PodKey:
    """A pod's namespace and name."""
    return pod.metadata.namespace or "default", pod.metadata.name


def start_of(pod: Pod) -> int:
    """When a pod started, in seconds since 1970; ``NOT_STARTED`` when it has not."""
    started = parse_time(pod.status.start_time)
    return NOT_STARTED if started is None else int(started.timestamp())


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

    Those that came in a table stay rows of it until one is asked for.

    Args:
        core: Where they are accounted.
        journal: Where what undoes a change is recorded.
    """

    def __init__(self, core: Core, journal: Journal) -> None:
        self._core = core
        self._journal = journal
        self._by_key: dict[PodKey, BoundPod] = {}
        self._priorities: Counter[int] = Counter()
        self._using_volumes: dict[PodKey, None] = {}
        self._by_number: dict[int, BoundPod] = {}
        self._waiting: dict[str, dict[PodKey, BoundPod]] = {}
        self._rows = BoundRows()

    def __len__(self) -> int:
        return len(self._by_key) + len(self._rows)

    def __contains__(self, key: PodKey) -> bool:
        return key in self._by_key or key in self._rows

    def get(self, key: PodKey) -> BoundPod | None:
        """The bound pod of a name, if there is one."""
        found = self._by_key.get(key)
        number = self._rows.number_of(key) if found is None else None
        return found if number is None else self.numbered(number)

    def numbered(self, number: int) -> BoundPod:
        """The pod that the core knows by a number."""
        found = self._by_number.get(number)
        if found is None:
            rows, row = self._rows.take(number)
            info = self._core.pods.info_of(number)
            self._priorities[info.priority] -= 1  # which ``_note`` counts once more
            found = self._note(rows.pod(row), info, rows.node(row), number)
        return found

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
        return self._bind(pod, info, node, arrival)

    def _bind(self, pod: Pod, info: PodInfo, node: str, arrival: int) -> BoundPod:
        """Account a pod that came to a node when ``arrival`` says."""
        slot = self._core.nodes.slot_of(node)
        number = self._core.bind(info, slot, start_of(pod), arrival) if slot >= 0 else NO_POD
        bound = self.note(pod, info, node, number)
        if number == NO_POD:
            bound.arrival = arrival
        return bound

    def note(self, pod: Pod, info: PodInfo, node: str, number: int) -> BoundPod:
        """Remember a pod that the core has accounted already."""
        self._journal.record(self.remove, key_of(pod))
        return self._note(pod, info, node, number)

    def _note(self, pod: Pod, info: PodInfo, node: str, number: int) -> BoundPod:
        key = key_of(pod)
        bound = self._by_key[key] = BoundPod(pod, info, node, number)
        self._priorities[info.priority] += 1
        if pod.spec.volumes:
            self._using_volumes[key] = None
        if number == NO_POD:
            self._wait(bound)
        else:
            bound.arrival = self._core.pods.arrival_of(number)
            self._by_number[number] = bound
        return bound

    def add_rows(self, rows: PodRows, infos: list[PodInfo]) -> None:
        """Account the pods of a table, as :meth:`add` does one after another.

        Args:
            rows: The table.
            infos: What the core accounts of each of its shapes.
        """
        arrivals = self._make_way(rows)
        slots = np.array([self._core.nodes.slot_of(name) for name in rows.nodes.values], np.int32)[
            rows.nodes.codes
        ]
        starts = np.full(len(rows), NOT_STARTED, np.int64)
        if rows.starts is not None:
            starts[rows.starts.valid] = rows.starts.numbers[rows.starts.valid]
        numbers = bind_rows(self._core, infos, rows.shape_of, slots, starts, arrivals)
        self._note_rows(rows, infos, numbers)
        for row in np.flatnonzero(numbers == NO_POD).tolist():
            bound = self._note(rows.pod(row), infos[rows.shape_of[row]], rows.node(row), NO_POD)
            bound.arrival = int(arrivals[row])

    def note_rows(self, rows: PodRows, infos: list[PodInfo], numbers: npt.NDArray[np.int32]) -> None:
        """Remember the pods of a table that the core has accounted already, instead of those of their names.

        Args:
            rows: The table.
            infos: What the core accounts of each of its shapes.
            numbers: int32[n]: the core's numbers for them.
        """
        self._make_way(rows)
        self._note_rows(rows, infos, numbers)

    def _note_rows(self, rows: PodRows, infos: list[PodInfo], numbers: npt.NDArray[np.int32]) -> None:
        """Remember those of the rows that have a number."""
        there = numbers != NO_POD
        for info, count in zip(
            infos, np.bincount(rows.shape_of[there], minlength=len(infos)).tolist(), strict=True
        ):
            self._priorities[info.priority] += count
        self._rows.add(rows, numbers)
        self._journal.record(self._remove_rows, rows)
        for shape, pod in enumerate(rows.shapes):
            if pod.spec.volumes:  # these have to be at hand when storage changes
                for number in numbers[there & (rows.shape_of == shape)].tolist():
                    self.numbered(number)

    def _remove_rows(self, rows: PodRows) -> None:
        for key in rows.pod_keys():
            self.remove(key)

    def _make_way(self, rows: PodRows) -> npt.NDArray[np.int64]:
        """Take off the pods that rows of a table replace; when each came to its node, if it stays there."""
        arrivals = np.full(len(rows), NOT_THERE, np.int64)
        if len(self):
            for row, key in enumerate(rows.pod_keys()):
                before = self.remove(key)
                if before is not None and before.node == rows.node(row):
                    arrivals[row] = before.arrival
        return arrivals

    def remove(self, key: PodKey) -> BoundPod | None:
        """Take a pod off its node, if it is bound; return what it was."""
        bound = self.get(key)
        if bound is None:
            return None
        del self._by_key[key]
        self._priorities[bound.info.priority] -= 1
        self._using_volumes.pop(key, None)
        if bound.number == NO_POD:
            self._waiting[bound.node].pop(key)
            bound.info.release()
        else:
            self._core.unbind(bound.number)
            del self._by_number[bound.number]
        self._journal.record(self._bind, bound.pod, bound.info, bound.node, bound.arrival)
        return bound

    def node_added(self, node: str) -> None:
        """Account the pods that were waiting for a node."""
        slot = self._core.nodes.slot_of(node)
        for bound in self._waiting.pop(node, {}).values():
            bound.number = self._core.bind(bound.info, slot, start_of(bound.pod), bound.arrival)
            bound.arrival = self._core.pods.arrival_of(bound.number)
            bound.info.release()
            self._by_number[bound.number] = bound

    def _wait(self, bound: BoundPod) -> None:
        """Remember a pod for when its node is there; its info stays registered as long."""
        bound.info.retain()
        self._waiting.setdefault(bound.node, {})[key_of(bound.pod)] = bound

    def node_leaving(self, node: str) -> None:
        """Take the pods of a node off, to wait for its return or their own removal."""
        slot = self._core.nodes.slot_of(node)
        for number in self._core.pods.on(slot).tolist():
            bound = self.numbered(number)
            del self._by_number[number]
            self._core.unbind(number)
            bound.number = NO_POD
            self._wait(bound)
