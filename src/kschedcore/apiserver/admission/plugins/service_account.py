"""ServiceAccount: sets the service account of pods, and mounts its token unless disabled."""

from __future__ import annotations

import hashlib
from typing import Any

from kschedcore.api.machinery.frozen import FrozenDict, plain
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates, refused
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation

__all__ = ["ServiceAccount"]

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_SECONDS = 3607
# The server's alphabet of random names, without vowels.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_MIRROR = "kubernetes.io/config.mirror"


class ServiceAccount(BasePlugin):
    """Sets the account ``default`` of pods without one, and mounts the account's token volume.

    Args:
        reader: The store of accounts.
        service_ca: Whether the volume also contains OpenShift's service CA.
    """

    kinds = ("Pod",)
    operations = changing = (Operation.CREATE,)

    def __init__(self, reader: ObjectReader, *, service_ca: bool = False) -> None:
        self._reader = reader
        self._service_ca = service_ca

    def admit(self, request: AdmissionRequest) -> None:
        """Set a new pod's account (403 if it does not exist), pull secrets and token."""
        pod = creates(request, "Pod")
        if pod is None or _MIRROR in pod["metadata"].get("annotations", {}):
            return
        spec = pod["spec"]
        name = spec.get("serviceAccountName") or "default"
        account = self._reader.get("serviceaccounts", request.namespace, name)
        if account is None:
            why = (
                f"error looking up service account {request.namespace}/{name}: "
                f'serviceaccount "{name}" not found'
            )
            raise refused(request, why)
        pod["spec"] = _running_as(spec, shared(account), self._service_ca)


@remembered
def _running_as(spec: FrozenDict, account: FrozenDict, service_ca: bool) -> FrozenDict:
    """Return the spec with the account's pull secrets, and its token unless the pod or the account disables it."""
    changed, name = plain(spec), account["metadata"]["name"]
    changed["serviceAccountName"] = changed["serviceAccount"] = name
    if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
        _mount_token(changed, f"{account['metadata']['namespace']}/{name}", service_ca)
    if account.get("imagePullSecrets") and not changed.get("imagePullSecrets"):
        changed["imagePullSecrets"] = account["imagePullSecrets"]
    return shared(changed)


def _mount_token(spec: dict[str, Any], account: str, service_ca: bool) -> None:
    containers = [*spec.get("initContainers", ()), *(spec.get("containers") or ())]
    needing = [
        c for c in containers if all(m.get("mountPath") != _TOKEN_PATH for m in c.get("volumeMounts", ()))
    ]
    if not needing:
        return
    volume = _volume_name(account, {v["name"] for v in spec.get("volumes", ())})
    for container in needing:
        mount = {"name": volume, "readOnly": True, "mountPath": _TOKEN_PATH}
        container["volumeMounts"] = [*container.get("volumeMounts", ()), mount]
    spec["volumes"] = [*spec.get("volumes", ()), {"name": volume, "projected": _token_projection(service_ca)}]


def _volume_name(account: str, taken: set[str]) -> str:
    """Return the name of a token volume, random but equal for all pods of an account, so that replicas share a spec."""
    attempt = 0
    while True:
        digest = hashlib.sha256(f"{account}#{attempt}".encode()).digest()
        name = "kube-api-access-" + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:5])
        if name not in taken:
            return name
        attempt += 1


def _token_projection(service_ca: bool) -> dict[str, Any]:
    namespace = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources: list[dict[str, Any]] = [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        _certificate("kube-root-ca.crt", "ca.crt"),
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": namespace}]}},
    ]
    if service_ca:
        sources.append(_certificate("openshift-service-ca.crt", "service-ca.crt"))
    return {"sources": sources, "defaultMode": 0o644}


def _certificate(config_map: str, key: str) -> dict[str, Any]:
    return {"configMap": {"name": config_map, "items": [{"key": key, "path": key}]}}
