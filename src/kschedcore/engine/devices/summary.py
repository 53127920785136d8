"""Allocated claims in the layout of recorded scheduling steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from kschedcore.api.objects.devices import DeviceAllocation, ResourceClaim

__all__ = ["allocations"]


def allocations(claims: Iterable[ResourceClaim]) -> dict[str, Any]:
    """Return, by name, the devices, the node selector and the pods of every claim that is allocated."""
    return {
        claim.metadata.name: _allocation(claim) for claim in claims if claim.status.allocation is not None
    }


def _allocation(claim: ResourceClaim) -> dict[str, Any]:
    allocation = claim.status.allocation
    assert allocation is not None
    found: dict[str, Any] = {
        "devices": [_device(each) for each in allocation.devices.results or ()],
        "reservedFor": [each.name for each in claim.status.reserved_for or ()],
    }
    if allocation.node_selector is not None:
        found["nodeSelector"] = msgspec.json.decode(msgspec.json.encode(allocation.node_selector))
    return found


def _device(result: DeviceAllocation) -> dict[str, Any]:
    found = {
        "request": result.request,
        "driver": result.driver,
        "pool": result.pool,
        "device": result.device,
        "adminAccess": result.admin_access,
        "consumedCapacity": result.consumed_capacity,
        "shared": True if result.share_id else None,
    }
    return {key: value for key, value in found.items() if value is not None}
