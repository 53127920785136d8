"""NodeUnschedulable: cordoned nodes."""

from __future__ import annotations

from kschedcore._native.plugins.node_unschedulable import TAINT
from kschedcore._native.plugins.node_unschedulable import NodeUnschedulable as Kernel
from kschedcore._native.plugins.taint_toleration import tolerates
from kschedcore.engine.columns.taints import tolerations
from kschedcore.engine.plugin import Plugin, PodContext


class NodeUnschedulable(Plugin):
    """Rejects cordoned nodes, unless the pod tolerates the cordon's taint."""

    name = "NodeUnschedulable"
    points = frozenset({"filter"})

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule."""
        if any(tolerates(toleration, TAINT) for toleration in tolerations(context.pod.spec)):
            return None
        return Kernel(context.core.nodes, context.core.reasons)
