"""NodeResourcesBalancedAllocation: even use of a node's resources."""

from __future__ import annotations

from kschedcore._native.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation as Kernel,
)
from kschedcore.engine.config.args import NodeResourcesBalancedAllocationArgs
from kschedcore.engine.plugin import Plugin, PodContext


class NodeResourcesBalancedAllocation(Plugin):
    """Prefers nodes whose resources would be used evenly; skipped for pods that request none of them."""

    name = "NodeResourcesBalancedAllocation"
    points = frozenset({"preScore", "score"})
    args: NodeResourcesBalancedAllocationArgs

    def score(self, context: PodContext) -> Kernel | None:
        """Compile the preference."""
        names = [resource.name for resource in self.args.resources]
        requested = context.info.requested()
        if not any(requested.get(name) for name in names):
            return None
        return Kernel(context.core.nodes, context.core.reasons, context.info, names)
