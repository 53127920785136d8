"""The bound on the number of resource names that an engine accounts."""

from __future__ import annotations

from collections.abc import Collection

from kschedcore._native.nodes import NodeTable
from kschedcore.errors import ManifestError

__all__ = ["MOST_RESOURCES", "require_resources"]

MOST_RESOURCES = 126
"""Maximum number of distinct resource names in the nodes and pods of a cluster."""


def require_resources(nodes: NodeTable, names: Collection[str]) -> None:
    """Check that resource names can be accounted beside those in use.

    Args:
        nodes: The node table.
        names: The names of a node or a pod.

    Raises:
        ManifestError: There would be too many; none of them was added.
    """
    if len(nodes.resource_names) + len(names) <= MOST_RESOURCES:
        return
    known = set(nodes.resource_names)
    fresh = [name for name in names if name not in known]
    if len(known) + len(fresh) > MOST_RESOURCES:
        name = fresh[MOST_RESOURCES - len(known)]
        problem = f"resource {name!r} is one too many: a cluster may name at most {MOST_RESOURCES}"
        raise ManifestError(problem)
