"""``percentageOfNodesToScore``: search for feasible nodes until enough are found.

As in kube-scheduler v1.34, a cycle filters the nodes in the order of the node tree, which alternates between zones,
starting where the previous cycle stopped. kube-scheduler filters several nodes at once and so may stop a little
later; here they are filtered one by one, as with ``parallelism: 1``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from kschedcore._native.transactions import Journal

MIN_FEASIBLE_NODES = 100
"""minFeasibleNodesToFind: minimum number of feasible nodes at which a search stops."""

MIN_PERCENTAGE = 5
"""minFeasibleNodesPercentageToFind: lower bound of the adaptive percentage."""

ZONE_LABELS = ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone")
REGION_LABELS = ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region")
PLACE_LABELS = ZONE_LABELS + REGION_LABELS
"""The labels that a node's position in the order depends on."""


def nodes_to_find(nodes: int, percentage: int) -> int:
    """Return the number of feasible nodes at which a search stops (numFeasibleNodesToFind).

    Args:
        nodes: Number of nodes to filter.
        percentage: 0 to 100; 0 means 50 minus one for every 125 nodes, but at least 5.
    """
    if nodes < MIN_FEASIBLE_NODES:
        return nodes
    share = percentage or max(50 - nodes // 125, MIN_PERCENTAGE)
    return max(nodes * share // 100, MIN_FEASIBLE_NODES)


def zone_of(labels: Mapping[str, str]) -> tuple[str, str]:
    """Return a node's region and zone, empty where it has none (``GetZoneKey``)."""
    return _first(labels, REGION_LABELS), _first(labels, ZONE_LABELS)


def _first(labels: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((labels[key] for key in keys if key in labels), "")


class NodeTree:
    """Nodes by zone, in the order in which they were added (the scheduler cache's nodeTree).

    Args:
        journal: The undo log.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._zones: dict[tuple[str, str], dict[str, None]] = {}
        self._zone_of: dict[str, tuple[str, str]] = {}
        self._order: list[str] | None = None

    def set(self, node: str, labels: Mapping[str, str]) -> None:
        """Add a node, or move it to the end of its new zone."""
        zone = zone_of(labels)
        if self._zone_of.get(node) == zone:
            return
        self.remove(node)
        self._journal.save(self._copy, self._put_back)
        self._zones.setdefault(zone, {})[node] = None
        self._zone_of[node] = zone
        self._order = None

    def remove(self, node: str) -> None:
        """Remove a node, if it exists; a zone without nodes is removed."""
        zone = self._zone_of.get(node)
        if zone is not None:
            self._journal.save(self._copy, self._put_back)
            del self._zone_of[node]
            del self._zones[zone][node]
            if not self._zones[zone]:
                del self._zones[zone]
            self._order = None

    def recover(self, labels: Mapping[str, Mapping[str, str]]) -> None:
        """Set the nodes (name -> labels); new ones are added at the end."""
        for zone, nodes in list(self._zones.items()):
            for node in [each for each in nodes if each not in labels or zone_of(labels[each]) != zone]:
                del nodes[node]
            if not nodes:
                del self._zones[zone]
        self._zone_of = {node: zone for zone, nodes in self._zones.items() for node in nodes}
        self._order = None
        for node, own in labels.items():
            self.set(node, own)

    def _copy(self) -> dict[tuple[str, str], dict[str, None]]:
        return {zone: dict(nodes) for zone, nodes in self._zones.items()}

    def _put_back(self, zones: dict[tuple[str, str], dict[str, None]]) -> None:
        self._zones = zones
        self._zone_of = {node: zone for zone, nodes in zones.items() for node in nodes}
        self._order = None

    def order(self) -> list[str]:
        """Return all nodes: the first of each zone, then the second of each, and so on."""
        if self._order is None:
            zones = [list(nodes) for nodes in self._zones.values()]
            longest = max(map(len, zones), default=0)
            self._order = [zone[place] for place in range(longest) for zone in zones if place < len(zone)]
        return self._order


class NodeSampler:
    """The search for feasible nodes.

    Attributes:
        start: Index at which the next search starts (nextStartNodeIndex).
    """

    def __init__(self) -> None:
        self.start = 0

    def sample(
        self, eligible: npt.NDArray[np.bool_], feasible: npt.NDArray[np.bool_], wanted: int
    ) -> tuple[npt.NDArray[np.int64], int]:
        """Search until enough feasible nodes are found.

        Args:
            eligible: bool[n] over all nodes in tree order: whether PreFilter left the node.
            feasible: bool[n]: whether the node passes the filters.
            wanted: Number of feasible nodes at which the search stops.

        Returns:
            (int64[k], the indices of the nodes found, in that order; the index at which the next search starts:
            that of the feasible node after the last one found).
        """
        places = np.flatnonzero(eligible)
        if not len(places):
            return places, self.start
        places = np.roll(places, -(self.start % len(places)))
        hits = np.flatnonzero(feasible[places])
        looked = len(places) if len(hits) <= wanted else int(hits[wanted])
        return places[hits[:wanted]], (self.start + looked) % len(eligible)
