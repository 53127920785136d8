"""The search for devices: depth first, the first solution counts."""

from collections.abc import Callable, Mapping

from tests.model.devices import capacity
from tests.model.devices.claims import MOST_RESULTS
from tests.model.devices.counters import AvailableCounters, DrawnCounters
from tests.model.devices.in_use import add_amounts
from tests.model.devices.plans import ClaimPlan, Planner
from tests.model.devices.pools import Device, DeviceKey
from tests.model.devices.requests import Plan
from tests.model.devices.results import Result
from tests.model.plugins.taint_toleration import tolerates

Undo = Callable[[], None]


class TooManyDevicesError(Exception):
    """The claim would hold more devices than one may."""

    def __str__(self) -> str:
        return "allocation max size exceeded"


class Search:
    """One node's search. Requests are served in order, each device by the first candidate that works out."""

    def __init__(self, planner: Planner, plans: list[ClaimPlan], available: AvailableCounters) -> None:
        self.planner = planner
        self.features = planner.features
        self.plans = [requests for requests, _ in plans]
        self.constraints = [constraints for _, constraints in plans]
        self.candidates = [
            device
            for pool in planner.pools
            if not (pool.incomplete or pool.invalid)
            for device in pool.devices
        ]
        self.results: list[list[Result]] = [[] for _ in plans]
        self.taken: dict[DeviceKey, set[int]] = {}
        """Claims that are getting a device for themselves."""
        self.shared: dict[DeviceKey, capacity.Amounts] = {}
        self.counters = DrawnCounters(available)

    def next_request(self, claim: int, request: int) -> bool:
        """Serve this request and all that follow.

        Raises TooManyDevicesError, which an earlier alternative that takes fewer devices may avoid.
        """
        if claim == len(self.plans):
            return True
        if request == len(self.plans[claim]):
            try:
                return self.next_request(claim + 1, 0)
            except TooManyDevicesError:
                return False
        plans = self.plans[claim][request]
        if not plans[0].request.parent:
            return self._place(plans[0], request, 0, 0)
        every_one_too_many = True
        for plan in plans:
            try:
                if self._place(plan, request, 0, 0):
                    return True
            except TooManyDevicesError:
                continue
            every_one_too_many = False
        if every_one_too_many:
            raise TooManyDevicesError
        return False

    def _place(self, plan: Plan, request: int, number: int, start: int) -> bool:
        """Find the request's device of this number among the candidates from `start` on, then the rest."""
        wants_all = plan.request.mode == "All"
        if wants_all and not plan.everything:
            return False
        if number >= plan.count:
            return self.next_request(plan.claim, request + 1)
        if len(self.results[plan.claim]) + plan.count - number > MOST_RESULTS:
            raise TooManyDevicesError
        if wants_all:
            return self._try(plan, request, number, plan.everything[number], 0)
        for place in range(start, len(self.candidates)):
            device = self.candidates[place]
            if (
                self._is_free(plan, device)
                and self.planner.suits(plan, device)
                and self._has_capacity(plan, device)
                and self._try(plan, request, number, device, place + 1)
            ):
                return True
        return False

    def _try(self, plan: Plan, request: int, number: int, device: Device, next_start: int) -> bool:
        undo = self._take(plan, device)
        if undo is None:
            return False
        try:
            found = self._place(plan, request, number + 1, next_start)
        except TooManyDevicesError:
            undo()
            raise
        if not found:
            undo()
        return found

    def _is_free(self, plan: Plan, device: Device) -> bool:
        """Admin access only keeps a claim from getting a device twice."""
        takers = self.taken.get(device.key) or set()
        if plan.request.admin_access:
            return plan.claim not in takers
        return device.key not in self.planner.held.whole and not takers

    def _take(self, plan: Plan, device: Device) -> Undo | None:
        """Give the device to the claim, and how to take it back; None when that is not possible.

        What has been noted before the refusal (counters, constraints) stays noted, as it does in Kubernetes.
        """
        shared = self.features.consumable_capacity and capacity.is_shared(device.spec)
        admin = plan.request.admin_access
        if not (admin and shared) and not self._is_free(plan, device):
            return None
        if device.spec.get("consumesCounters"):
            if not self.features.partitionable:
                return None
            if not (shared and self._is_partly_used(device)) and not self.counters.draw(device):
                return None
        if self.features.taints and self._is_kept_off(plan, device):
            return None
        if not self._constrain(plan, device):
            return None
        if not shared:
            self.taken.setdefault(device.key, set()).add(plan.claim)
        if not self._has_capacity(plan, device):
            return None
        consumption = capacity.consumption(device.spec, plan.request.capacity) if shared else {}
        if shared:
            add_amounts(self.shared.setdefault(device.key, {}), consumption)
        results = self.results[plan.claim]
        results.append(Result(plan.request, device, shared, consumption))

        def undo() -> None:
            for each in self.constraints[plan.claim]:
                each.remove(*plan.request.base)
            if shared:
                self._give_back(device, consumption)
            else:
                self.taken[device.key].discard(plan.claim)
                self.counters.give_back(device)
            results.pop()

        return undo

    def _is_partly_used(self, device: Device) -> bool:
        return device.key in self.planner.held.amounts or device.key in self.shared

    def _give_back(self, device: Device, consumption: Mapping[str, str]) -> None:
        if consumption:
            amounts = self.shared[device.key]
            add_amounts(amounts, consumption, sign=-1)
            if not any(amounts.values()):
                del self.shared[device.key]

    def _is_kept_off(self, plan: Plan, device: Device) -> bool:
        taints = [t for t in device.spec.get("taints") or [] if t["effect"] in ("NoSchedule", "NoExecute")]
        return any(not any(tolerates(t, taint) for t in plan.request.tolerations) for taint in taints)

    def _constrain(self, plan: Plan, device: Device) -> bool:
        """All constraints of the claim accept the device. A claim that wants all devices must get this one."""
        constraints = self.constraints[plan.claim]
        for number, each in enumerate(constraints):
            if each.add(*plan.request.base, device):
                continue
            if plan.request.mode == "All":
                raise self.planner.error(
                    plan.claim,
                    f"request {plan.request.name}: cannot add device {device} "
                    "because a claim constraint would not be satisfied",
                )
            for earlier in constraints[:number]:
                earlier.remove(*plan.request.base)
            return False
        return True

    def _has_capacity(self, plan: Plan, device: Device) -> bool:
        return self.planner.has_capacity(plan, device, self.shared.get(device.key, {}))
