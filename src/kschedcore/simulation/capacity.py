"""What nodes have and what pods request of them, as columns that follow every change: cheap to sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Capacity", "Sample"]

Column = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sample:
    """One resource in one zone at one time; cpu in millicores, everything else in whole units.

    Attributes:
        zone: The zone; empty for nodes that have none.
        resource: The resource.
        allocatable: Of the zone's ready, schedulable nodes.
        requested: By the pods bound to them that have not ended.
        stranded: Of what is free, the part on nodes that could not take one more pod of the mean size of those
            that are bound: free, but unusable for such a pod.
    """

    zone: str
    resource: str
    allocatable: int
    requested: int
    stranded: int


class Capacity:
    """Nodes as rows, resources as int64 columns of allocatable and requested amounts."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}
        self._zones: list[str] = []
        self._counts = np.zeros(0, np.bool_)
        self._allocatable: dict[str, Column] = {}
        self._requested: dict[str, Column] = {}
        self._total: dict[str, int] = {}
        self._pods = 0

    def set_node(self, name: str, zone: str, allocatable: Mapping[str, int], *, usable: bool) -> None:
        """Take in a node, or what has become of it.

        Args:
            name: The node.
            zone: Its zone.
            allocatable: Its resources, in the scheduler's units.
            usable: Whether it is ready and schedulable; what is not counts for nothing.
        """
        slot = self._slot(name)
        self._zones[slot] = zone
        self._counts[slot] = usable
        for resource, column in self._allocatable.items():
            column[slot] = allocatable.get(resource, 0)
        for resource in allocatable.keys() - self._allocatable.keys():
            self._column(self._allocatable, resource)[slot] = allocatable[resource]

    def remove_node(self, name: str) -> None:
        """Forget what a node has; pods that are still bound to it are let go one by one."""
        if name in self._slots:
            self._counts[self._slots[name]] = False

    def bind(self, node: str, requests: Mapping[str, int], sign: int = 1) -> None:
        """Account a pod on its node, or with ``sign`` -1 take it off again."""
        slot = self._slot(node)
        self._pods += sign
        for resource, amount in requests.items():
            self._column(self._requested, resource)[slot] += sign * amount
            self._total[resource] = self._total.get(resource, 0) + sign * amount

    def samples(self) -> Iterator[Sample]:
        """Every zone's resources as they are, in the order of zones and resources."""
        stuck = self._stuck()
        zones = np.array(self._zones, dtype=object)
        resources = sorted(self._allocatable)
        for zone in sorted(set(self._zones)):
            here = self._counts & (zones == zone)
            for resource in resources:
                allocatable = self._allocatable[resource][here]
                requested = self._column(self._requested, resource)[here]
                free = np.maximum(allocatable - requested, 0)
                yield Sample(
                    zone,
                    resource,
                    int(allocatable.sum()),
                    int(requested.sum()),
                    int(free[stuck[here]].sum()),
                )

    def _stuck(self) -> npt.NDArray[np.bool_]:
        """Which nodes could not take one more pod of mean size."""
        stuck = np.zeros(len(self._zones), np.bool_)
        if not self._pods:
            return stuck
        for resource in ("cpu", "memory", "pods"):
            if resource in self._allocatable:
                mean = self._total.get(resource, 0) / self._pods
                stuck |= self._allocatable[resource] - self._column(self._requested, resource) < mean
        return stuck

    def _slot(self, name: str) -> int:
        slot = self._slots.setdefault(name, len(self._zones))
        if slot == len(self._zones):
            self._zones.append("")
            self._counts = np.append(self._counts, False)
            for columns in (self._allocatable, self._requested):
                for resource, column in columns.items():
                    columns[resource] = np.append(column, 0)
        return slot

    def _column(self, columns: dict[str, Column], resource: str) -> Column:
        if resource not in columns:
            columns[resource] = np.zeros(len(self._zones), np.int64)
        return columns[resource]
