"""Which devices the unallocated claims of a pod get on a node: the first solution, depth first."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tests.model import quantity
from tests.model.cel import SelectorError, device_matches
from tests.model.devices import capacity
from tests.model.devices.claims import MOST_RESULTS, constraints_of, requests_of, results_of
from tests.model.devices.constraints import Constraint, constraint
from tests.model.devices.pools import Device, DeviceKey, Pool, node_matches, pools_for
from tests.model.devices.requests import Plan, Request, alternatives
from tests.model.devices.results import Result, allocation
from tests.model.labels import Json
from tests.model.plugins.taint_toleration import tolerates
from tests.model.snapshot import NodeInfo, full_name
from tests.model.versions import DeviceFeatures

Counters = dict[tuple[str, str], Fraction]
"""An amount for a counter set and a counter's name."""
Undo = Callable[[], None]


class AllocationError(Exception):
    """Something is wrong with a claim, a class or a slice: the whole attempt ends."""


class InvalidPools(Exception):
    """Nothing could be allocated, and some pools of the node are invalid."""


class TooManyDevices(Exception):
    """The claim would hold more devices than one may."""

    def __str__(self) -> str:
        return "allocation max size exceeded"


@dataclass
class InUse:
    """What allocated claims hold: whole devices, shared ones and how much of them."""

    whole: set[DeviceKey] = field(default_factory=set)
    shared: set[DeviceKey] = field(default_factory=set)
    amounts: dict[DeviceKey, capacity.Amounts] = field(default_factory=dict)

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
            _add(found.amounts.setdefault(device, {}), result["consumedCapacity"])
    return found


def _add(into: capacity.Amounts, more: Mapping[str, str], sign: int = 1) -> None:
    for name, amount in more.items():
        into[name] = into.get(name, Fraction(0)) + sign * quantity.parse(amount)


class Allocator:
    """The devices of a cluster at the start of a pod's cycle."""

    def __init__(
        self,
        slices: list[Json],
        classes: Mapping[str, Json],
        held: InUse,
        features: DeviceFeatures,
    ) -> None:
        self.slices = slices
        self.classes = classes
        self.held = held
        self.features = features
        self._available: dict[str, Counters] = {}

    def allocate(self, claims: list[Json], info: NodeInfo) -> list[Json] | None:
        """An allocation for each claim; None when there is no solution on the node.

        Raises AllocationError and InvalidPools.
        """
        search = Search(self, claims, info)
        try:
            solved = search.next_request(0, 0)
        except TooManyDevices as error:
            raise AllocationError(str(error)) from None
        if not solved:
            if any(pool.invalid for pool in search.pools):
                raise InvalidPools("invalid resource pools were encountered")
            return None
        return [allocation(results, info.name) for results in search.results]

    def available_counters(self, pool: Pool) -> Counters:
        """What allocated devices have left of a pool's counters, found once for a pool's *name*; may be negative."""
        name = pool.key[1]
        if name in self._available:
            return self._available[name]
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
        self._available[name] = left
        return left


def consumed_counters(device: Device) -> list[tuple[tuple[str, str], Fraction]]:
    return [
        ((consumption["counterSet"], name), quantity.parse(amount["value"]))
        for consumption in device.spec.get("consumesCounters") or []
        for name, amount in (consumption.get("counters") or {}).items()
    ]


