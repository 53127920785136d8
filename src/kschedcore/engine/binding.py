"""The pods that are bound to nodes, by name: the engine's side of the scheduler cache.

A pod may be bound to a node that does not exist (yet, or any more). It is kept and accounted when the node is added,
so that a node deleted and added again has the same pods accounted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kschedcore._native.bulk import bind_rows
from kschedcore._native.preemption import NOT_STARTED
from kschedcore._native.transactions import Journal
from kschedcore.api.machinery.times import parse_time
from kschedcore.engine.bound_rows import BoundRows

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
    """Return a pod's namespace and name."""
    return pod.metadata.namespace or "default", pod.metadata.name


def start_of(pod: Pod) -> int:
    """Return a pod's start time, in seconds since 1970; ``NOT_STARTED`` if it has none."""
    started = parse_time(pod.status.start_time)
    return NOT_STARTED if started is None else int(started.timestamp())


@dataclass(slots=True)
class BoundPod:
    """A bound pod.

    Attributes:
        pod: The pod as it was last seen.
        info: The pod's footprint.
        node: Name of its node.
        number: The core's number for it, -1 while the node does not exist.
        arrival: The sequence number of its binding in the core; -1 if it was never accounted.
    """

    pod: Pod
    info: PodInfo
    node: str
    number: int
    arrival: int = -1


