"""NodeVolumeLimits: the number of volumes that a node can attach."""

from __future__ import annotations

from kschedcore._native.plugins.node_volume_limits import NodeVolumeLimits as Kernel
from kschedcore._native.podinfo import tag_of
from kschedcore.api.machinery.changes import Change
from kschedcore.api.objects import Pod
from kschedcore.api.versions import Rule
from kschedcore.engine.csi_migration import PORTWORX
from kschedcore.engine.events import Events, created, deleted, pod_left, written
from kschedcore.engine.plugin import Plugin, PodContext
from kschedcore.engine.volumes import What, csi_volumes, own_claim_written


class NodeVolumeLimits(Plugin):
    """Rejects nodes that cannot attach the pod's CSI volumes, by the limits in their CSINode."""

    name = "NodeVolumeLimits"
    points = frozenset({"preFilter", "filter"})

    def events(self) -> Events:
        """Register new nodes and limits, pods with volumes that leave, the pod's claims, and volumes that detach."""
        return {
            "nodes": created,
            "pods": _volume_left,
            "csinodes.storage.k8s.io": written,
            "persistentvolumeclaims": own_claim_written,
            "volumeattachments.storage.k8s.io": deleted,
        }

    def watches(self, pod: Pod) -> frozenset[str]:
        """Depend on CSINodes, claims and volumes."""
        return frozenset({"storage"}) if pod.spec.volumes else frozenset()

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule for the drivers that have a limit on some node."""
        limits: dict[str, dict[str, int]] = {}
        volumes: dict[str, list[What]] = {}
        for volume in csi_volumes(context.pod, context.listers):
            if volume.driver != PORTWORX or self.release.has(Rule.PORTWORX_COUNTS_AS_CSI):
                volumes.setdefault(volume.driver, []).append(volume.what)
        if not volumes:
            return None
        for csi_node in context.listers.csi_nodes():
            for driver in csi_node.spec.drivers or ():
                count = driver.allocatable.count if driver.allocatable else None
                if driver.name in volumes and count is not None:
                    limits.setdefault(driver.name, {})[csi_node.metadata.name] = count
        limited = {driver: whats for driver, whats in volumes.items() if driver in limits}
        if not limited:
            return None
        tags = {driver: tag_of(driver) for driver in limited}
        return Kernel(context.core.nodes, context.core.reasons, limited, limits, tags)


def _volume_left(change: Change, pod: Pod) -> bool:
    """Return whether a pod with volumes has left a node."""
    return change.old is not None and pod_left(change, pod) and bool(change.old["spec"].get("volumes"))
