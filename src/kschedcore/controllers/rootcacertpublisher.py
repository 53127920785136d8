"""The root CA publisher: a ConfigMap with the API server's CA in every active namespace.

Pods mount the ConfigMap beside their service account's token, and quotas on config maps count it.
"""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.client.informer import Change
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch, watch_objects

__all__ = ["RootCACertPublisher"]

_NAME = "kube-root-ca.crt"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints "
    "such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes clusters."
)


class RootCACertPublisher(Controller):
    """Creates and restores the ConfigMap ``kube-root-ca.crt``.

    Args:
        context: The client, informers and clock.
        certificate: The certificate authority's certificate, PEM; a simulated cluster has none.
    """

    name = "root-ca-cert-publisher"

    def __init__(self, context: Context, certificate: str = "") -> None:
        super().__init__(context)
        self._data = {"ca.crt": certificate}

    def watches(self) -> Iterable[Watch]:
        """Return namespaces, and the ConfigMap of that name in each."""
        return watch_objects("namespaces"), Watch("configmaps", _namespace)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one namespace."""
        name = key[1]
        namespace = self.informers["namespaces"].get(CLUSTER_SCOPE, name)
        if namespace is None or namespace.get("status", {}).get("phase") == "Terminating":
            return None
        current = self.informers["configmaps"].get(name, _NAME)
        if current is None:
            self.client.create("configmaps", name, self._config_map())
        elif current.get("data") != self._data:
            self.client.update({**current, "data": self._data}, "configmaps")
        return None

    def _config_map(self) -> Object:
        metadata = {"name": _NAME, "annotations": {"kubernetes.io/description": _DESCRIPTION}}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": self._data}


def _namespace(change: Change) -> Iterable[Key]:
    metadata = change.object["metadata"]
    return (("", metadata["namespace"]),) if metadata["name"] == _NAME else ()
