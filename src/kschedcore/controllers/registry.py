"""Every controller that a cluster runs."""

from __future__ import annotations

from kschedcore.controllers.controller import Controller
from kschedcore.controllers.job import JobController
from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.replicaset import ReplicaSetController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.rootcacertpublisher import RootCACertPublisher
from kschedcore.controllers.serviceaccount import ServiceAccountController

__all__ = ["CONTROLLERS"]

CONTROLLERS: tuple[type[Controller], ...] = (
    JobController,
    NamespaceController,
    ReplicaSetController,
    ResourceQuotaController,
    RootCACertPublisher,
    ServiceAccountController,
)
"""In the order in which they take their turns."""
