"""NodePorts: host ports."""

from __future__ import annotations

from kschedcore._native.plugins.node_ports import NodePorts as Kernel
from kschedcore.engine.columns.pods import host_ports
from kschedcore.engine.events import Events, created, pod_left
from kschedcore.engine.plugin import Plugin, PodContext


class NodePorts(Plugin):
    """Rejects nodes where one of the pod's host ports is in use."""

    name = "NodePorts"
    points = frozenset({"preFilter", "filter"})

    def events(self) -> Events:
        """Register new nodes, and pods that leave a node."""
        return {"nodes": created, "pods": pod_left}

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule."""
        if not host_ports(context.pod.spec):
            return None
        return Kernel(context.core.nodes, context.core.reasons, context.info)
