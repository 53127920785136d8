"""Typed views: frozen structs of the fields that code here reads.

The stored object stays the JSON-shaped data it came as; a view is decoded from it where types help, and leaves
out what nobody here reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from kschedcore.api.objects.affinity import (
    Affinity,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodAffinityRules,
    PodAffinityTerm,
    PreferredSchedulingTerm,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)
from kschedcore.api.objects.meta import (
    LabelSelector,
    LabelSelectorRequirement,
    ObjectMeta,
    OwnerReference,
    Quantity,
    View,
)
from kschedcore.api.objects.nodes import (
    ContainerImage,
    Namespace,
    Node,
    NodeCondition,
    NodeSpec,
    NodeStatus,
    Taint,
)
from kschedcore.api.objects.pods import (
    Container,
    ContainerPort,
    ContainerStatus,
    DiskVolumeSource,
    EphemeralVolumeSource,
    ImageVolumeSource,
    PersistentVolumeClaimTemplate,
    PersistentVolumeClaimVolumeSource,
    Pod,
    PodCondition,
    PodSchedulingGate,
    PodSpec,
    PodStatus,
    ResourceRequirements,
    Toleration,
    Volume,
)
from kschedcore.api.objects.storage import (
    AWSElasticBlockStore,
    AzureDisk,
    CSIDriver,
    CSIDriverSpec,
    CSINode,
    CSINodeDriver,
    CSINodeSpec,
    CSIPersistentVolumeSource,
    CSIStorageCapacity,
    GCEPersistentDisk,
    ObjectReference,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PersistentVolumeSpec,
    PersistentVolumeStatus,
    StorageClass,
    TopologySelectorLabelRequirement,
    TopologySelectorTerm,
    VolumeAttachment,
    VolumeAttachmentSource,
    VolumeAttachmentSpec,
    VolumeNodeAffinity,
    VolumeNodeResources,
    VolumeResourceRequirements,
)
from kschedcore.api.objects.workloads import (
    Overhead,
    PodDisruptionBudget,
    PodDisruptionBudgetSpec,
    PodDisruptionBudgetStatus,
    PriorityClass,
    ReplicaSet,
    ReplicationController,
    ReplicationControllerSpec,
    RuntimeClass,
    Service,
    ServiceSpec,
    StatefulSet,
    Workload,
    WorkloadSpec,
)
from kschedcore.errors import ManifestError

__all__ = [
    "AWSElasticBlockStore",
    "Affinity",
    "AzureDisk",
    "CSIDriver",
    "CSIDriverSpec",
    "CSINode",
    "CSINodeDriver",
    "CSINodeSpec",
    "CSIPersistentVolumeSource",
    "CSIStorageCapacity",
    "Container",
    "ContainerImage",
    "ContainerPort",
    "ContainerStatus",
    "DiskVolumeSource",
    "EphemeralVolumeSource",
    "GCEPersistentDisk",
    "ImageVolumeSource",
    "LabelSelector",
    "LabelSelectorRequirement",
    "Namespace",
    "Node",
    "NodeAffinity",
    "NodeCondition",
    "NodeSelector",
    "NodeSelectorRequirement",
    "NodeSelectorTerm",
    "NodeSpec",
    "NodeStatus",
    "ObjectMeta",
    "ObjectReference",
    "Overhead",
    "OwnerReference",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PersistentVolumeClaimSpec",
    "PersistentVolumeClaimStatus",
    "PersistentVolumeClaimTemplate",
    "PersistentVolumeClaimVolumeSource",
    "PersistentVolumeSpec",
    "PersistentVolumeStatus",
    "Pod",
    "PodAffinityRules",
    "PodAffinityTerm",
    "PodCondition",
    "PodDisruptionBudget",
    "PodDisruptionBudgetSpec",
    "PodDisruptionBudgetStatus",
    "PodSchedulingGate",
    "PodSpec",
    "PodStatus",
    "PreferredSchedulingTerm",
    "PriorityClass",
    "Quantity",
    "ReplicaSet",
    "ReplicationController",
    "ReplicationControllerSpec",
    "ResourceRequirements",
    "RuntimeClass",
    "Service",
    "ServiceSpec",
    "StatefulSet",
    "StorageClass",
    "Taint",
    "Toleration",
    "TopologySelectorLabelRequirement",
    "TopologySelectorTerm",
    "TopologySpreadConstraint",
    "View",
    "Volume",
    "VolumeAttachment",
    "VolumeAttachmentSource",
    "VolumeAttachmentSpec",
    "VolumeNodeAffinity",
    "VolumeNodeResources",
    "VolumeResourceRequirements",
    "WeightedPodAffinityTerm",
    "Workload",
    "WorkloadSpec",
    "decode",
]

V = TypeVar("V", bound=View)


def decode(view: type[V], data: Mapping[str, Any] | bytes) -> V:
    """Read an object as a typed view.

    Args:
        view: The struct to read it as.
        data: JSON-shaped data, or JSON text.

    Raises:
        ManifestError: A field has the wrong type; names its path, what was found and what was expected.
    """
    try:
        if isinstance(data, bytes):
            return msgspec.json.decode(data, type=view)
        return msgspec.convert(data, view)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `")
        path = place.rstrip("`").removeprefix("$").removeprefix(".")
        raise ManifestError(problem, path=path or None) from None
