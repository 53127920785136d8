"""The parts of dynamic resource allocation that have feature gates of their own."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALLOCATION_LIMIT", "AllocationError", "DeviceFeatures"]

ALLOCATION_LIMIT = 32
"""Most devices that one claim can hold (``AllocationResultsMaxSize``)."""


class AllocationError(Exception):
    """A claim, a class or a slice is faulty: the scheduling cycle ends with this error, in kube-scheduler's words."""


@dataclass(frozen=True)
class DeviceFeatures:
    """Which optional parts are on.

    Attributes:
        binding_conditions: DRADeviceBindingConditions (KEP-5007).
        consumable_capacity: DRAConsumableCapacity (KEP-5075).
        extended_resources: DRAExtendedResource (KEP-5004).
        partitionable: DRAPartitionableDevices (KEP-4815).
        taints: DRADeviceTaints (KEP-5055).
    """

    binding_conditions: bool = True
    consumable_capacity: bool = True
    extended_resources: bool = True
    partitionable: bool = True
    taints: bool = True
