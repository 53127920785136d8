"""Consumable capacity (KEP-5075): the share of a device that a request consumes, and whether it is available."""

from __future__ import annotations

from collections.abc import Mapping

from kschedcore.api.objects.devices import CapacityRange, CapacityRequestPolicy, DeviceCapacity
from kschedcore.api.objects.devices import Device as DeviceSpec
from kschedcore.api.quantity import Quantity, nanos

__all__ = ["has_capacity", "shares_of"]

_WHOLE = 10**9

_NONE: Mapping[str, int] = {}


def shares_of(device: DeviceSpec, wanted: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Return what a request consumes of each of a device's capacities."""
    return {name: _share(wanted.get(name), each) for name, each in (device.capacity or {}).items()}


def has_capacity(
    device: DeviceSpec,
    wanted: Mapping[str, Quantity],
    used: Mapping[str, int] | None,
    allocating: Mapping[str, int] | None,
) -> bool:
    """Return whether a device has the capacity that a request consumes.

    Args:
        device: The device.
        wanted: Capacity -> the request's amount.
        used: Capacity -> what allocated claims consume, in billionths.
        allocating: The same for claims that are being allocated.
    """
    capacities = device.capacity or {}
    if not wanted.keys() <= capacities.keys():
        return False
    used, allocating = used or _NONE, allocating or _NONE
    for name, each in capacities.items():
        share = _share(wanted.get(name), each)
        if not _is_allowed(share, each.request_policy):
            return False
        if share.nanos + used.get(name, 0) + allocating.get(name, 0) > nanos(each.value):
            return False
    return True


def _share(wanted: Quantity | None, capacity: DeviceCapacity) -> Quantity:
    """Return what is consumed of a capacity: the request rounded up by its policy, or the default, or all."""
    policy = capacity.request_policy
    if wanted is None:
        default = policy.default if policy is not None else None
        return Quantity.parse(capacity.value if default is None else default)
    if policy is None:
        return wanted
    if policy.valid_range is not None and policy.valid_range.min is not None:
        return _round_up(wanted, policy.valid_range)
    larger = (Quantity.parse(each) for each in policy.valid_values or ())
    return next((each for each in larger if wanted <= each), wanted)


def _round_up(wanted: Quantity, valid: CapacityRange) -> Quantity:
    assert valid.min is not None
    least = Quantity.parse(valid.min)
    if wanted < least:
        return least
    if valid.step is None:
        return wanted
    step = Quantity.parse(valid.step).value()
    steps = -(-(wanted.value() - least.value()) // step)
    return Quantity((least.value() + steps * step) * _WHOLE, "BinarySI")


def _is_allowed(share: Quantity, policy: CapacityRequestPolicy | None) -> bool:
    """Return whether a policy allows an amount: its default, or one in range, on a step, or listed."""
    if policy is None or (policy.default is not None and share == Quantity.parse(policy.default)):
        return True
    valid = policy.valid_range
    if valid is None:
        return not policy.valid_values or any(share == Quantity.parse(each) for each in policy.valid_values)
    if valid.max is not None and share > Quantity.parse(valid.max):
        return False
    if valid.step is None:
        return True
    least = Quantity.parse(valid.min).value() if valid.min is not None else 0
    return (share.value() - least) % Quantity.parse(valid.step).value() == 0
