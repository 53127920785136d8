"""The nodes that a cluster begins with: from manifests, or so many of a plain kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from kschedcore.cluster.applying import Manifest
from kschedcore.errors import UsageError
from kschedcore.store.admission_types import Object

__all__ = ["Nodes", "node_manifests", "plain_node"]

Nodes = int | Manifest | Iterable[Manifest]
"""So many plain nodes, or manifests that may hold other objects as well."""

_ZONES = "abc"
_SIZE = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}


def plain_node(number: int) -> Object:
    """``node-1``, ``node-2``, …: 8 CPUs, 32 GiB, 110 pods, in three zones in turn."""
    name = f"node-{number}"
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/region": "region-1",
        "topology.kubernetes.io/zone": f"zone-{_ZONES[(number - 1) % len(_ZONES)]}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": dict(_SIZE), "allocatable": dict(_SIZE)},
    }


def node_manifests(nodes: Nodes) -> list[Manifest]:
    """What to create.

    Raises:
        UsageError: A number below zero.
    """
    if isinstance(nodes, bool | int):
        if nodes < 0 or isinstance(nodes, bool):
            raise UsageError(f"nodes={nodes!r}: expected a number of nodes, manifests or paths of manifests")
        return [plain_node(number) for number in range(1, nodes + 1)]
    if isinstance(nodes, str | Path | Mapping):
        return [nodes]
    return list(nodes)
