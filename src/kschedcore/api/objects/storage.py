"""Volumes, claims and storage classes: v1, storage.k8s.io/v1."""

from __future__ import annotations

import msgspec

from kschedcore.api.objects.affinity import NodeSelector
from kschedcore.api.objects.meta import Int32, LabelSelector, ObjectMeta, Quantity, View


class VolumeResourceRequirements(View, frozen=True):
    """v1.VolumeResourceRequirements."""

    requests: dict[str, Quantity] | None = None
    limits: dict[str, Quantity] | None = None


class PersistentVolumeClaimSpec(View, frozen=True):
    """v1.PersistentVolumeClaimSpec."""

    access_modes: tuple[str, ...] | None = None
    selector: LabelSelector | None = None
    resources: VolumeResourceRequirements | None = None
    volume_name: str | None = None
    storage_class_name: str | None = None
    volume_mode: str | None = None
    volume_attributes_class_name: str | None = None


class PersistentVolumeClaimStatus(View, frozen=True):
    """v1.PersistentVolumeClaimStatus."""

    phase: str | None = None


class PersistentVolumeClaim(View, frozen=True):
    """v1.PersistentVolumeClaim."""

    metadata: ObjectMeta
    spec: PersistentVolumeClaimSpec = PersistentVolumeClaimSpec()
    status: PersistentVolumeClaimStatus = PersistentVolumeClaimStatus()


class ObjectReference(View, frozen=True):
    """v1.ObjectReference."""

    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class VolumeNodeAffinity(View, frozen=True):
    """v1.VolumeNodeAffinity."""

    required: NodeSelector | None = None


class CSIPersistentVolumeSource(View, frozen=True):
    """v1.CSIPersistentVolumeSource."""

    driver: str = ""
    volume_handle: str = ""


class GCEPersistentDisk(View, frozen=True):
    """v1.GCEPersistentDiskVolumeSource."""

    pd_name: str = ""


class AWSElasticBlockStore(View, frozen=True):
    """v1.AWSElasticBlockStoreVolumeSource."""

    volume_id: str = msgspec.field(default="", name="volumeID")


class AzureDisk(View, frozen=True):
    """v1.AzureDiskVolumeSource."""

    disk_uri: str = msgspec.field(default="", name="diskURI")
    kind: str | None = None


class VolumeByID(View, frozen=True):
    """v1.CinderPersistentVolumeSource and v1.PortworxVolumeSource."""

    volume_id: str = msgspec.field(default="", name="volumeID")


class PersistentVolumeSpec(View, frozen=True):
    """v1.PersistentVolumeSpec."""

    capacity: dict[str, Quantity] | None = None
    access_modes: tuple[str, ...] | None = None
    claim_ref: ObjectReference | None = None
    storage_class_name: str | None = None
    volume_mode: str | None = None
    volume_attributes_class_name: str | None = None
    node_affinity: VolumeNodeAffinity | None = None
    csi: CSIPersistentVolumeSource | None = None
    gce_persistent_disk: GCEPersistentDisk | None = None
    aws_elastic_block_store: AWSElasticBlockStore | None = None
    azure_disk: AzureDisk | None = None
    cinder: VolumeByID | None = None
    portworx_volume: VolumeByID | None = None


class PersistentVolumeStatus(View, frozen=True):
    """v1.PersistentVolumeStatus."""

    phase: str | None = None


class PersistentVolume(View, frozen=True):
    """v1.PersistentVolume."""

    metadata: ObjectMeta
    spec: PersistentVolumeSpec = PersistentVolumeSpec()
    status: PersistentVolumeStatus = PersistentVolumeStatus()


class TopologySelectorLabelRequirement(View, frozen=True):
    """v1.TopologySelectorLabelRequirement."""

    key: str
    values: tuple[str, ...] | None = None


class TopologySelectorTerm(View, frozen=True):
    """v1.TopologySelectorTerm."""

    match_label_expressions: tuple[TopologySelectorLabelRequirement, ...] | None = None


class StorageClass(View, frozen=True):
    """storage.k8s.io/v1 StorageClass."""

    metadata: ObjectMeta
    provisioner: str = ""
    volume_binding_mode: str | None = None
    allowed_topologies: tuple[TopologySelectorTerm, ...] | None = None


class VolumeNodeResources(View, frozen=True):
    """storage.k8s.io/v1 VolumeNodeResources: the number of volumes that a node can attach."""

    count: Int32 | None = None


class CSINodeDriver(View, frozen=True):
    """storage.k8s.io/v1 CSINodeDriver."""

    name: str
    node_id: str | None = msgspec.field(default=None, name="nodeID")
    topology_keys: tuple[str, ...] | None = None
    allocatable: VolumeNodeResources | None = None


class CSINodeSpec(View, frozen=True):
    """storage.k8s.io/v1 CSINodeSpec."""

    drivers: tuple[CSINodeDriver, ...] | None = None


class CSINode(View, frozen=True):
    """storage.k8s.io/v1 CSINode."""

    metadata: ObjectMeta
    spec: CSINodeSpec = CSINodeSpec()


class CSIDriverSpec(View, frozen=True):
    """storage.k8s.io/v1 CSIDriverSpec."""

    storage_capacity: bool | None = None


class CSIDriver(View, frozen=True):
    """storage.k8s.io/v1 CSIDriver."""

    metadata: ObjectMeta
    spec: CSIDriverSpec = CSIDriverSpec()


class CSIStorageCapacity(View, frozen=True):
    """storage.k8s.io/v1 CSIStorageCapacity."""

    metadata: ObjectMeta
    storage_class_name: str = ""
    node_topology: LabelSelector | None = None
    capacity: Quantity | None = None
    maximum_volume_size: Quantity | None = None


class VolumeAttachmentSource(View, frozen=True):
    """storage.k8s.io/v1 VolumeAttachmentSource."""

    persistent_volume_name: str | None = None


class VolumeAttachmentSpec(View, frozen=True):
    """storage.k8s.io/v1 VolumeAttachmentSpec."""

    attacher: str = ""
    node_name: str = ""
    source: VolumeAttachmentSource = VolumeAttachmentSource()


class VolumeAttachment(View, frozen=True):
    """storage.k8s.io/v1 VolumeAttachment."""

    metadata: ObjectMeta
    spec: VolumeAttachmentSpec = VolumeAttachmentSpec()
