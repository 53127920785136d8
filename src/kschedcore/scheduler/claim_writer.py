"""DynamicResources' PreBind and PostFilter: write ResourceClaims as a scheduling cycle leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.times import parse_time
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE, Object
from kschedcore.api.objects import Pod, decode
from kschedcore.api.objects.devices import ResourceClaim
from kschedcore.client.verbs import Client
from kschedcore.clock import Clock
from kschedcore.engine.devices.claims import (
    ClaimKey,
    has_binding_conditions,
    is_reserved_for,
    key_of_claim,
    readiness,
)
from kschedcore.engine.devices.extended import ANNOTATION, mappings_for
from kschedcore.engine.devices.state import ClaimChange
from kschedcore.errors import KschedcoreError

__all__ = ["CLAIMS", "ClaimWriter", "DeviceBindingError", "LateDevicesError"]

CLAIMS = "resourceclaims.resource.k8s.io"
FINALIZER = "resource.kubernetes.io/delete-protection"
"""Keeps a claim from being deleted while it is allocated; the ResourceClaim controller removes it."""


class DeviceBindingError(KschedcoreError):
    """A device that a pod needs has failed to become ready."""


class LateDevicesError(DeviceBindingError):
    """The devices of a claim did not become ready in time.

    Args:
        message: In kube-scheduler's words.
        claim: The claim.
    """

    def __init__(self, message: str, claim: ClaimKey) -> None:
        super().__init__(message)
        self.claim = claim


class ClaimWriter:
    """Writes claims. Every method may raise StatusError, and may be called again afterwards.

    Args:
        client: The API.
        clock: The time, for ``allocationTimestamp``.
        binding_conditions: Whether devices may have to become ready before a pod is bound (KEP-5007).
    """

    def __init__(self, client: Client, clock: Clock, *, binding_conditions: bool) -> None:
        self._client = client
        self._clock = clock
        self._binding_conditions = binding_conditions

    def write(self, pod: Pod, claims: Iterable[ResourceClaim]) -> None:
        """Write the allocations of claims and their reservations for a pod; create those for extended resources."""
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
            if self._binding_conditions and "allocationTimestamp" not in status["allocation"]:
                now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
                status["allocation"] = {**status["allocation"], "allocationTimestamp": now}
            self._client.update_status({**stored, "status": status}, CLAIMS)
            if (claim.metadata.annotations or {}).get(ANNOTATION) == "true":
                self._note_extended(pod, claim)

    def _note_extended(self, pod: Pod, claim: ResourceClaim) -> None:
        """Write to a pod's status which requests serve its containers' extended resources (KEP-5004)."""
        mappings = mappings_for(pod, claim.spec.devices.requests or ())
        served = {"requestMappings": mappings, "resourceClaimName": claim.metadata.name}
        patch = {"status": {"extendedResourceClaimStatus": served}}
        self._client.patch(
            "pods",
            pod.metadata.namespace or DEFAULT_NAMESPACE,
            pod.metadata.name,
            patch,
            subresource="status",
        )

    def are_ready(self, claims: Iterable[ClaimKey], since: datetime, timeout: timedelta) -> bool:
        """Return whether the devices of claims are ready for a pod to be bound (``isPodReadyForBinding``).

        Args:
            claims: The claims.
            since: Since when the pod has been waiting.
            timeout: How long it may wait.

        Raises:
            DeviceBindingError: A device has failed, or the time is over.
        """
        if not self._binding_conditions:
            return True
        now = self._clock.now()
        found = [self._claim(key) for key in claims]
        if not any(map(has_binding_conditions, found)):
            return True
        for claim in found:
            ready = readiness(claim)
            if isinstance(ready, str):
                raise DeviceBindingError(ready)
            if not ready:
                allocated = parse_time(
                    claim.status.allocation and claim.status.allocation.allocation_timestamp
                )
                if allocated is not None and allocated + timeout < now and has_binding_conditions(claim):
                    message = f"claim {claim.metadata.name} binding timeout"
                    raise LateDevicesError(message, key_of_claim(claim))
                if since + timeout <= now:
                    raise LateDevicesError("device binding timeout", key_of_claim(claim))
                return False
        return True

    def _claim(self, key: ClaimKey) -> ResourceClaim:
        stored = self._client.get(CLAIMS, *key)
        if stored is None:
            raise DeviceBindingError(f'resourceclaim "{key[1]}" not found')
        return decode(ResourceClaim, stored)

    def unreserve(self, pod: Pod, claims: Iterable[ClaimKey]) -> None:
        """Take back the reservations for a pod that is not bound after all (Unreserve)."""
        for key in claims:
            stored = self._client.get(CLAIMS, *key)
            if stored is None:
                continue
            claim = decode(ResourceClaim, stored)
            if (claim.metadata.annotations or {}).get(ANNOTATION) == "true":
                self._delete(stored)
            elif is_reserved_for(claim, pod):
                users = [each for each in stored["status"]["reservedFor"] if each["uid"] != pod.metadata.uid]
                status = {**stored["status"], "reservedFor": users}
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
                self._delete(stored)
                continue
            held = ("allocation", "reservedFor", "devices")
            status = {key: value for key, value in stored.get("status", {}).items() if key not in held}
            self._client.update_status({**stored, "status": status}, CLAIMS)

    def _delete(self, stored: Object) -> None:
        """Delete a claim that was made for extended resources; its finalizer would keep it."""
        metadata = stored["metadata"]
        finalizers = [each for each in metadata.get("finalizers", ()) if each != FINALIZER]
        if len(finalizers) < len(metadata.get("finalizers", ())):
            stored = self._client.update(
                {**stored, "metadata": {**metadata, "finalizers": finalizers}}, CLAIMS
            )
        metadata = stored["metadata"]
        self._client.delete(CLAIMS, metadata["namespace"], metadata["name"], uid=metadata["uid"])


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
