"""What allocated claims hold of the devices."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.objects.devices import DeviceAllocation
from kschedcore.api.quantity import nanos
from kschedcore.engine.devices.features import DeviceFeatures
from kschedcore.engine.devices.inventory import DeviceKey

__all__ = ["Usage", "key_of_result"]

Amounts = dict[str, int]
"""Capacity -> amount in billionths."""


def key_of_result(result: DeviceAllocation) -> DeviceKey:
    """Return the key of an allocated device."""
    return result.driver, result.pool, result.device


class Usage:
    """Allocated devices: whole ones, and shares of those that allow multiple allocations.

    A device that a request with admin access uses is not held.

    Attributes:
        whole: Device -> how many results hold all of it.
        shares: Device -> how many results hold a share of it.
        amounts: Device -> capacity -> how much of it the shares take together, where they say so.
    """

    def __init__(self) -> None:
        self.whole: dict[DeviceKey, int] = {}
        self.shares: dict[DeviceKey, int] = {}
        self.amounts: dict[DeviceKey, Amounts] = {}
        self._measured: dict[DeviceKey, int] = {}

    def holds(self, device: DeviceKey) -> bool:
        """Return whether anything of a device is held."""
        return device in self.whole or device in self.shares

    def is_taken(self, device: DeviceKey, features: DeviceFeatures) -> bool:
        """Return whether all of a device is held; without consumable capacity a share counts as all of it."""
        return device in self.whole or (not features.consumable_capacity and device in self.shares)

    def count(self, results: Iterable[DeviceAllocation], sign: int) -> set[tuple[str, str]]:
        """Add what an allocation holds (``sign`` 1) or take it away (-1); return the pools concerned."""
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
        return pools


def _count(numbers: dict[DeviceKey, int], key: DeviceKey, sign: int) -> None:
    left = numbers.get(key, 0) + sign
    if left:
        numbers[key] = left
    else:
        del numbers[key]
