"""NodeName: pods with ``spec.nodeName``."""

from __future__ import annotations

from kschedcore._native.plugins.node_name import NodeName as Kernel
from kschedcore.engine.events import Events, created
from kschedcore.engine.plugin import Plugin, PodContext


class NodeName(Plugin):
    """Rejects every node but the one in a pod's ``spec.nodeName``."""

    name = "NodeName"

    def events(self) -> Events:
        """Register new nodes."""
        return {"nodes": created}

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule."""
        name = context.pod.spec.node_name
        return Kernel(context.core.nodes, context.core.reasons, name) if name else None
