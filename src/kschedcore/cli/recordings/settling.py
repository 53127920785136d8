"""Letting the controllers that ran beside the recorded API server finish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kschedcore.controllers.door import get, items, path_of
from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.serviceaccount import ServiceAccountController
from kschedcore.store.kinds import resources

if TYPE_CHECKING:
    from kschedcore.apiserver import APIServer

__all__ = ["settle"]

_MAX_PASSES = 100

_ROOT_CA: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "kube-root-ca.crt",
        "annotations": {
            "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver "
            "when using internal endpoints such as the internal service IP or kubernetes.default.svc. No "
            "other usage is guaranteed across distributions of Kubernetes clusters."
        },
    },
    "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
}
"""What the publisher of the cluster's root certificates puts into every namespace."""


def settle(server: APIServer) -> None:
    """Run the controllers until none of them finds anything left to do.

    Raises:
        RuntimeError: They undo each other's work for ever.
    """
    for _ in range(_MAX_PASSES):
        if not _pass(server):
            return
    raise RuntimeError(f"the controllers have not settled in {_MAX_PASSES} passes")


def _pass(server: APIServer) -> bool:
    namespaces = [obj["metadata"]["name"] for obj in items(server, path_of("v1", "namespaces"))]
    accounts, quotas = ServiceAccountController(server), ResourceQuotaController(server, resources())
    lifecycle = NamespaceController(server, resources())
    changed = False
    for name in namespaces:
        changed |= accounts.reconcile(name)
        changed |= _publish_root_ca(server, name)
        for quota in items(server, path_of("v1", "resourcequotas", name)):
            changed |= quotas.reconcile((name, quota["metadata"]["name"]))
        changed |= lifecycle.reconcile(name)
    return changed


def _publish_root_ca(server: APIServer, namespace: str) -> bool:
    """Create the namespace's copy of the root certificates, unless it is there or the namespace is going."""
    path = path_of("v1", "configmaps", namespace)
    if get(server, f"{path}/{_ROOT_CA['metadata']['name']}") is not None:
        return False
    code, _ = server.request("POST", path, _ROOT_CA, user_agent="root-ca-cert-publisher")
    return code == 201
