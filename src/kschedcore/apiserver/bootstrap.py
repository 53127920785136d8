"""The initial objects of every cluster: system namespaces and priority classes."""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.api.machinery.types import Object

__all__ = ["bootstrap_objects"]

_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_PRIORITIES = {
    "system-cluster-critical": (
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if "
        "necessary.",
    ),
    "system-node-critical": (
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
}


def bootstrap_objects() -> Iterator[tuple[str, Object]]:
    """Yield path and object of each, in the order of creation."""
    for name in _NAMESPACES:
        yield "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    for name, (value, description) in _PRIORITIES.items():
        yield (
            "/apis/scheduling.k8s.io/v1/priorityclasses",
            {
                "apiVersion": "scheduling.k8s.io/v1",
                "kind": "PriorityClass",
                "metadata": {"name": name},
                "value": value,
                "description": description,
            },
        )
