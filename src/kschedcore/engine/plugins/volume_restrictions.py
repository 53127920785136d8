"""VolumeRestrictions: single-attach disks and ReadWriteOncePod claims."""

from __future__ import annotations

from kschedcore._native.plugins.volume_restrictions import VolumeRestrictions as Kernel
from kschedcore.api.machinery.changes import Change
from kschedcore.api.objects import Pod, decode
from kschedcore.engine.events import Events, created, pod_left
from kschedcore.engine.plugin import Plugin, PodContext, Status
from kschedcore.engine.volumes import (
    disks_of,
    exclusive_claims,
    named_claims,
    namespace_of,
    not_found,
    own_claim_written,
)


class VolumeRestrictions(Plugin):
    """Rejects nodes where a pod's disk is in use, and all nodes while another pod uses its ReadWriteOncePod claim."""

    name = "VolumeRestrictions"
    points = frozenset({"preFilter", "filter"})

    def events(self) -> Events:
        """Register new nodes, pods that leave a node with one of the pod's volumes, and the pod's claims."""
        return {"nodes": created, "pods": _volume_freed, "persistentvolumeclaims": own_claim_written}

    def watches(self, pod: Pod) -> frozenset[str]:
        """Depend on the access modes of claims."""
        return frozenset({"storage"}) if pod.spec.volumes else frozenset()

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:
        """Reject a pod that names a claim that does not exist."""
        for name in named_claims(context.pod):
            if context.listers.persistent_volume_claim(namespace_of(context.pod), name) is None:
                return Status("UnschedulableAndUnresolvable", self.name, (not_found(name),))
        return None

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the rule."""
        disks = list(disks_of(context.pod))
        claims = exclusive_claims(context.pod, context.listers)
        if not disks and not claims:
            return None
        core = context.core
        return Kernel(core.nodes, core.reasons, core.topology, disks, claims)


def _volume_freed(change: Change, pod: Pod) -> bool:
    """Return whether a pod that used a disk or a claim of this pod has left a node."""
    if not pod_left(change, pod) or change.old is None or not change.old["spec"].get("volumes"):
        return False
    gone = decode(Pod, change.old)
    if namespace_of(gone) == namespace_of(pod) and not set(named_claims(gone)).isdisjoint(named_claims(pod)):
        return True
    return not {disk for disk, _ in disks_of(gone)}.isdisjoint(disk for disk, _ in disks_of(pod))
