"""The Kubernetes versions that the model knows, and the device features that each has on by default."""

from dataclasses import dataclass
from typing import Literal

Kubernetes = Literal["1.34", "1.36"]

LATEST: Kubernetes = "1.36"


@dataclass(frozen=True)
class DeviceFeatures:
    """Feature gates of dynamic resource allocation that change a decision, in the model's order of reading."""

    extended_resources: bool
    """DRAExtendedResource: a DeviceClass may stand behind an extended resource."""
    consumable_capacity: bool
    """DRAConsumableCapacity: several claims may share a device."""
    partitionable: bool
    """DRAPartitionableDevices: devices may draw on counters that they share, or choose nodes one by one."""
    taints: bool
    """DRADeviceTaints."""
    binding_conditions: bool
    """DRADeviceBindingConditions with DRAResourceClaimDeviceStatus."""
    scores: bool
    """DynamicResources prefers nodes that get an earlier alternative of `firstAvailable`."""


DEVICE_FEATURES: dict[Kubernetes, DeviceFeatures] = {
    "1.34": DeviceFeatures(
        extended_resources=False,
        consumable_capacity=False,
        partitionable=False,
        taints=False,
        binding_conditions=False,
        scores=False,
    ),
    "1.36": DeviceFeatures(
        extended_resources=True,
        consumable_capacity=True,
        partitionable=True,
        taints=True,
        binding_conditions=True,
        scores=True,
    ),
}
