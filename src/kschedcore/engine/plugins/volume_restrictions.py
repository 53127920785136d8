"""VolumeRestrictions: single-attach disks and ReadWriteOncePod claims."""

from __future__ import annotations

from kschedcore._native.plugins.volume_restrictions import VolumeRestrictions as Kernel
from kschedcore.api.objects import Pod
from kschedcore.engine.plugin import Plugin, PodContext, Status
from kschedcore.engine.volumes import disks_of, exclusive_claims, named_claims, namespace_of, not_found


class VolumeRestrictions(Plugin):
    """Keeps pods off nodes where their disk is in use, and everywhere while their claim is another's."""

    name = "VolumeRestrictions"
    points = frozenset({"preFilter", "filter"})

    def watches(self, pod: Pod) -> frozenset[str]:
        """Claims say who may use them."""
        return frozenset({"storage"}) if pod.spec.volumes else frozenset()

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:
        """Every claim that the pod names must exist."""
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
