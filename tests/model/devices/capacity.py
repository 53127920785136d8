"""Consumable capacity (KEP-5075): how much of a device a request takes, and whether that is left."""

from collections.abc import Mapping
from fractions import Fraction

from tests.model import quantity
from tests.model.labels import Json

Amounts = dict[str, Fraction]


class UnknownCapacityError(Exception):
    """A request names a capacity that the device does not have."""


def is_shared(device: Json) -> bool:
    """Whether several claims may use the device at once."""
    return bool(device.get("allowMultipleAllocations"))


def fits(device: Json, wanted: Mapping[str, str], in_use: Amounts, allocating: Amounts) -> bool:
    """Whether every capacity of the device is enough, for what is in use, being allocated and wanted together.

    Raises UnknownCapacityError.
    """
    capacities = device.get("capacity") or {}
    if any(name not in capacities for name in wanted):
        raise UnknownCapacityError
    for name, capacity in capacities.items():
        share = consumed(wanted.get(name), capacity)
        if _violates(share, capacity.get("requestPolicy")):
            return False
        total = quantity.parse(share) + in_use.get(name, Fraction(0)) + allocating.get(name, Fraction(0))
        if total > quantity.parse(capacity["value"]):
            return False
    return True


def consumption(device: Json, wanted: Mapping[str, str]) -> dict[str, str]:
    """The amount of each of the device's capacities that the request consumes."""
    capacities = device.get("capacity") or {}
    return {name: consumed(wanted.get(name), capacity) for name, capacity in capacities.items()}


def consumed(wanted: str | None, capacity: Json) -> str:
    """The requested amount, rounded up by the policy; without one the policy's default, or the whole capacity."""
    policy = capacity.get("requestPolicy") or {}
    if wanted is None:
        return str(policy["default"] if policy.get("default") is not None else capacity["value"])
    valid_range = policy.get("validRange") or {}
    if valid_range.get("min") is not None:
        return _rounded_up(wanted, valid_range)
    for valid in policy.get("validValues") or []:
        if quantity.parse(wanted) <= quantity.parse(valid):
            return str(valid)
    return wanted


def _rounded_up(wanted: str, valid_range: Json) -> str:
    if quantity.parse(wanted) < quantity.parse(valid_range["min"]):
        return str(valid_range["min"])
    if valid_range.get("step") is None:
        return wanted
    least = quantity.whole(quantity.parse(valid_range["min"]))
    step = quantity.whole(quantity.parse(valid_range["step"]))
    steps = -(-(quantity.whole(quantity.parse(wanted)) - least) // step)
    return quantity.written(Fraction(least + steps * step), binary=True)


def _violates(share: str, policy: Json | None) -> bool:
    """The default is always allowed; otherwise the amount has to be in range, on a step, or one of the values."""
    if policy is None:
        return False
    amount = quantity.parse(share)
    if policy.get("default") is not None and amount == quantity.parse(policy["default"]):
        return False
    if policy.get("validRange") is not None:
        return _is_out_of_range(amount, policy["validRange"])
    valid = policy.get("validValues") or []
    return bool(valid) and all(amount != quantity.parse(each) for each in valid)


def _is_out_of_range(amount: Fraction, valid_range: Json) -> bool:
    if valid_range.get("max") is not None and amount > quantity.parse(valid_range["max"]):
        return True
    if valid_range.get("step") is None:
        return False
    least = quantity.whole(quantity.parse(valid_range["min"]))
    step = quantity.whole(quantity.parse(valid_range["step"]))
    return (quantity.whole(amount) - least) % step != 0
