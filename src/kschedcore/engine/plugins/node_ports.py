"""NodePorts: host ports."""

from __future__ import annotations

from kschedcore._native.plugins.node_ports import NodePorts as Kernel
from kschedcore.engine.columns.pods import host_ports
from kschedcore.engine.plugin import Plugin, PodContext


class NodePorts(Plugin):
    """Rejects nodes where one of the pod's host ports is taken."""

    name = "NodePorts"
    points = frozenset({"preFilter", "filter"})

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule."""
        if not host_ports(context.pod.spec):
            return None
        return Kernel(context.core.nodes, context.core.reasons, context.info)
