"""v1.Pod."""

from __future__ import annotations

import msgspec

from kschedcore.api.objects.affinity import Affinity, TopologySpreadConstraint
from kschedcore.api.objects.meta import Int32, Int64, ObjectMeta, Quantity, View
from kschedcore.api.objects.storage import PersistentVolumeClaimSpec


class ResourceRequirements(View, frozen=True):
    """v1.ResourceRequirements: resource name -> quantity."""

    requests: dict[str, Quantity] | None = None
    limits: dict[str, Quantity] | None = None


class ContainerPort(View, frozen=True):
    """v1.ContainerPort."""

    container_port: Int32 = 0
    host_port: Int32 | None = None
    host_ip: str | None = msgspec.field(default=None, name="hostIP")
    protocol: str | None = None


class ContainerRestartRule(View, frozen=True):
    """v1.ContainerRestartRule (KEP-5307): the action after a container's exit."""

    action: str = ""


class Container(View, frozen=True):
    """v1.Container; a restart policy of Always makes an init container a sidecar (KEP-753)."""

    name: str = ""
    image: str | None = None
    resources: ResourceRequirements | None = None
    ports: tuple[ContainerPort, ...] | None = None
    restart_policy: str | None = None
    restart_policy_rules: tuple[ContainerRestartRule, ...] | None = None


class Toleration(View, frozen=True):
    """v1.Toleration: an empty key or effect matches all, the operator is Exists or Equal (the default)."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None
    toleration_seconds: Int64 | None = None


class PodSchedulingGate(View, frozen=True):
    """v1.PodSchedulingGate."""

    name: str


class PersistentVolumeClaimVolumeSource(View, frozen=True):
    """v1.PersistentVolumeClaimVolumeSource."""

    claim_name: str
    read_only: bool | None = None


class PersistentVolumeClaimTemplate(View, frozen=True):
    """v1.PersistentVolumeClaimTemplate."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PersistentVolumeClaimSpec | None = None


class EphemeralVolumeSource(View, frozen=True):
    """v1.EphemeralVolumeSource: a claim created for the pod, named ``<pod>-<volume>``."""

    volume_claim_template: PersistentVolumeClaimTemplate | None = None


class DiskVolumeSource(View, frozen=True):
    """The fields that rules read of GCE, AWS, Azure, Cinder and Portworx disks, iSCSI, RBD and CSI volumes."""

    pd_name: str | None = None
    volume_id: str | None = msgspec.field(default=None, name="volumeID")
    disk_uri: str | None = msgspec.field(default=None, name="diskURI")
    kind: str | None = None
    target_portal: str | None = None
    iqn: str | None = None
    lun: Int32 | None = None
    monitors: tuple[str, ...] | None = None
    image: str | None = None
    pool: str | None = None
    driver: str | None = None
    read_only: bool | None = None


class ImageVolumeSource(View, frozen=True):
    """v1.ImageVolumeSource (KEP-4639)."""

    reference: str | None = None


class Volume(View, frozen=True):
    """v1.Volume: the fields that the scheduler reads."""

    name: str = ""
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = None
    ephemeral: EphemeralVolumeSource | None = None
    gce_persistent_disk: DiskVolumeSource | None = None
    aws_elastic_block_store: DiskVolumeSource | None = None
    azure_disk: DiskVolumeSource | None = None
    cinder: DiskVolumeSource | None = None
    portworx_volume: DiskVolumeSource | None = None
    iscsi: DiskVolumeSource | None = None
    rbd: DiskVolumeSource | None = None
    csi: DiskVolumeSource | None = None
    image: ImageVolumeSource | None = None


class PodResourceClaim(View, frozen=True):
    """v1.PodResourceClaim: a ResourceClaim, or a template of one."""

    name: str = ""
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None


class PodSpec(View, frozen=True):
    """v1.PodSpec: the fields that the scheduler reads."""

    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    overhead: dict[str, Quantity] | None = None
    resources: ResourceRequirements | None = None
    node_name: str | None = None
    node_selector: dict[str, str] | None = None
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] | None = None
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] | None = None
    scheduling_gates: tuple[PodSchedulingGate, ...] | None = None
    scheduler_name: str | None = None
    priority: Int32 | None = None
    priority_class_name: str | None = None
    preemption_policy: str | None = None
    host_network: bool | None = None
    host_users: bool | None = None
    volumes: tuple[Volume, ...] | None = None
    restart_policy: str | None = None
    termination_grace_period_seconds: Int64 | None = None
    service_account_name: str | None = None
    runtime_class_name: str | None = None
    resource_claims: tuple[PodResourceClaim, ...] | None = None


class PodCondition(View, frozen=True):
    """v1.PodCondition."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None


class ContainerStatus(View, frozen=True):
    """v1.ContainerStatus: the allocated resources of in-place resize (KEP-1287)."""

    name: str = ""
    allocated_resources: dict[str, Quantity] | None = None
    resources: ResourceRequirements | None = None


class PodResourceClaimStatus(View, frozen=True):
    """v1.PodResourceClaimStatus: the claim created from a template; no name if none was needed."""

    name: str = ""
    resource_claim_name: str | None = None


class PodStatus(View, frozen=True):
    """v1.PodStatus."""

    phase: str | None = None
    start_time: str | None = None
    nominated_node_name: str | None = None
    conditions: tuple[PodCondition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    resource_claim_statuses: tuple[PodResourceClaimStatus, ...] | None = None
    resources: ResourceRequirements | None = None
    allocated_resources: dict[str, Quantity] | None = None


class Pod(View, frozen=True):
    """v1.Pod."""

    metadata: ObjectMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()
