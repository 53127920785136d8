"""NodeUnschedulable: cordoned nodes."""

from __future__ import annotations

from kschedcore._native.plugins.node_unschedulable import TAINT
from kschedcore._native.plugins.node_unschedulable import NodeUnschedulable as Kernel
from kschedcore._native.plugins.taint_toleration import tolerates
from kschedcore.api.machinery.changes import Change
from kschedcore.api.objects import Pod
from kschedcore.engine.columns.taints import tolerations
from kschedcore.engine.events import Events
from kschedcore.engine.plugin import Plugin, PodContext
from kschedcore.engine.plugins.taint_toleration import tolerated_now


class NodeUnschedulable(Plugin):
    """Rejects cordoned nodes, unless the pod tolerates the cordon's taint."""

    name = "NodeUnschedulable"

    def events(self) -> Events:
        """Register nodes that are new, uncordoned or tolerated by now."""
        return {"nodes": _schedulable_now}

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule."""
        if any(tolerates(toleration, TAINT) for toleration in tolerations(context.pod.spec)):
            return None
        return Kernel(context.core.nodes, context.core.reasons)


def _schedulable_now(change: Change, pod: Pod) -> bool:
    old, new = change.old, change.new
    if new is None or new["spec"].get("unschedulable"):
        return False
    return old is None or bool(old["spec"].get("unschedulable")) or tolerated_now(change, pod)
