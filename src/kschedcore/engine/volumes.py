"""Functions of the volume plugins: a pod's claims, their volumes, and the disks and volumes that it uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from kschedcore._native.plugins.volume_restrictions import CLAIM_OF_ONE_POD
from kschedcore._native.podinfo import tag_of
from kschedcore._native.topology import AffinityTerm
from kschedcore.api.quantity import value
from kschedcore.api.volumes import CLASS_ANNOTATION
from kschedcore.engine.csi_migration import Source, driver_of, translated

if TYPE_CHECKING:
    from kschedcore.api.machinery.changes import Change
    from kschedcore.api.objects import PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, Volume
    from kschedcore.engine.listers import Listers

WAIT_FOR_FIRST_CONSUMER = "WaitForFirstConsumer"

What = tuple[str, ...]
"""A disk or volume that pods use: its kind, then its identity."""


class ClaimRef(NamedTuple):
    """The claim of a pod's volume; that of an ephemeral volume is created for the pod."""

    name: str
    ephemeral: bool


def namespace_of(pod: Pod) -> str:
    """Return a pod's namespace."""
    return pod.metadata.namespace or "default"


def claims_of(pod: Pod) -> Iterator[ClaimRef]:
    """Yield the claims of a pod's volumes, in order; those of generic ephemeral volumes are named ``POD-VOLUME``."""
    for volume in pod.spec.volumes or ():
        if volume.persistent_volume_claim is not None:
            yield ClaimRef(volume.persistent_volume_claim.claim_name, ephemeral=False)
        elif volume.ephemeral is not None:
            yield ClaimRef(f"{pod.metadata.name}-{volume.name}", ephemeral=True)


def own_claim_written(change: Change, pod: Pod) -> bool:
    """Return whether a claim of the pod was created or updated (a queueing hint)."""
    new = change.new
    if new is None or new["metadata"].get("namespace") != namespace_of(pod):
        return False
    return any(claim.name == new["metadata"]["name"] for claim in claims_of(pod))


def named_claims(pod: Pod) -> Iterator[str]:
    """Yield the claims that a pod's volumes name (``persistentVolumeClaim``)."""
    return (claim.name for claim in claims_of(pod) if not claim.ephemeral)


def not_found(claim: str) -> str:
    """Return kube-scheduler's message for a claim that does not exist."""
    return f'persistentvolumeclaim "{claim}" not found'


def class_of(item: PersistentVolume | PersistentVolumeClaim) -> str:
    """Return the storage class of a claim or volume; the deprecated annotation takes precedence."""
    return (item.metadata.annotations or {}).get(CLASS_ANNOTATION) or item.spec.storage_class_name or ""


def storage_class_of(claim: PersistentVolumeClaim, listers: Listers) -> StorageClass | None:
    """Return the StorageClass of a claim."""
    return listers.storage_class(class_of(claim))


def requested_storage(claim: PersistentVolumeClaim) -> int:
    """Return the number of bytes that a claim requests."""
    resources = claim.spec.resources
    return value(((resources.requests if resources else None) or {}).get("storage", 0))


def disks_of(pod: Pod) -> Iterator[tuple[What, bool]]:
    """Yield the pod's single-attach disks, each with whether it is mounted read-only.

    An EBS volume cannot be shared even for reading. An RBD image is yielded once for each of its monitors.
    """
    for volume in pod.spec.volumes or ():
        yield from _disks(volume)


def _disks(volume: Volume) -> Iterator[tuple[What, bool]]:
    gce, ebs, iscsi, rbd = (
        volume.gce_persistent_disk,
        volume.aws_elastic_block_store,
        volume.iscsi,
        volume.rbd,
    )
    if gce is not None:
        yield ("disk", "gce", gce.pd_name or ""), bool(gce.read_only)
    if ebs is not None:
        yield ("disk", "ebs", ebs.volume_id or ""), False
    if iscsi is not None:
        yield ("disk", "iscsi", iscsi.iqn or ""), bool(iscsi.read_only)
    if rbd is not None:
        for monitor in rbd.monitors or ():
            yield ("disk", "rbd", rbd.pool or "rbd", rbd.image or "", monitor), bool(rbd.read_only)


class CSIVolume(NamedTuple):
    """A CSI volume: its driver and handle."""

    driver: str
    handle: str

    @property
    def what(self) -> What:
        """The holding of the volume, see ``PodInfo``."""
        return "volume", self.driver, self.handle


def csi_volume(namespace: str, claim: PersistentVolumeClaim, listers: Listers) -> CSIVolume | None:
    """Return a claim's CSI volume; before it is provisioned, one of the class's driver named after the claim.

    An in-tree volume is one of the driver that replaced it.
    """
    volume = listers.persistent_volume(claim.spec.volume_name or "")
    if volume is None:
        storage_class = storage_class_of(claim, listers)
        driver = driver_of(storage_class.provisioner) if storage_class is not None else ""
        return CSIVolume(driver, f"claim {namespace}/{claim.metadata.name}") if driver else None
    csi = volume.spec.csi
    if csi is None:
        return _migrated(volume.spec, volume.metadata.labels)
    return CSIVolume(csi.driver, csi.volume_handle) if csi.driver and csi.volume_handle else None


def _migrated(source: Source, labels: dict[str, str] | None = None) -> CSIVolume | None:
    found = translated(source, labels)
    return None if found is None else CSIVolume(*found)


def csi_volumes(pod: Pod, listers: Listers) -> list[CSIVolume]:
    """Return the CSI volumes of a pod's existing claims and of its own in-tree disks, each once."""
    found: dict[CSIVolume, None] = {}
    for own in pod.spec.volumes or ():
        disk = _migrated(own)
        if disk is not None:
            found[disk] = None
    for reference in claims_of(pod):
        claim = listers.persistent_volume_claim(namespace_of(pod), reference.name)
        volume = csi_volume(namespace_of(pod), claim, listers) if claim is not None else None
        if volume is not None:
            found[volume] = None
    return list(found)


def holdings(pod: Pod, listers: Listers) -> tuple[tuple[What, int], ...]:
    """Return the holdings of a pod: disks (tag 1: read only) and volumes (tag: their driver)."""
    if not pod.spec.volumes:
        return ()
    disks = [(what, int(read_only)) for what, read_only in disks_of(pod)]
    volumes = [(volume.what, tag_of(volume.driver)) for volume in csi_volumes(pod, listers)]
    return (*disks, *volumes)


def exclusive_claims(pod: Pod, listers: Listers) -> list[tuple[str, AffinityTerm, str]]:
    """Return the carrier group keys of the pod's ReadWriteOncePod claims."""
    found = []
    for name in named_claims(pod):
        claim = listers.persistent_volume_claim(namespace_of(pod), name)
        if claim is not None and "ReadWriteOncePod" in (claim.spec.access_modes or ()):
            found.append((CLAIM_OF_ONE_POD, AffinityTerm((namespace_of(pod),), ()), name))
    return found
