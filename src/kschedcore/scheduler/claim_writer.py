"""DynamicResources' PreBind and PostFilter: write ResourceClaims as a scheduling cycle leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.objects.devices import ResourceClaim
from kschedcore.client.verbs import Client
from kschedcore.clock import Clock
from kschedcore.engine.devices.claims import key_of_claim
from kschedcore.engine.devices.state import ClaimChange

__all__ = ["CLAIMS", "ClaimWriter"]

CLAIMS = "resourceclaims.resource.k8s.io"
FINALIZER = "resource.kubernetes.io/delete-protection"
"""Keeps a claim from being deleted while it is allocated; the ResourceClaim controller removes it."""


class ClaimWriter:
    """Writes claims. Every method may raise StatusError, and may be called again afterwards.

    Args:
        client: The API.
        clock: The time, for ``allocationTimestamp``.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def write(self, claims: Iterable[ResourceClaim]) -> None:
        """Write the allocations and reservations of claims; create those for extended resources."""
        for claim in claims:
            namespace, name = key_of_claim(claim)
            stored = self._client.get(CLAIMS, namespace, name)
            if stored is None:
                stored = self._client.create(CLAIMS, namespace, _manifest(claim))
            if FINALIZER not in stored["metadata"].get("finalizers", ()):
                metadata = stored["metadata"]
                finalizers = [*metadata.get("finalizers", ()), FINALIZER]
                protected = {**stored, "metadata": {**metadata, "finalizers": finalizers}}
                stored = self._client.update(protected, CLAIMS)
            status = {**plain(stored.get("status", {})), **_fields(claim.status, "reservedFor")}
            if "allocation" not in status:
                status |= _fields(claim.status, "allocation")
                now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
                status["allocation"] = {**status["allocation"], "allocationTimestamp": now}
            self._client.update_status({**stored, "status": status}, CLAIMS)

    def release(self, changes: Iterable[ClaimChange]) -> None:
        """Write the claims that PostFilter has deallocated, and delete those that it has deleted."""
        for old, new in changes:
            if old is None:
                continue
            namespace, name = key_of_claim(old)
            stored = self._client.get(CLAIMS, namespace, name)
            if stored is None:
                continue
            if new is None:
                self._client.delete(CLAIMS, namespace, name, uid=stored["metadata"]["uid"])
                continue
            held = ("allocation", "reservedFor", "devices")
            status = {key: value for key, value in stored.get("status", {}).items() if key not in held}
            self._client.update_status({**stored, "status": status}, CLAIMS)


def _manifest(claim: ResourceClaim) -> dict[str, Any]:
    content = _builtins(claim)
    content.pop("status", None)
    return {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", **content}


def _fields(status: Any, *names: str) -> Mapping[str, Any]:
    content = _builtins(status)
    return {name: content[name] for name in names if name in content}


def _builtins(view: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(view))
    return found