class BoundPods:
    """Bound pods by key, by node and by the core's number.

    Pods from a table stay rows of it until one is read. The entries by key and the rows are the record of bound pods;
    the core's accounts and all other attributes are derived from it, see :meth:`recover`. A change therefore binds
    pods in the core first, then writes the record, then unbinds pods that are no longer in the record.

    Args:
        core: The native state.
        journal: The undo log.
    """

    def __init__(self, core: Core, journal: Journal) -> None:
        self._core = core
        self._journal = journal
        self._by_key: dict[PodKey, BoundPod] = {}
        self._rows = BoundRows()
        # Derived:
        self._priorities: Counter[int] = Counter()
        self._using_volumes: dict[PodKey, None] = {}
        self._by_number: dict[int, BoundPod] = {}
        self._waiting: dict[str, dict[PodKey, BoundPod]] = {}

    def __len__(self) -> int:
        return len(self._by_key) + len(self._rows)

    def __contains__(self, key: PodKey) -> bool:
        return key in self._by_key or key in self._rows

    def get(self, key: PodKey) -> BoundPod | None:
        """Return the bound pod with a key, if there is one."""
        found = self._by_key.get(key)
        number = self._rows.number_of(key) if found is None else None
        return found if number is None else self.numbered(number)

    def numbered(self, number: int) -> BoundPod:
        """Return the pod with a number of the core."""
        found = self._by_number.get(number)
        if found is None:
            rows, row = self._rows.at(number)
            info = self._core.pods.info_of(number)
            self._priorities[info.priority] -= 1  # which ``_enter`` counts once more
            found = BoundPod(rows.pod(row), info, rows.node(row), number)
            self._enter(found)
            self._rows.drop(number)
        return found

    def all(self) -> list[tuple[PodKey, BoundPod]]:
        """Return every bound pod by namespace and name; rows of tables are read."""
        for number in self._core.pods.numbers().tolist():
            self.numbered(number)
        return sorted(self._by_key.items(), key=itemgetter(0))

    def with_volumes(self) -> list[BoundPod]:
        """Return the pods that use volumes."""
        return [self._by_key[key] for key in self._using_volumes]

    def has_below(self, priority: int) -> bool:
        """Return whether any pod has a lower priority."""
        return any(count and other < priority for other, count in self._priorities.items())

    def add(self, pod: Pod, info: PodInfo, node: str) -> None:
        """Account a pod on a node; replaces a pod of the same name.

        A pod that is accounted again on the same node keeps its arrival number.
        """
        before = self.get(key_of(pod))
        arrival = before.arrival if before is not None and before.node == node else NOT_THERE
        self._bind(pod, info, node, arrival)

    def _bind(self, pod: Pod, info: PodInfo, node: str, arrival: int) -> None:
        """Account a pod on a node with an arrival number; replaces a pod of the same name."""
        slot = self._core.nodes.slot_of(node)
        number = self._core.bind(info, slot, start_of(pod), arrival) if slot >= 0 else NO_POD
        self._replace(BoundPod(pod, info, node, number, arrival))

    def note(self, pod: Pod, info: PodInfo, node: str, number: int) -> None:
        """Record a pod that the core has accounted already; replaces a pod of the same name."""
        self._replace(BoundPod(pod, info, node, number))

    def _replace(self, bound: BoundPod) -> None:
        key = key_of(bound.pod)
        before = self.get(key)
        self._record(key, before)
        self._enter(bound)
        if before is not None:
            self._leave(key, before)

    def _record(self, key: PodKey, before: BoundPod | None) -> None:
        """Record the undo step for the pod with a key, before it changes."""
        if before is None:
            self._journal.record(self.remove, key)
        else:
            self._journal.record(self._bind, before.pod, before.info, before.node, before.arrival)

    def _enter(self, bound: BoundPod) -> None:
        """Write a pod to the record, then to the derived attributes."""
        key = key_of(bound.pod)
        if bound.number != NO_POD:
            bound.arrival = self._core.pods.arrival_of(bound.number)
        self._by_key[key] = bound
        self._derive(key, bound)

    def _derive(self, key: PodKey, bound: BoundPod) -> None:
        self._priorities[bound.info.priority] += 1
        if bound.pod.spec.volumes:
            self._using_volumes[key] = None
        if bound.number == NO_POD:
            self._wait(key, bound)
        else:
            self._by_number[bound.number] = bound

    def _leave(self, key: PodKey, bound: BoundPod) -> None:
        """Remove a pod that is no longer in the record from the derived attributes and from its node."""
        self._priorities[bound.info.priority] -= 1
        successor = self._by_key.get(key)
        if successor is None or not successor.pod.spec.volumes:
            self._using_volumes.pop(key, None)
        if bound.number != NO_POD:
            del self._by_number[bound.number]
            self._core.unbind(bound.number)
            return
        bound.info.release()
        waiting = self._waiting.get(bound.node, {})
        if waiting.get(key) is bound:
            del waiting[key]

    def add_rows(self, rows: PodRows, infos: list[PodInfo]) -> None:
        """Account the pods of a table: :meth:`add` for many.

        Args:
            rows: The table.
            infos: The footprint of each of its shapes.
        """
        replaced = self._replaced(rows)
        arrivals = np.full(len(rows), NOT_THERE, np.int64)
        for row, before in replaced.items():
            if before.node == rows.node(row):
                arrivals[row] = before.arrival
        slots = np.array([self._core.nodes.slot_of(name) for name in rows.nodes.values], np.int32)[
            rows.nodes.codes
        ]
        starts = np.full(len(rows), NOT_STARTED, np.int64)
        if rows.starts is not None:
            starts[rows.starts.valid] = rows.starts.numbers[rows.starts.valid]
        self._record_all(rows, replaced)
        numbers = bind_rows(self._core, infos, rows.shape_of, slots, starts, arrivals)
        self._enter_rows(rows, infos, numbers, replaced)
        for row in np.flatnonzero(numbers == NO_POD).tolist():
            info = infos[rows.shape_of[row]]
            self._replace(BoundPod(rows.pod(row), info, rows.node(row), NO_POD, int(arrivals[row])))

    def note_rows(self, rows: PodRows, infos: list[PodInfo], numbers: npt.NDArray[np.int32]) -> None:
        """Record the pods of a table that the core has accounted already; they replace pods of the same names.

        Args:
            rows: The table.
            infos: The footprint of each of its shapes.
            numbers: int32[n]: the core's numbers for them.
        """
        replaced = self._replaced(rows)
        self._record_all(rows, replaced)
        self._enter_rows(rows, infos, numbers, replaced)

    def _replaced(self, rows: PodRows) -> dict[int, BoundPod]:
        """Return row -> the bound pod with the same name."""
        if not len(self):
            return {}
        found = ((row, self.get(key)) for row, key in enumerate(rows.pod_keys()))
        return {row: before for row, before in found if before is not None}

    def _record_all(self, rows: PodRows, replaced: dict[int, BoundPod]) -> None:
        """Record the undo steps of the pods that the rows replace; undoing removes the rows first."""
        if self._journal.is_open:
            for row, before in replaced.items():
                self._record(rows.key(row), before)
            self._journal.record(self._remove_rows, rows)

    def _enter_rows(
        self,
        rows: PodRows,
        infos: list[PodInfo],
        numbers: npt.NDArray[np.int32],
        replaced: dict[int, BoundPod],
    ) -> None:
        """Record the rows that have a number; they replace some pods."""
        there = numbers != NO_POD
        self._rows.add(rows, numbers)
        for row, before in replaced.items():
            if there[row]:
                key = rows.key(row)
                del self._by_key[key]
                self._leave(key, before)
        for info, count in zip(
            infos, np.bincount(rows.shape_of[there], minlength=len(infos)).tolist(), strict=True
        ):
            self._priorities[info.priority] += count
        for shape, pod in enumerate(rows.shapes):
            if pod.spec.volumes:  # needed when storage changes
                for number in numbers[there & (rows.shape_of == shape)].tolist():
                    self.numbered(number)

    def _remove_rows(self, rows: PodRows) -> None:
        for key in rows.pod_keys():
            self.remove(key)

    def remove(self, key: PodKey) -> BoundPod | None:
        """Remove a pod from its node and return it, if it is bound."""
        bound = self.get(key)
        if bound is not None:
            self._record(key, bound)
            del self._by_key[key]
            self._leave(key, bound)
        return bound

    def node_added(self, node: str) -> None:
        """Account the pods that waited for a node."""
        slot = self._core.nodes.slot_of(node)
        for bound in self._waiting.pop(node, {}).values():
            self._account(bound, slot)
            bound.info.release()

    def _account(self, bound: BoundPod, slot: int) -> None:
        """Account a pod of the record on its node, which exists now."""
        bound.number = self._core.bind(bound.info, slot, start_of(bound.pod), bound.arrival)
        bound.arrival = self._core.pods.arrival_of(bound.number)
        self._by_number[bound.number] = bound

    def _wait(self, key: PodKey, bound: BoundPod) -> None:
        """Keep a pod until its node is added; its info stays registered."""
        bound.info.retain()
        self._waiting.setdefault(bound.node, {})[key] = bound

    def node_leaving(self, node: str) -> None:
        """Remove the pods of a node from the accounts; they wait until it is added again or they are removed."""
        slot = self._core.nodes.slot_of(node)
        for number in self._core.pods.on(slot).tolist():
            bound = self.numbered(number)
            bound.number = NO_POD
            self._wait(key_of(bound.pod), bound)
            del self._by_number[number]
            self._core.unbind(number)

    def recover(self) -> None:
        """Derive all other attributes from the record again, after a change was interrupted.

        A pod that the core has accounted and that is not in the record is removed from its node.
        """
        rows = self._rows.recover()
        for key, bound in list(self._by_key.items()):
            number = self._rows.number_of(key)
            if number is None:
                continue
            if number == bound.number:  # being moved from the rows
                self._rows.drop(number)
            else:  # replaced by the row
                del self._by_key[key]
        known = {bound.number for bound in self._by_key.values()}
        for number in np.setdiff1d(self._core.pods.numbers(), rows).tolist():
            if number not in known:
                self._core.unbind(number)
        self._priorities = Counter(
            self._core.pods.info_of(number).priority for number in self._rows.recover().tolist()
        )
        for waiting in self._waiting.values():
            for bound in waiting.values():
                bound.info.release()
        self._using_volumes, self._by_number, self._waiting = {}, {}, {}
        for key, bound in self._by_key.items():
            slot = self._core.nodes.slot_of(bound.node)
            if bound.number == NO_POD and slot >= 0:
                self._account(bound, slot)
            self._derive(key, bound)
