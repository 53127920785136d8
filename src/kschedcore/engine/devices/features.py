"""The feature gates of dynamic resource allocation."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALLOCATION_LIMIT", "AllocationError", "DeviceFeatures"]

ALLOCATION_LIMIT = 32
"""Maximum number of devices of a claim (``AllocationResultsMaxSize``)."""


class AllocationError(Exception):
    """A claim, a class or a slice is invalid: the cycle ends with this error and kube-scheduler's message."""


@dataclass(frozen=True)
class DeviceFeatures:
    """The feature gates that are on.

    Attributes:
        binding_conditions: DRADeviceBindingConditions (KEP-5007).
        consumable_capacity: DRAConsumableCapacity (KEP-5075).
        extended_resources: DRAExtendedResource (KEP-5004).
        partitionable: DRAPartitionableDevices (KEP-4815).
        admin_access: DRAAdminAccess (KEP-5018).
        prioritized_list: DRAPrioritizedList (KEP-4816).
        taints: DRADeviceTaints (KEP-5055).
    """

    binding_conditions: bool = True
    consumable_capacity: bool = True
    extended_resources: bool = True
    partitionable: bool = True
    taints: bool = True
    admin_access: bool = True
    prioritized_list: bool = True
