"""The allocator: chooses devices of a node for the claims of a pod (structured allocation, depth first).

The order in which kube-scheduler tries devices is part of its result, as are its defects: a check that refuses a
device does not always undo what the checks before it have recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kschedcore.api.quantity import Quantity
from kschedcore.api.taints import find_untolerated
from kschedcore.engine.devices.capacity import has_capacity, shares_of
from kschedcore.engine.devices.constraints import Constraint, constraint_of
from kschedcore.engine.devices.features import ALLOCATION_LIMIT, AllocationError, DeviceFeatures
from kschedcore.engine.devices.inventory import CounterKey, Device, DeviceKey, NodeView, PoolView
from kschedcore.engine.devices.requests import Alternative, ClaimPlan
from kschedcore.engine.devices.usage import Usage

__all__ = ["CANNOT_ALLOCATE", "Chosen", "allocate"]

_INVALID_POOLS = "invalid resource pools were encountered"
CANNOT_ALLOCATE = "cannot allocate all claims"


class Chosen(NamedTuple):
    """A device chosen for a request.

    Attributes:
        alternative: The request or subrequest.
        device: The device.
        shares: The capacity consumed of a shared device; None for a whole device.
    """

    alternative: Alternative
    device: Device
    shares: dict[str, Quantity] | None


class _LimitError(Exception):
    """A claim would have more devices than allowed."""


def allocate(
    view: NodeView, claims: Sequence[tuple[str, ClaimPlan]], usage: Usage, features: DeviceFeatures
) -> list[list[Chosen]] | str:
    """Choose devices for all claims of a pod on one node.

    Args:
        view: The pools available to the node.
        claims: Each claim as ``namespace/name``, and its plan.
        usage: The allocated devices.
        features: The features that are on.

    Returns:
        For each claim its devices in order; or a message why there are none.

    Raises:
        AllocationError: A claim, a class or a slice is invalid.
    """
    search = _Search(view, claims, usage, features)
    search.prepare()
    try:
        found = search.serve(0, 0)
    except _LimitError:
        raise AllocationError("allocation max size exceeded") from None
    if found:
        return search.chosen
    return _INVALID_POOLS if view.invalid else CANNOT_ALLOCATE


class _Search:
    """One search on one node."""

    def __init__(
        self,
        view: NodeView,
        claims: Sequence[tuple[str, ClaimPlan]],
        usage: Usage,
        features: DeviceFeatures,
    ) -> None:
        self._view = view
        self._claims = claims
        self._usage = usage
        self._features = features
        self._all_devices: dict[tuple[int, Alternative], list[Device]] = {}
        self._constraints: list[list[Constraint]] = []
        self._takers: dict[DeviceKey, set[int]] = {}
        self._shared: dict[DeviceKey, dict[str, int]] = {}
        self._drawn: dict[str, dict[CounterKey, int]] = {}
        self._left: dict[str, dict[CounterKey, int]] = {}
        self.chosen: list[list[Chosen]] = [[] for _ in claims]

    # -- before the search ------------------------------------------------------------------------

    def prepare(self) -> None:
        """Validate and count all requests before any device is chosen.

        Raises:
            AllocationError: A request is invalid or requests too many devices.
        """
        for number, (claim, plan) in enumerate(self._claims):
            least = 0
            for request in plan.requests:
                least += min([self._wanted(number, alternative) for alternative in request])
            if least > ALLOCATION_LIMIT:
                problem = f"number of requested devices {least} exceeds the claim limit of {ALLOCATION_LIMIT}"
                raise AllocationError(f"claim {claim}: {problem}")
            constraints = []
            for place, spec in enumerate(plan.constraints):
                made = constraint_of(spec)
                if made is None:
                    problem = f"constraint #{place}: empty constraint (unsupported constraint type?)"
                    raise AllocationError(f"claim {claim}, {problem}")
                constraints.append(made)
            self._constraints.append(constraints)

    def _wanted(self, claim: int, alternative: Alternative) -> int:
        """Return the number of devices of a subrequest; list the devices for mode All."""
        if alternative.problem:
            raise AllocationError(f"claim {self._claims[claim][0]}, {alternative.problem}")
        if not alternative.everything:
            return alternative.count
        found: list[Device] = []
        for pool in self._view.pools:
            if pool.state:
                problem = f"asks for all devices, but resource pool {pool} is currently {pool.state}"
                raise AllocationError(
                    f"claim {self._claims[claim][0]}, request {alternative.name}: {problem}"
                )
            found += [
                device
                for device in pool.devices
                if self._suits(claim, alternative, device) and self._is_big_enough(alternative, device)
            ]
        self._all_devices[claim, alternative] = found
        return len(found)

    # -- the search -------------------------------------------------------------------------------

    def serve(self, claim: int, request: int) -> bool:
        """Allocate a request of a claim and all requests after it.

        Raises:
            _LimitError: The claim would have too many devices; another subrequest before may need fewer.
        """
        if claim == len(self._claims):
            return True
        requests = self._claims[claim][1].requests
        if request == len(requests):
            try:
                return self.serve(claim + 1, 0)
            except _LimitError:
                return False
        alternatives = requests[request]
        if not alternatives[0].is_one_of_several:
            return self._fill(claim, request, alternatives[0], 0, 0)
        exceeded = 0
        for alternative in alternatives:
            try:
                if self._fill(claim, request, alternative, 0, 0):
                    return True
            except _LimitError:
                exceeded += 1
        if exceeded == len(alternatives):
            raise _LimitError
        return False

    def _fill(self, claim: int, request: int, alternative: Alternative, filled: int, start: int) -> bool:
        """Choose the remaining devices of a subrequest from ``start`` in the candidates, then the next request."""
        everything = self._all_devices.get((claim, alternative)) if alternative.everything else None
        wanted = alternative.count if everything is None else len(everything)
        if everything is not None and not wanted:
            return False
        if filled >= wanted:
            return self.serve(claim, request + 1)
        if len(self.chosen[claim]) + wanted - filled > ALLOCATION_LIMIT:
            raise _LimitError
        if everything is not None:
            return self._try(claim, request, alternative, filled, everything[filled], 0)
        devices = self._view.devices
        for place in range(start, len(devices)):
            device = devices[place]
            if (
                self._is_free(claim, alternative, device)
                and self._suits(claim, alternative, device)
                and self._is_big_enough(alternative, device)
                and self._try(claim, request, alternative, filled, device, place + 1)
            ):
                return True
        return False

    def _try(
        self, claim: int, request: int, alternative: Alternative, filled: int, device: Device, start: int
    ) -> bool:
        """Choose a device and continue; undo the choice if that fails."""
        if not self._take(claim, alternative, device):
            return False
        found = False
        try:
            found = self._fill(claim, request, alternative, filled + 1, start)
        finally:
            if not found:
                self._put_back(claim, alternative, device)
        return found

    def _take(self, claim: int, alternative: Alternative, device: Device) -> bool:
        """Choose a device for a claim if it passes all checks, in kube-scheduler's order."""
        shared = device.shared and self._features.consumable_capacity
        if not (shared and alternative.admin) and not self._is_free(claim, alternative, device):
            return False
        if device.draws or device.spec.consumes_counters:
            if not self._features.partitionable:
                return False
            if not (shared and self._is_in_use(device)) and not self._draw(device):
                return False
        if (
            device.taints
            and self._features.taints
            and find_untolerated(device.taints, alternative.tolerations)
        ):
            return False
        if not self._satisfies_constraints(claim, alternative, device):
            return False
        if not shared:
            self._takers.setdefault(device.key, set()).add(claim)
        if not self._is_big_enough(alternative, device):
            return False
        shares = None
        if shared:
            shares = shares_of(device.spec, alternative.capacity)
            amounts = self._shared.setdefault(device.key, {})
            for name, share in shares.items():
                amounts[name] = amounts.get(name, 0) + share.nanos
        self.chosen[claim].append(Chosen(alternative, device, shares))
        return True

    def _put_back(self, claim: int, alternative: Alternative, device: Device) -> None:
        """Undo the last choice. The counters that a shared device consumed are not restored."""
        taken = self.chosen[claim].pop()
        for constraint in self._constraints[claim]:
            constraint.remove(alternative.request, alternative.full_name)
        if taken.shares is None:
            self._takers[device.key].discard(claim)
            self._undraw(device)
            return
        amounts = self._shared[device.key]
        for name, share in taken.shares.items():
            amounts[name] -= share.nanos
        if taken.shares and not any(amounts.values()):
            del self._shared[device.key]

    # -- checks -----------------------------------------------------------------------------------

    def _suits(self, claim: int, alternative: Alternative, device: Device) -> bool:
        if device.spec.binding_conditions and not self._features.binding_conditions:
            return False
        if not alternative.selects(device, self._claims[claim][0]):
            return False
        return device not in self._view.out_of_reach

    def _is_free(self, claim: int, alternative: Alternative, device: Device) -> bool:
        """Return whether a device is not in use; with admin access it only must not be in the claim already."""
        takers = self._takers.get(device.key)
        if alternative.admin:
            return not takers or claim not in takers
        return not takers and not self._usage.is_taken(device.key, self._features)

    def _is_big_enough(self, alternative: Alternative, device: Device) -> bool:
        if not self._features.consumable_capacity:
            return True
        if not alternative.capacity and not device.has_policy and not device.shared:
            return True
        return has_capacity(
            device.spec,
            alternative.capacity,
            self._usage.amounts.get(device.key),
            self._shared.get(device.key),
        )

    def _is_in_use(self, device: Device) -> bool:
        """Return whether a share of a device is allocated, or being allocated."""
        return device.key in self._usage.amounts or device.key in self._shared

    def _satisfies_constraints(self, claim: int, alternative: Alternative, device: Device) -> bool:
        constraints = self._constraints[claim]
        for number, constraint in enumerate(constraints):
            if constraint.add(alternative.request, alternative.full_name, device):
                continue
            if alternative.everything:
                problem = f"cannot add device {device} because a claim constraint would not be satisfied"
                raise AllocationError(
                    f"claim {self._claims[claim][0]}, request {alternative.name}: {problem}"
                )
            for earlier in constraints[:number]:
                earlier.remove(alternative.request, alternative.full_name)
            return False
        return True

    # -- counters (KEP-4815) ----------------------------------------------------------------------

    def _draw(self, device: Device) -> bool:
        """Consume a device's counters, unless a counter of its pool would become negative.

        Counters are kept by the pool's name alone, without its driver, as kube-scheduler does.
        """
        drawn = self._drawn.setdefault(device.key[1], {})
        for counter, amount in device.draws:
            drawn[counter] = drawn.get(counter, 0) + amount
        left = self._left.get(device.key[1])
        if left is None:
            left = self._left[device.key[1]] = self._left_in(self._view.pool_of(device))
        if all(drawn.get(counter, 0) <= amount for counter, amount in left.items()):
            return True
        self._undraw(device)
        return False

    def _undraw(self, device: Device) -> None:
        if device.draws:
            drawn = self._drawn[device.key[1]]
            for counter, amount in device.draws:
                drawn[counter] -= amount

    def _left_in(self, pool: PoolView) -> dict[CounterKey, int]:
        """Return the values of a pool's counters minus those of allocated devices."""
        left = dict(pool.counters)
        for device in pool.drawing:
            if self._usage.holds(device.key):
                for counter, amount in device.draws:
                    if counter in left:
                        left[counter] -= amount
        return left
