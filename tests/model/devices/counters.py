"""Counters that the devices of a pool draw on (KEP-4815), so that parts of one board are not given away twice."""

from fractions import Fraction

from tests.model import quantity
from tests.model.devices.in_use import InUse
from tests.model.devices.pools import Device, Pool

Counters = dict[tuple[str, str], Fraction]
"""An amount for a counter set and a counter's name."""


def consumed_counters(device: Device) -> list[tuple[tuple[str, str], Fraction]]:
    return [
        ((consumption["counterSet"], name), quantity.parse(amount["value"]))
        for consumption in device.spec.get("consumesCounters") or []
        for name, amount in (consumption.get("counters") or {}).items()
    ]


class AvailableCounters:
    """The amounts that allocated devices leave, maybe negative. Found once for a pool's *name*, whatever its driver."""

    def __init__(self, held: InUse) -> None:
        self.held = held
        self._left: dict[str, Counters] = {}

    def of(self, pool: Pool) -> Counters:
        name = pool.key[1]
        if name not in self._left:
            self._left[name] = self._counted(pool)
        return self._left[name]

    def _counted(self, pool: Pool) -> Counters:
        left: Counters = {
            (each["name"], counter): quantity.parse(amount["value"])
            for each in pool.counter_sets.values()
            for counter, amount in (each.get("counters") or {}).items()
        }
        for device in (*pool.devices, *pool.elsewhere):
            if self.held.holds(device.key):
                for counter, amount in consumed_counters(device):
                    if counter in left:
                        left[counter] -= amount
        return left


class DrawnCounters:
    """The counters that the devices of one search consume."""

    def __init__(self, available: AvailableCounters) -> None:
        self.available = available
        self._drawn: dict[str, Counters] = {}

    def draw(self, device: Device) -> bool:
        """Draw for the device; not when any of the pool's counters would be overdrawn then."""
        drawn = self._drawn.setdefault(device.pool.key[1], {})
        for counter, amount in consumed_counters(device):
            drawn[counter] = drawn.get(counter, Fraction(0)) + amount
        if all(drawn.get(counter, 0) <= left for counter, left in self.available.of(device.pool).items()):
            return True
        self.give_back(device)
        return False

    def give_back(self, device: Device) -> None:
        drawn = self._drawn.get(device.pool.key[1], {})
        for counter, amount in consumed_counters(device):
            drawn[counter] -= amount
