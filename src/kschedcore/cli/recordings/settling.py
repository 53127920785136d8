"""Letting the controllers that ran beside the recorded API server finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kschedcore.controllers.door import items, path_of
from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.rootcacertpublisher import RootCACertPublisher
from kschedcore.controllers.serviceaccount import ServiceAccountController
from kschedcore.store.kinds import resources

if TYPE_CHECKING:
    from kschedcore.apiserver import APIServer

__all__ = ["settle"]

_CERTIFICATE = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"


def settle(server: APIServer) -> None:
    """Run the controllers until none of them finds anything left to do."""
    while _pass(server):
        pass


def _pass(server: APIServer) -> bool:
    namespaces = [obj["metadata"]["name"] for obj in items(server, path_of("v1", "namespaces"))]
    accounts, quotas = ServiceAccountController(server), ResourceQuotaController(server, resources())
    certificates = RootCACertPublisher(server, _CERTIFICATE)
    lifecycle = NamespaceController(server, resources())
    changed = False
    for name in namespaces:
        changed |= accounts.reconcile(name)
        changed |= certificates.reconcile(name)
        for quota in items(server, path_of("v1", "resourcequotas", name)):
            changed |= quotas.reconcile((name, quota["metadata"]["name"]))
        changed |= lifecycle.reconcile(name)
    return changed
