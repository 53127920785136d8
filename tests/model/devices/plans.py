"""Preparation of the search: the requests of each claim on a node, and the devices that match each request."""

from collections.abc import Mapping

from tests.model.cel import SelectorError, device_matches
from tests.model.devices import capacity
from tests.model.devices.claims import MOST_RESULTS, constraints_of, requests_of
from tests.model.devices.constraints import Constraint, constraint
from tests.model.devices.in_use import InUse
from tests.model.devices.pools import Device, DeviceKey, Pool, node_matches
from tests.model.devices.requests import Plan, Request, alternatives
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo, full_name
from tests.model.versions import DeviceFeatures

ClaimPlan = tuple[list[list[Plan]], list[Constraint]]
"""For each request its alternatives, and the constraints of the claim."""


class AllocationError(Exception):
    """Something is wrong with a claim, a class or a slice: the whole attempt ends."""


class Planner:
    """The requests of claims on one node."""

    def __init__(
        self,
        claims: list[Json],
        classes: Mapping[str, Json],
        pools: list[Pool],
        info: NodeInfo,
        held: InUse,
        features: DeviceFeatures,
    ) -> None:
        self.claims = claims
        self.classes = classes
        self.pools = pools
        self.info = info
        self.held = held
        self.features = features
        self._selected: dict[tuple[int, str, DeviceKey], bool] = {}

    def plans(self, index: int) -> ClaimPlan:
        """The requests of the claim; they must be possible within the limit, at the least.

        Raises AllocationError.
        """
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
                problem = "empty constraint (unsupported constraint type?)"
                raise self.error(index, f"constraint #{number}: {problem}")
            found.append(made)
        return plans, found

    def _plans(self, index: int, request: Json) -> list[Plan]:
        choices = alternatives(request)
        for each in choices:
            if not self.features.consumable_capacity and each.spec.get("capacity") is not None:
                kind = "subrequest" if each.parent else "request"
                problem = "has capacity requests, but the DRAConsumableCapacity feature is disabled"
                raise self.error(index, f"{kind} {each.name}: {problem}")
        return [self._plan(index, each) for each in choices]

    def error(self, index: int, problem: str) -> AllocationError:
        return AllocationError(f"claim {full_name(self.claims[index])}, {problem}")

    def _plan(self, index: int, request: Request) -> Plan:
        for number, selector in enumerate(request.selectors):
            if selector.get("cel") is None:
                raise self.error(
                    index,
                    f"request {request.name}, selector #{number}: "
                    "CEL expression empty (unsupported selector type?)",
                )
        if not request.class_name:
            raise self.error(
                index, f"request {request.name}: missing device class name (unsupported request type?)"
            )
        found = self.classes.get(request.class_name)
        if found is None:
            name = request.class_name
            raise self.error(
                index,
                f"request {request.name}: could not retrieve device class {name}: "
                f'deviceclass.resource.k8s.io "{name}" not found',
            )
        plan = Plan(index, request, found, count=request.count)
        if request.mode == "All":
            plan.everything = self._everything(plan)
            plan.count = len(plan.everything)
        elif request.mode != "ExactCount":
            raise self.error(index, f"request {request.name}: unsupported count mode {request.mode}")
        return plan

    def _everything(self, plan: Plan) -> list[Device]:
        """All devices that suit; not known while a pool of the node is being changed."""
        found = []
        for pool in self.pools:
            if pool.incomplete or pool.invalid:
                state = "being updated" if pool.incomplete else "invalid"
                raise self.error(
                    plan.claim,
                    f"request {plan.request.name}: asks for all devices, "
                    f"but resource pool {pool} is currently {state}",
                )
            found += [d for d in pool.devices if self.suits(plan, d) and self.has_capacity(plan, d, {})]
        return found

    def suits(self, plan: Plan, device: Device) -> bool:
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

    def has_capacity(self, plan: Plan, device: Device, allocating: capacity.Amounts) -> bool:
        """Whether enough of the device is left; nothing is, of a capacity that it does not have."""
        if not self.features.consumable_capacity:
            return True
        held = self.held.amounts.get(device.key, {})
        try:
            return capacity.fits(device.spec, plan.request.capacity, held, allocating)
        except capacity.UnknownCapacityError:
            return False
