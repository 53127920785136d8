"""Rate limits on taint-based eviction, per zone; reduced when many nodes of a zone fail at once.

Rule: "Rate limits on eviction" in the reference of nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from kschedcore.api.machinery.types import Object

__all__ = ["EvictionRates", "zone_of"]

RATE = 0.1
"""Nodes per second (``--node-eviction-rate``)."""

SECONDARY_RATE = 0.01
"""Nodes per second in a disrupted zone (``--secondary-node-eviction-rate``)."""

UNHEALTHY_PART = 0.55
"""Fraction of failed nodes from which a zone is disrupted (``--unhealthy-zone-threshold``)."""

LARGE = 50
"""Evictions stop in a disrupted zone of at most this many nodes (``--large-cluster-size-threshold``)."""

_MANY = 2
"""A zone with at most this many failed nodes is not disrupted."""

_REGION, _ZONE = "topology.kubernetes.io/region", "topology.kubernetes.io/zone"


def zone_of(node: Object) -> tuple[str, str]:
    """Return a node's region and zone."""
    labels = node["metadata"].get("labels", {})
    return labels.get(_REGION, ""), labels.get(_ZONE, "")


class EvictionRates:
    """Eviction rate limits per zone. After a restart, one node of each zone may be tainted at once.

    Args:
        is_alive: Whether a node has a recent heartbeat and is ready.
    """

    def __init__(self, is_alive: Callable[[Object], bool]) -> None:
        self._is_alive = is_alive
        self._next: dict[tuple[str, str], datetime] = {}

    def next(self, node: Object, nodes: Iterable[Object], now: datetime) -> datetime | None:
        """Return when the node may be tainted for eviction; None while its zone is disrupted.

        Args:
            node: A failed node.
            nodes: Every node of the cluster.
            now: The time.
        """
        if self._rate(zone_of(node), nodes) == 0:
            return None
        return max(now, self._next.get(zone_of(node), now))

    def spend(self, node: Object, nodes: Iterable[Object], now: datetime) -> None:
        """Record that a node of the zone was tainted."""
        self._next[zone_of(node)] = now + timedelta(seconds=1 / (self._rate(zone_of(node), nodes) or RATE))

    def is_cut_off(self, nodes: Iterable[Object]) -> bool:
        """Return whether no node has a recent heartbeat: then the controller itself is cut off."""
        return not any(map(self._is_alive, nodes))

    def _rate(self, zone: tuple[str, str], nodes: Iterable[Object]) -> float:
        nodes = list(nodes)
        if self.is_cut_off(nodes):
            return 0
        in_zone = [self._is_alive(node) for node in nodes if zone_of(node) == zone]
        good = sum(in_zone)
        bad = len(in_zone) - good
        if good == 0 or bad <= _MANY or bad / len(in_zone) < UNHEALTHY_PART:
            return RATE
        return SECONDARY_RATE if len(in_zone) > LARGE else 0