class Search:
    """One node's search. Requests are served in order, each device by the first candidate that works out."""

    def __init__(self, allocator: Allocator, claims: list[Json], info: NodeInfo) -> None:
        self.allocator = allocator
        self.features = allocator.features
        self.claims = claims
        self.info = info
        self.pools = pools_for(allocator.slices, info, self.features)
        self.candidates = [
            device for pool in self.pools if not (pool.incomplete or pool.invalid) for device in pool.devices
        ]
        self.results: list[list[Result]] = [[] for _ in claims]
        self.taken: dict[DeviceKey, set[int]] = {}
        """Claims that are getting a device for themselves."""
        self.shared: dict[DeviceKey, capacity.Amounts] = {}
        self.counters: dict[str, Counters] = {}
        self._selected: dict[tuple[int, str, DeviceKey], bool] = {}
        self.plans: list[list[list[Plan]]] = []
        self.constraints: list[list[Constraint]] = []
        for index in range(len(claims)):
            self._prepare(index)

    # Before the search

    def _prepare(self, index: int) -> None:
        """What the claim asks for; it must be possible within the limit, at the least."""
        claim = self.claims[index]
        plans = [self._plans(index, request) for request in requests_of(claim)]
        least = sum(min(plan.count for plan in each) for each in plans)
        if least > MOST_RESULTS:
            raise AllocationError(
                f"claim {full_name(claim)}: number of requested devices {least} "
                f"exceeds the claim limit of {MOST_RESULTS}"
            )
        found = []
        for number, spec in enumerate(constraints_of(claim)):
            made = constraint(spec)
            if made is None:
                raise AllocationError(
                    f"claim {full_name(claim)}, constraint #{number}: "
                    "empty constraint (unsupported constraint type?)"
                )
            found.append(made)
        self.plans.append(plans)
        self.constraints.append(found)

    def _plans(self, index: int, request: Json) -> list[Plan]:
        choices = alternatives(request)
        for each in choices:
            if not self.features.consumable_capacity and each.spec.get("capacity") is not None:
                kind = "subrequest" if each.parent else "request"
                raise self._error(
                    index,
                    f"{kind} {each.name}: has capacity requests, "
                    "but the DRAConsumableCapacity feature is disabled",
                )
        return [self._plan(index, each) for each in choices]

    def _error(self, index: int, problem: str) -> AllocationError:
        return AllocationError(f"claim {full_name(self.claims[index])}, {problem}")

    def _plan(self, index: int, request: Request) -> Plan:
        for number, selector in enumerate(request.selectors):
            if selector.get("cel") is None:
                raise self._error(
                    index,
                    f"request {request.name}, selector #{number}: "
                    "CEL expression empty (unsupported selector type?)",
                )
        if not request.class_name:
            raise self._error(
                index, f"request {request.name}: missing device class name (unsupported request type?)"
            )
        found = self.allocator.classes.get(request.class_name)
        if found is None:
            name = request.class_name
            raise self._error(
                index,
                f"request {request.name}: could not retrieve device class {name}: "
                f'deviceclass.resource.k8s.io "{name}" not found',
            )
        plan = Plan(index, request, found, count=request.count)
        if request.mode == "All":
            plan.everything = self._everything(plan)
            plan.count = len(plan.everything)
        elif request.mode != "ExactCount":
            raise self._error(index, f"request {request.name}: unsupported count mode {request.mode}")
        return plan

    def _everything(self, plan: Plan) -> list[Device]:
        """All devices that suit, which nobody can know while a pool changes."""
        found = []
        for pool in self.pools:
            if pool.incomplete or pool.invalid:
                state = "being updated" if pool.incomplete else "invalid"
                raise self._error(
                    plan.claim,
                    f"request {plan.request.name}: asks for all devices, "
                    f"but resource pool {pool} is currently {state}",
                )
            found += [d for d in pool.devices if self._suits(plan, d) and self._has_capacity(plan, d)]
        return found

    # Does a device suit a request?

    def _suits(self, plan: Plan, device: Device) -> bool:
        if not self.features.binding_conditions and device.spec.get("bindingConditions"):
            return False
        key = (plan.claim, plan.request.full_name, device.key)
        if key not in self._selected:
            self._selected[key] = self._is_selected(plan, device)
        return self._selected[key]

    def _is_selected(self, plan: Plan, device: Device) -> bool:
        """The class decides first, then the request; then whether the node may have this very device."""
        class_selectors = (plan.device_class.get("spec") or {}).get("selectors") or []
        class_name = plan.device_class["metadata"]["name"]
        if not self._matches(f"class {class_name}", class_selectors, device):
            return False
        claim_name = full_name(self.claims[plan.claim])
        if not self._matches(f"claim {claim_name}", plan.request.selectors, device):
            return False
        per_device = device.slice["spec"].get("perDeviceNodeSelection")
        return not per_device or node_matches(device.spec, self.info)

    def _matches(self, owner: str, selectors: list[Json], device: Device) -> bool:
        for number, selector in enumerate(selectors):
            expression = selector["cel"]["expression"]
            shared = self.features.consumable_capacity
            try:
                if not device_matches(expression, device.driver, device.spec, shared_devices=shared):
                    return False
            except SelectorError as error:
                raise AllocationError(f"{owner}: selector #{number}: {error}") from None
        return True

    def _has_capacity(self, plan: Plan, device: Device) -> bool:
        if not self.features.consumable_capacity:
            return True
        held = self.allocator.held.amounts.get(device.key, {})
        try:
            return capacity.fits(
                device.spec, plan.request.capacity, held, self.shared.get(device.key, {})
            )
        except capacity.UnknownCapacity:
            return False

    # The search

    def next_request(self, claim: int, request: int) -> bool:
        """Serve this request and all that follow.

        Raises TooManyDevices, which an earlier alternative that takes fewer devices may avoid.
        """
        if claim == len(self.claims):
            return True
        if request == len(self.plans[claim]):
            try:
                return self.next_request(claim + 1, 0)
            except TooManyDevices:
                return False
        plans = self.plans[claim][request]
        if not plans[0].request.parent:
            return self._place(plans[0], request, 0, 0)
        every_one_too_many = True
        for plan in plans:
            try:
                if self._place(plan, request, 0, 0):
                    return True
            except TooManyDevices:
                continue
            every_one_too_many = False
        if every_one_too_many:
            raise TooManyDevices
        return False

    def _place(self, plan: Plan, request: int, number: int, start: int) -> bool:
        """Find the request's device of this number among the candidates from `start` on, then the rest."""
        wants_all = plan.request.mode == "All"
        if wants_all and not plan.everything:
            return False
        if number >= plan.count:
            return self.next_request(plan.claim, request + 1)
        if len(self.results[plan.claim]) + plan.count - number > MOST_RESULTS:
            raise TooManyDevices
        if wants_all:
            return self._try(plan, request, number, plan.everything[number], 0)
        for place in range(start, len(self.candidates)):
            device = self.candidates[place]
            if (
                self._is_free(plan, device)
                and self._suits(plan, device)
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
        except TooManyDevices:
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
        return device.key not in self.allocator.held.whole and not takers

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
            if not (shared and self._is_partly_used(device)) and not self._count(device):
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
            _add(self.shared.setdefault(device.key, {}), consumption)
        results = self.results[plan.claim]
        results.append(Result(plan.request, device, shared, consumption))

        def undo() -> None:
            for each in self.constraints[plan.claim]:
                each.remove(*plan.request.base)
            if shared:
                self._give_back(device, consumption)
            else:
                self.taken[device.key].discard(plan.claim)
                self._uncount(device)
            results.pop()

        return undo

    def _is_partly_used(self, device: Device) -> bool:
        return device.key in self.allocator.held.amounts or device.key in self.shared

    def _give_back(self, device: Device, consumption: Mapping[str, str]) -> None:
        if consumption:
            amounts = self.shared[device.key]
            _add(amounts, consumption, sign=-1)
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
                raise self._error(
                    plan.claim,
                    f"request {plan.request.name}: cannot add device {device} "
                    "because a claim constraint would not be satisfied",
                )
            for earlier in constraints[:number]:
                earlier.remove(*plan.request.base)
            return False
        return True

    # Counters

    def _count(self, device: Device) -> bool:
        """Draw on the pool's counters; not when any of the pool's counters would be overdrawn then."""
        available = self.allocator.available_counters(device.pool)
        drawn = self.counters.setdefault(device.pool.key[1], {})
        for counter, amount in consumed_counters(device):
            drawn[counter] = drawn.get(counter, Fraction(0)) + amount
        if all(drawn.get(counter, 0) <= left for counter, left in available.items()):
            return True
        self._uncount(device)
        return False

    def _uncount(self, device: Device) -> None:
        drawn = self.counters.get(device.pool.key[1], {})
        for counter, amount in consumed_counters(device):
            drawn[counter] -= amount
