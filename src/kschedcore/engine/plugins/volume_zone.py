"""VolumeZone: volumes that are labelled with a zone or region."""

from __future__ import annotations

from kschedcore._native.plugins.volume_zone import VolumeZone as Kernel
from kschedcore.api.objects import PersistentVolumeClaim, Pod
from kschedcore.engine.columns.selectors import Term
from kschedcore.engine.events import Events, created, node_created_or_relabelled, written
from kschedcore.engine.listers import Listers
from kschedcore.engine.plugin import Plugin, PodContext, Status
from kschedcore.engine.volumes import (
    WAIT_FOR_FIRST_CONSUMER,
    class_of,
    named_claims,
    namespace_of,
    not_found,
    own_claim_written,
)

_BETA = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
"""Deprecated label -> the label that replaced it."""

TOPOLOGY_LABELS = (*_BETA, *_BETA.values())


class VolumeZone(Plugin):
    """Rejects nodes outside the zones and regions of the pod's volumes."""

    name = "VolumeZone"
    points = frozenset({"preFilter", "filter"})

    def events(self) -> Events:
        """Register new and relabelled nodes, the pod's claims, volumes and new classes."""
        return {
            "nodes": node_created_or_relabelled,
            "persistentvolumeclaims": own_claim_written,
            "persistentvolumes": written,
            "storageclasses.storage.k8s.io": created,
        }

    def watches(self, pod: Pod) -> frozenset[str]:
        """Depend on the labels of volumes."""
        return frozenset({"storage"}) if pod.spec.volumes else frozenset()

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:
        """Reject a pod with a claim that has neither a volume nor a class with WaitForFirstConsumer."""
        for name in named_claims(context.pod):
            claim = context.listers.persistent_volume_claim(namespace_of(context.pod), name)
            problem = not_found(name) if claim is None else self._problem(claim, context.listers)
            if problem:
                return Status("UnschedulableAndUnresolvable", self.name, (problem,))
        return None

    @staticmethod
    def _problem(claim: PersistentVolumeClaim, listers: Listers) -> str:
        volume = claim.spec.volume_name
        if volume:
            missing = listers.persistent_volume(volume) is None
            return f'persistentvolume "{volume}" not found' if missing else ""
        name = class_of(claim)
        if not name:
            return "PersistentVolumeClaim had no pv name and storageClass name"
        storage_class = listers.storage_class(name)
        if storage_class is None:
            return f'storageclass.storage.k8s.io "{name}" not found'
        mode = storage_class.volume_binding_mode
        if mode is None:
            return f'VolumeBindingMode not set for StorageClass "{name}"'
        return "" if mode == WAIT_FOR_FIRST_CONSUMER else "PersistentVolume had no name"

    def filter(self, context: PodContext) -> Kernel | None:
        """Compile the labels of bound volumes."""
        wanted: list[list[Term]] = []
        for name in named_claims(context.pod):
            claim = context.listers.persistent_volume_claim(namespace_of(context.pod), name)
            volume = context.listers.persistent_volume((claim.spec.volume_name if claim else None) or "")
            labels = (volume.metadata.labels if volume else None) or {}
            wanted += [_terms(key, labels[key]) for key in TOPOLOGY_LABELS if _zones(labels.get(key, ""))]
        if not wanted:
            return None
        zoned: list[Term] = [[(key, "Exists", ())] for key in TOPOLOGY_LABELS]
        return Kernel(context.core.nodes, context.core.reasons, zoned, wanted)


def _zones(text: str) -> tuple[str, ...]:
    """Return the zones or regions of a volume's label; none if one of them is empty: the label is then ignored."""
    zones = {zone.strip() for zone in text.split("__")}
    return () if "" in zones else tuple(sorted(zones))


def _terms(key: str, text: str) -> list[Term]:
    """Return a volume's label as terms: any of its values, under its key or the key that replaced it."""
    values = _zones(text)
    terms: list[Term] = [[(key, "In", values)]]
    if key in _BETA:
        terms.append([(key, "DoesNotExist", ()), (_BETA[key], "In", values)])
    return terms
