"""Assumed claims: ResourceClaims as scheduling cycles changed them, until the cluster confirms the change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.api.objects.devices import AllocationResult, ResourceClaim
from kschedcore.engine.devices.claims import ClaimKey, deallocated, is_reserved_for, key_of_claim, reserved
from kschedcore.engine.devices.extended import ANNOTATION
from kschedcore.engine.devices.pod import NotPlaceable, PodDevices
from kschedcore.engine.devices.state import ClaimChange, Devices
from kschedcore.manifests.device_claims import claim_of

if TYPE_CHECKING:
    from kschedcore._native.transactions import Journal
    from kschedcore.api.objects import Pod
    from kschedcore.engine.listers import Listers

__all__ = ["AssumedClaims"]

_CLAIM = "ResourceClaim"

PodKey = tuple[str, str]
"""(namespace, name)."""


class AssumedClaims:
    """Applies the changes of cycles to claims, and reverts them for pods that are not bound.

    Args:
        listers: The cluster's objects.
        journal: The undo log.
    """

    def __init__(self, listers: Listers, journal: Journal) -> None:
        self._listers = listers
        self._journal = journal
        self._of_pods: dict[PodKey, tuple[ClaimKey, ...]] = {}
        self._allocated: dict[ClaimKey, AllocationResult] = {}

    def __contains__(self, pod: PodKey) -> bool:
        return pod in self._of_pods

    @property
    def _devices(self) -> Devices:
        return self._listers.devices

    def changes(self, pod: Pod, found: PodDevices, slot: int) -> tuple[ClaimChange, ...]:
        """Return the changes of a pod's claims when it is placed on a node (Reserve and PreBind)."""
        given = found.reserve(slot, pod)
        if isinstance(given, NotPlaceable):
            return ()
        changes = []
        for each in given:
            claim = each.claim
            if claim is None:
                claim = self._claim_for_extended(pod)
                claim = msgspec.structs.replace(claim, spec=each.spec)
            elif is_reserved_for(claim, pod):
                continue
            changes.append(ClaimChange(each.claim, reserved(claim, pod, each.allocation)))
        return tuple(changes)

    def _claim_for_extended(self, pod: Pod) -> ResourceClaim:
        """Return a new claim for a pod's extended resources; the API server would generate its suffix."""
        namespace = pod.metadata.namespace or DEFAULT_NAMESPACE
        number = 1
        while (namespace, f"{pod.metadata.name}-extended-resources-{number}") in self._devices.claims:
            number += 1
        name = f"{pod.metadata.name}-extended-resources-{number}"
        return claim_of(pod, name, annotations={ANNOTATION: "true"})

    def write(self, changes: Iterable[ClaimChange]) -> None:
        """Apply the changes of a cycle."""
        for change in changes:
            if change.new is not None:
                self._listers.set(_CLAIM, change.new)
            elif change.old is not None:
                namespace, name = key_of_claim(change.old)
                self._listers.remove(_CLAIM, name, namespace)

    def assume(self, pod: PodKey, changes: Iterable[ClaimChange]) -> None:
        """Apply the changes of a placed pod's claims, and mark them as assumed until the cluster confirms them."""
        kept = tuple(changes)
        self.write(kept)
        for old, new in kept:
            if new is not None and (old is None or old.status.allocation is None):
                self._mark(key_of_claim(new), new.status.allocation)
        self._note(pod, tuple(key_of_claim(new) for _, new in kept if new is not None))

    def of(self, pod: PodKey) -> list[ResourceClaim]:
        """Return the claims that a placed pod has reserved, as long as its binding is not confirmed."""
        found = (self._devices.claims.get(key) for key in self._of_pods.get(pod, ()))
        return [claim for claim in found if claim is not None]

    def holds(self, claim: ClaimKey) -> bool:
        """Return whether the engine has allocated a claim and the cluster has not confirmed it."""
        return claim in self._allocated

    def _note(self, pod: PodKey, claims: tuple[ClaimKey, ...]) -> None:
        self._journal.record(self._note, pod, self._of_pods.get(pod, ()))
        if claims:
            self._of_pods[pod] = claims
        else:
            self._of_pods.pop(pod, None)

    def _mark(self, claim: ClaimKey, allocation: AllocationResult | None) -> None:
        """Record an allocation that the engine made, or remove the record (None)."""
        if claim in self._allocated or allocation is not None:
            self._journal.record(self._mark, claim, self._allocated.get(claim))
        if allocation is None:
            self._allocated.pop(claim, None)
        else:
            self._allocated[claim] = allocation

    def confirm(self, claim: ClaimKey) -> None:
        """Drop the assumption for a claim that the cluster has sent."""
        self._mark(claim, None)

    def release(self, pod: PodKey) -> None:
        """Revert the changes that were assumed for a pod (Unreserve)."""
        for key in self._of_pods.get(pod, ()):
            claim = self._devices.claims.get(key)
            if claim is None or key not in self._allocated:
                continue
            consumers = tuple(each for each in claim.status.reserved_for or () if each.name != pod[1])
            if consumers:
                status = msgspec.structs.replace(claim.status, reserved_for=consumers)
                self._listers.set(_CLAIM, msgspec.structs.replace(claim, status=status))
                continue
            self._mark(key, None)
            if (claim.metadata.annotations or {}).get(ANNOTATION) == "true":
                self._listers.remove(_CLAIM, key[1], key[0])
            else:
                self._listers.set(_CLAIM, deallocated(claim))
        if pod in self._of_pods:
            self._note(pod, ())
