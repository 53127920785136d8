"""The devices, and shares of devices, of allocated claims."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.objects.devices import DeviceAllocation
from kschedcore.api.quantity import nanos
from kschedcore.engine.devices.features import DeviceFeatures
from kschedcore.engine.devices.inventory import DeviceKey, PoolKey

__all__ = ["Usage", "key_of_result"]

Amounts = dict[str, int]
"""Capacity -> amount in billionths."""


def key_of_result(result: DeviceAllocation) -> DeviceKey:
    """Return the key of an allocated device."""
    return result.driver, result.pool, result.device


class Usage:
    """Allocated devices, and shares of devices that allow multiple allocations.

    Devices used with admin access do not count.

    Attributes:
        whole: Device -> number of allocations of the whole device.
        shares: Device -> number of allocations of a share.
        amounts: Device -> capacity -> the sum consumed by its shares.
        versions: Pool -> number of changes of the above for its devices.
    """

    def __init__(self) -> None:
        self.whole: dict[DeviceKey, int] = {}
        self.shares: dict[DeviceKey, int] = {}
        self.amounts: dict[DeviceKey, Amounts] = {}
        self.versions: dict[PoolKey, int] = {}
        self._measured: dict[DeviceKey, int] = {}

    def holds(self, device: DeviceKey) -> bool:
        """Return whether a device or a share of it is allocated."""
        return device in self.whole or device in self.shares

    def is_taken(self, device: DeviceKey, features: DeviceFeatures) -> bool:
        """Return whether a device is fully allocated; without consumable capacity a share counts as all of it."""
        return device in self.whole or (not features.consumable_capacity and device in self.shares)

    def count(self, results: Iterable[DeviceAllocation], sign: int) -> set[tuple[str, str]]:
        """Add an allocation (``sign`` 1) or remove it (-1); return the pools concerned."""
        pools = set()
        for result in results:
            if result.admin_access:
                continue
            key = key_of_result(result)
            pools.add(key[:2])
            if not result.share_id:
                _count(self.whole, key, sign)
                continue
            _count(self.shares, key, sign)
            if result.consumed_capacity is not None:
                _count(self._measured, key, sign)
                amounts = self.amounts.setdefault(key, {})
                for name, amount in result.consumed_capacity.items():
                    amounts[name] = amounts.get(name, 0) + sign * nanos(amount)
                if key not in self._measured:
                    del self.amounts[key]
        for pool in pools:
            self.versions[pool] = self.versions.get(pool, 0) + 1
        return pools


def _count(numbers: dict[DeviceKey, int], key: DeviceKey, sign: int) -> None:
    left = numbers.get(key, 0) + sign
    if left:
        numbers[key] = left
    else:
        del numbers[key]
