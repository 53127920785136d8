"""The devices that allocated claims use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tests.model import quantity
from tests.model.devices.capacity import Amounts
from tests.model.devices.claims import results_of
from tests.model.devices.pools import DeviceKey
from tests.model.labels import Json
from tests.model.versions import DeviceFeatures


@dataclass
class InUse:
    """The devices that allocated claims use: whole ones, and shared ones with the consumed capacity."""

    whole: set[DeviceKey] = field(default_factory=set)
    shared: set[DeviceKey] = field(default_factory=set)
    amounts: dict[DeviceKey, Amounts] = field(default_factory=dict)

    def holds(self, device: DeviceKey) -> bool:
        return device in self.whole or device in self.shared or device in self.amounts


def in_use(claims: Iterable[Json], features: DeviceFeatures) -> InUse:
    """Devices with admin access are not held."""
    found = InUse()
    for result in (result for claim in claims for result in results_of(claim)):
        device = (result["driver"], result["pool"], result["device"])
        if result.get("adminAccess"):
            continue
        if not (features.consumable_capacity and result.get("shareID")):
            found.whole.add(device)
            continue
        found.shared.add(device)
        if result.get("consumedCapacity") is not None:
            add_amounts(found.amounts.setdefault(device, {}), result["consumedCapacity"])
    return found


def add_amounts(into: Amounts, more: Mapping[str, str], sign: int = 1) -> None:
    for name, amount in more.items():
        into[name] = into.get(name, Fraction(0)) + sign * quantity.parse(amount)
