"""NodePorts: host ports."""

from __future__ import annotations

from kschedcore._native.plugins.node_ports import NodePorts as Kernel
from kschedcore.api.machinery.changes import Change
from kschedcore.api.objects import Pod
from kschedcore.engine.columns.pods import host_ports
from kschedcore.engine.events import Events, created, pod_left
from kschedcore.engine.plugin import Plugin, PodContext


class NodePorts(Plugin):
    """Rejects nodes where one of the pod's host ports is in use."""

    name = "NodePorts"
    points = frozenset({"preFilter", "filter"})

    def events(self) -> Events:
        """Register new nodes, and pods with the same port that leave a node."""
        return {"nodes": created, "pods": _port_freed}

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule."""
        if not host_ports(context.pod.spec):
            return None
        return Kernel(context.core.nodes, context.core.reasons, context.info)


def _port_freed(change: Change, pod: Pod) -> bool:
    if not pod_left(change, pod) or change.old is None:
        return False
    spec = change.old["spec"]
    sidecars = [each for each in spec.get("initContainers", ()) if each.get("restartPolicy") == "Always"]
    freed = [
        (port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", port["hostPort"])
        for container in (*spec["containers"], *sidecars)
        for port in container.get("ports", ())
        if port.get("hostPort")
    ]
    return any(
        mine[1:] == other[1:] and (mine[0] == other[0] or "0.0.0.0" in (mine[0], other[0]))
        for mine in host_ports(pod.spec)
        for other in freed
    )
