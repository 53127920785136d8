"""NodeName: pods that name their node."""

from __future__ import annotations

from kschedcore._native.plugins.node_name import NodeName as Kernel
from kschedcore.engine.plugin import Plugin, PodContext


class NodeName(Plugin):
    """Holds a pod with ``spec.nodeName`` to that node."""

    name = "NodeName"
    points = frozenset({"filter"})

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule."""
        name = context.pod.spec.node_name
        return Kernel(context.core.nodes, context.core.reasons, name) if name else None
