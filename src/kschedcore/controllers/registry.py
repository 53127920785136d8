"""The controllers that a cluster runs."""

from __future__ import annotations

from kschedcore.controllers.controller import Controller
from kschedcore.controllers.cronjob import CronJobController
from kschedcore.controllers.daemonset.controller import DaemonSetController
from kschedcore.controllers.deployment.controller import DeploymentController
from kschedcore.controllers.devicetainteviction import DeviceTaintEvictionController
from kschedcore.controllers.disruption import DisruptionController
from kschedcore.controllers.endpoints import EndpointsController
from kschedcore.controllers.endpointslice import EndpointSliceController
from kschedcore.controllers.endpointslicemirroring import EndpointSliceMirroringController
from kschedcore.controllers.ephemeralvolume import EphemeralVolumeController
from kschedcore.controllers.garbagecollector import GarbageCollector
from kschedcore.controllers.job.controller import JobController
from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.nodelifecycle.controller import NodeLifecycleController
from kschedcore.controllers.persistentvolume.binder import PersistentVolumeController
from kschedcore.controllers.persistentvolume.provisioner import PersistentVolumeProvisioner
from kschedcore.controllers.podgc import PodGarbageCollector
from kschedcore.controllers.replicaset import ReplicaSetController
from kschedcore.controllers.replicationcontroller import ReplicationControllerController
from kschedcore.controllers.resourceclaim import ResourceClaimController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.rootcacertpublisher import RootCACertPublisher
from kschedcore.controllers.serviceaccount import ServiceAccountController
from kschedcore.controllers.serviceaccounttoken import ServiceAccountTokenController
from kschedcore.controllers.statefulset.controller import StatefulSetController
from kschedcore.controllers.tainteviction import TaintEvictionController
from kschedcore.controllers.ttlafterfinished import TTLAfterFinishedController
from kschedcore.controllers.volumeprotection import ClaimProtectionController, VolumeProtectionController

__all__ = ["CONTROLLERS"]

CONTROLLERS: tuple[type[Controller], ...] = (
    ClaimProtectionController,
    CronJobController,
    DaemonSetController,
    DeploymentController,
    DeviceTaintEvictionController,
    DisruptionController,
    EndpointSliceController,
    EndpointSliceMirroringController,
    EndpointsController,
    EphemeralVolumeController,
    GarbageCollector,
    JobController,
    NamespaceController,
    NodeLifecycleController,
    PersistentVolumeController,
    PersistentVolumeProvisioner,
    PodGarbageCollector,
    ReplicaSetController,
    ReplicationControllerController,
    ResourceClaimController,
    ResourceQuotaController,
    RootCACertPublisher,
    ServiceAccountController,
    ServiceAccountTokenController,
    StatefulSetController,
    TTLAfterFinishedController,
    TaintEvictionController,
    VolumeProtectionController,
)
"""In the order in which they run."""
