"""The ResourceClaims of a pod, and the pods that have reserved them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE, Namespace
from kschedcore.api.objects.devices import (
    AllocatedDeviceStatus,
    AllocationResult,
    ClaimConsumer,
    DeviceAllocation,
    ResourceClaim,
)

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.api.objects.pods import PodResourceClaim

__all__ = [
    "ClaimError",
    "ClaimKey",
    "claims_of",
    "deallocated",
    "full_name",
    "has_binding_conditions",
    "has_failed",
    "is_reserved_for",
    "key_of_claim",
    "readiness",
    "reserved",
]

ClaimKey = tuple[Namespace, str]
"""(namespace, name)."""


class ClaimError(Exception):
    """A pod's claims cannot be used yet; the message is kube-scheduler's."""


def key_of_claim(claim: ResourceClaim) -> ClaimKey:
    """Return a claim's namespace and name."""
    return claim.metadata.namespace or DEFAULT_NAMESPACE, claim.metadata.name


def full_name(claim: ResourceClaim) -> str:
    """Return a claim as ``namespace/name``."""
    return f"{claim.metadata.namespace or 'default'}/{claim.metadata.name}"


def claims_of(pod: Pod, known: Mapping[ClaimKey, ResourceClaim]) -> Iterator[ResourceClaim]:
    """Yield the claims that ``spec.resourceClaims`` names, in order (``foreachPodResourceClaim``).

    Raises:
        ClaimError: One does not exist, is being deleted or belongs to another pod.
    """
    namespace = pod.metadata.namespace or DEFAULT_NAMESPACE
    for reference in pod.spec.resource_claims or ():
        name = reference.resource_claim_name
        made_for_pod = name is None
        if name is None:
            name = _made_from_template(pod, reference)
        if name is None:
            continue
        claim = known.get((namespace, name))
        if claim is None:
            raise ClaimError(f'could not find ResourceClaim "{namespace}/{name}"')
        if claim.metadata.deletion_timestamp is not None:
            raise ClaimError(f'resourceclaim "{name}" is being deleted')
        if made_for_pod and not any(
            owner.controller and owner.uid == pod.metadata.uid
            for owner in claim.metadata.owner_references or ()
        ):
            whose = f"{namespace}/{pod.metadata.name}"
            raise ClaimError(
                f"ResourceClaim {full_name(claim)} was not created for Pod {whose} (Pod is not owner)"
            )
        yield claim


def _made_from_template(pod: Pod, reference: PodResourceClaim) -> str | None:
    """Return the name of the claim that was created from a template; None if none was needed."""
    whose = f'pod "{pod.metadata.namespace or "default"}/{pod.metadata.name}"'
    if reference.resource_claim_template_name is None:
        problem = "none of the supported fields are set"
        raise ClaimError(f'{whose}, spec.resourceClaim "{reference.name}": {problem}')
    for status in pod.status.resource_claim_statuses or ():
        if status.name == reference.name:
            return status.resource_claim_name
    raise ClaimError(f"{whose}: ResourceClaim not created yet")


def is_reserved_for(claim: ResourceClaim, pod: Pod) -> bool:
    """Return whether a claim is reserved for a pod."""
    consumers = claim.status.reserved_for or ()
    if pod.metadata.uid:
        return any(each.uid == pod.metadata.uid for each in consumers)
    return any(each.name == pod.metadata.name and not each.uid for each in consumers)


def reserved(claim: ResourceClaim, pod: Pod, allocation: AllocationResult | None) -> ResourceClaim:
    """Return a claim reserved for a pod, with a new allocation if there is one."""
    status = claim.status
    consumers = status.reserved_for or ()
    if not is_reserved_for(claim, pod):
        consumer = ClaimConsumer(resource="pods", name=pod.metadata.name, uid=pod.metadata.uid)
        consumers = (*consumers, consumer)
    status = msgspec.structs.replace(
        status, reserved_for=consumers, allocation=status.allocation if allocation is None else allocation
    )
    return msgspec.structs.replace(claim, status=status)


def deallocated(claim: ResourceClaim) -> ResourceClaim:
    """Return a claim without its allocation."""
    status = msgspec.structs.replace(claim.status, allocation=None, reserved_for=None, devices=None)
    return msgspec.structs.replace(claim, status=status)


def has_failed(claim: ResourceClaim) -> bool:
    """Return whether the first allocated device that is not ready has failed (KEP-5007)."""
    return isinstance(readiness(claim), str)


def has_binding_conditions(claim: ResourceClaim) -> bool:
    """Return whether a device of a claim has to become ready before a pod is bound (KEP-5007)."""
    allocation = claim.status.allocation
    results = (allocation.devices.results if allocation is not None else None) or ()
    return any(result.binding_conditions for result in results)


def readiness(claim: ResourceClaim) -> bool | str:
    """Return whether the devices of an allocated claim are ready, or why one has failed (``isClaimReadyForBinding``).

    ``bindingConditions`` of the allocation results have to be true in ``status.devices``, and none of the
    ``bindingFailureConditions``.
    """
    allocation = claim.status.allocation
    if allocation is None:
        return False
    for result in allocation.devices.results or ():
        if not result.binding_conditions:
            continue
        status = _status_of(claim, result)
        if status is None:
            return False
        true = {each.type: each for each in reversed(status.conditions or ()) if each.status == "True"}
        for name in result.binding_failure_conditions or ():
            if name in true:
                failed = true[name]
                why = f"reason={failed.reason or ''}, message={json.dumps(failed.message or '', ensure_ascii=False)}"
                return f"claim {claim.metadata.name} binding failed: {why}"
        if not true.keys() >= set(result.binding_conditions):
            return False
    return True


def _status_of(claim: ResourceClaim, result: DeviceAllocation) -> AllocatedDeviceStatus | None:
    """Return the driver's status of an allocated device."""
    for each in claim.status.devices or ():
        if (each.driver, each.pool, each.device) == (result.driver, result.pool, result.device):
            return each
    return None
