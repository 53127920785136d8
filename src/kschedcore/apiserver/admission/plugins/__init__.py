"""The admission plugins, in the order in which the API server runs those that it enables by default.

A plugin has ``admit`` (mutating), ``review`` (validating), or both; each raises
:class:`~kschedcore.api.machinery.status.StatusError` to refuse a request. Each plugin has its own module, named as in
Kubernetes.
"""

from __future__ import annotations

from typing import Protocol

from kschedcore.api.versions import DEFAULT, Release
from kschedcore.apiserver.admission.plugins.default_ingress_class import DefaultIngressClass
from kschedcore.apiserver.admission.plugins.default_storage_class import DefaultStorageClass
from kschedcore.apiserver.admission.plugins.default_toleration_seconds import DefaultTolerationSeconds
from kschedcore.apiserver.admission.plugins.limit_ranger import LimitRanger
from kschedcore.apiserver.admission.plugins.namespace_lifecycle import NamespaceLifecycle
from kschedcore.apiserver.admission.plugins.node_declared_feature_validator import (
    NodeDeclaredFeatureValidator,
)
from kschedcore.apiserver.admission.plugins.persistent_volume_claim_resize import PersistentVolumeClaimResize
from kschedcore.apiserver.admission.plugins.pod_topology_labels import PodTopologyLabels
from kschedcore.apiserver.admission.plugins.priority import Priority
from kschedcore.apiserver.admission.plugins.resource_quota import ResourceQuota
from kschedcore.apiserver.admission.plugins.runtime_class import RuntimeClass
from kschedcore.apiserver.admission.plugins.service_account import ServiceAccount
from kschedcore.apiserver.admission.plugins.storage_object_in_use_protection import (
    StorageObjectInUseProtection,
)
from kschedcore.apiserver.admission.plugins.taint_nodes_by_condition import TaintNodesByCondition
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation

__all__ = ["Plugin", "default_plugins"]


class Plugin(Protocol):
    """An admission plugin."""

    @property
    def changing(self) -> tuple[Operation, ...]:
        """The operations in which :meth:`admit` may change an object."""

    def concerns(self, kind: str, operation: Operation, subresource: str) -> bool:
        """Whether the plugin does anything in such requests; others pass it by."""

    def may_change(self, request: AdmissionRequest) -> bool:
        """Return whether :meth:`admit` may change the request's object; False is a guarantee."""

    def admit(self, request: AdmissionRequest) -> None:
        """Change or refuse the request, before validation."""

    def review(self, request: AdmissionRequest) -> None:
        """Refuse the request, after validation."""


def default_plugins(
    reader: ObjectReader, *, service_ca: bool = False, release: Release = DEFAULT
) -> tuple[Plugin, ...]:
    """Return the default plugins, in order.

    Args:
        reader: The store that plugins read.
        service_ca: Whether token volumes also contain OpenShift's service CA.
        release: The Kubernetes version and feature gates to follow.
    """
    topology_labels = (PodTopologyLabels(reader),) if release.enabled("PodTopologyLabelsAdmission") else ()
    features = (NodeDeclaredFeatureValidator(reader),) if release.enabled("NodeDeclaredFeatures") else ()
    return (
        NamespaceLifecycle(reader),
        LimitRanger(reader),
        ServiceAccount(reader, service_ca=service_ca),
        TaintNodesByCondition(),
        Priority(reader),
        DefaultTolerationSeconds(),
        DefaultStorageClass(reader),
        StorageObjectInUseProtection(),
        PersistentVolumeClaimResize(reader),
        RuntimeClass(reader),
        DefaultIngressClass(reader),
        *topology_labels,
        *features,
        ResourceQuota(reader, extended_resources=release.enabled("DRAExtendedResource")),
    )
