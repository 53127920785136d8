"""The root CA publisher: every namespace that lives can verify the API server.

Pods mount the ConfigMap beside their service account's token, and quotas on config maps count it.
"""

from __future__ import annotations

from kschedcore.controllers.door import Door, get, path_of

__all__ = ["RootCACertPublisher"]

_USER_AGENT = "root-ca-cert-publisher"
_NAME = "kube-root-ca.crt"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints "
    "such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes clusters."
)


class RootCACertPublisher:
    """Makes and repairs the ConfigMap ``kube-root-ca.crt``.

    Args:
        door: The API server.
        certificate: The certificate authority's certificate, PEM; a simulated cluster has none.
    """

    def __init__(self, door: Door, certificate: str = "") -> None:
        self._door = door
        self._data = {"ca.crt": certificate}

    def reconcile(self, key: str) -> bool:
        """Look after the namespace ``key``; True when the ConfigMap had to be written."""
        namespace = get(self._door, path_of("v1", "namespaces", name=key))
        if namespace is None or namespace.get("status", {}).get("phase") == "Terminating":
            return False
        path = path_of("v1", "configmaps", key, _NAME)
        current = get(self._door, path)
        if current is None:
            code, _ = self._door.request(
                "POST", path_of("v1", "configmaps", key), self._config_map(), user_agent=_USER_AGENT
            )
            return code == 201
        if current.get("data") == self._data:
            return False
        code, _ = self._door.request("PUT", path, {**current, "data": self._data}, user_agent=_USER_AGENT)
        return code == 200

    def _config_map(self) -> dict[str, object]:
        metadata = {"name": _NAME, "annotations": {"kubernetes.io/description": _DESCRIPTION}}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": self._data}
