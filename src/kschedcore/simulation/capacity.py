"""Allocatable and requested resources of nodes, as incrementally updated columns that are cheap to sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Capacity", "Sample"]

Column = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sample:
    """One resource in one zone at one time; cpu in millicores, others in whole units.

    Attributes:
        zone: The zone; empty for nodes that have none.
        resource: The resource.
        allocatable: Allocatable of the zone's ready, schedulable nodes.
        requested: Requests of the unfinished pods bound to them.
        stranded: The free amount on nodes that have too little free for a pod of the mean size of the bound pods.
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
        """Add or update a node.

        Args:
            name: The node.
            zone: The node's zone.
            allocatable: The node's resources, in the scheduler's units.
            usable: Whether it is ready and schedulable; other nodes do not count.
        """
        slot = self._slot(name)
        self._zones[slot] = zone
        self._counts[slot] = usable
        for resource, column in self._allocatable.items():
            column[slot] = allocatable.get(resource, 0)
        for resource in allocatable.keys() - self._allocatable.keys():
            self._column(self._allocatable, resource)[slot] = allocatable[resource]

    def remove_node(self, name: str) -> None:
        """Remove a node's capacity; its bound pods are removed one by one with :meth:`bind`."""
        if name in self._slots:
            self._counts[self._slots[name]] = False

    def bind(self, node: str, requests: Mapping[str, int], sign: int = 1) -> None:
        """Account a pod on its node, or with ``sign`` -1 remove it."""
        slot = self._slot(node)
        self._pods += sign
        for resource, amount in requests.items():
            self._column(self._requested, resource)[slot] += sign * amount
            self._total[resource] = self._total.get(resource, 0) + sign * amount

    def samples(self) -> Iterator[Sample]:
        """Return the present samples, in the order of zones and resources."""
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
        """Return which nodes have too little free for a pod of mean size."""
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
