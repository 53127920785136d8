"""DynamicResources: a pod goes where its claims are available, or can be allocated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.model import resources
from tests.model.devices import extended
from tests.model.devices.allocator import Allocator, InvalidPoolsError
from tests.model.devices.claims import (
    ClaimError,
    allocation_of,
    claims_of,
    is_reserved_for,
    requests_of,
    reservations,
    reserved,
    results_of,
    uid_of,
)
from tests.model.devices.in_use import in_use
from tests.model.devices.plans import AllocationError
from tests.model.framework import SKIP, Plugin, Prepared, Scores, Status, default_normalize
from tests.model.labels import Json, node_selector_matches
from tests.model.snapshot import NodeInfo, Objects, Snapshot, full_name, namespace_of
from tests.model.versions import DEVICE_FEATURES, LATEST, Kubernetes

DELETION = "deletion of ResourceClaim completed"
MOST_ALTERNATIVES = 8
"""FirstAvailableDeviceRequestMaxSize."""
BINDING_TIMEOUT = 600
"""Seconds that a device may take to become ready, unless the plugin's arguments say otherwise."""


@dataclass
class OnNode:
    """The allocation on a node."""

    allocations: list[Json]
    extended: Json | None


@dataclass
class PodClaims:
    """The pod's claims, that for extended resources last, and what the nodes looked at would give."""

    claims: list[Json]
    extended: Json | None
    wanted: resources.Counted
    classes: Mapping[str, Json]
    allocator: Allocator | None
    now: datetime | None
    unavailable: set[int] = field(default_factory=set)
    on_nodes: dict[str, OnNode] = field(default_factory=dict)

    @property
    def has_users_claims(self) -> bool:
        return any(claim is not self.extended for claim in self.claims)

    @property
    def to_allocate(self) -> list[Json]:
        return [claim for claim in self.claims if allocation_of(claim) is None]


class DynamicResources(Plugin):
    name = "DynamicResources"
    extension_points = frozenset({"preEnqueue", "preFilter", "filter", "postFilter", "score", "reserve"})

    def __init__(self, args: Json, kubernetes: Kubernetes = LATEST) -> None:
        self.features = DEVICE_FEATURES[kubernetes]
        if not self.features.scores:
            self.extension_points = self.extension_points - {"score"}
        timeout = args.get("bindingTimeout")
        self.binding_timeout = timedelta(seconds=_seconds(timeout) if timeout else BINDING_TIMEOUT)

    def pre_enqueue(self, pod: Json) -> Status | None:
        """Called when all claims exist: see `missing_claims`."""
        return None

    def missing_claims(self, pod: Json, objects: Objects) -> Status | None:
        """A pod stays out of the queue until all of its claims are there."""
        try:
            claims_of(pod, objects)
        except ClaimError as problem:
            return self.unresolvable(str(problem))
        return None

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        objects = snapshot.objects
        try:
            claims = claims_of(pod, objects)
        except ClaimError as problem:
            return Prepared(rejected=self.unresolvable(str(problem)))
        wanted = extended.wanted(pod, objects.device_classes) if self.features.extended_resources else {}
        special: Json | None = None
        if wanted:
            known = extended.existing_claim(pod, objects.resource_claims.values())
            special = known or extended.unwritten_claim(pod, namespace_of(pod))
            claims = [*claims, special]
        if not claims:
            return SKIP
        for claim in claims:
            if claim is not special and allocation_of(claim) is None:
                rejection = self._unusable(claim, objects)
                if rejection:
                    return Prepared(rejected=rejection)
        allocator = None
        if any(allocation_of(claim) is None for claim in claims):
            held = in_use(objects.resource_claims.values(), self.features)
            slices = list(objects.resource_slices.values())
            allocator = Allocator(slices, objects.device_classes, held, self.features)
        return Prepared(PodClaims(claims, special, wanted, objects.device_classes, allocator, snapshot.now))

    def _unusable(self, claim: Json, objects: Objects) -> Status | None:
        """A request that names no class, or one that does not exist."""
        for request in requests_of(claim):
            if request.get("exactly") is not None:
                classes = {request["name"]: request["exactly"].get("deviceClassName")}
            elif request.get("firstAvailable"):
                classes = {
                    f"{request['name']}/{each['name']}": each.get("deviceClassName")
                    for each in request["firstAvailable"]
                }
            else:
                return self.unresolvable(
                    f"resource claim {full_name(claim)}, request {request['name']}: unknown request type"
                )
            for name, device_class in classes.items():
                if device_class not in objects.device_classes:
                    return self.unresolvable(f"request {name}: device class {device_class} does not exist")
        return None

    def filter(self, state: PodClaims, pod: Json, info: NodeInfo) -> Status | None:
        special: Json | None = None
        if state.extended is not None:
            if requests_of(state.extended):
                return self.unresolvable("cannot schedule extended resource claim")
            allocatable = info.allocatable()
            for name in state.wanted:
                if name not in allocatable and extended.class_behind(name, state.classes) is None:
                    return self.unresolvable("cannot fit resource")
            special = self._special_claim(state, pod, allocatable)
            if special is None and not state.has_users_claims:
                return None
        unavailable = {
            i for i, claim in enumerate(state.claims) if not self._is_available(state, claim, info)
        }
        if state.allocator is not None:
            rejection = self._allocate(state, state.allocator, special, info, keep=not unavailable)
            if rejection:
                return rejection
        state.unavailable |= unavailable
        return self.unresolvable("resourceclaim not available on the node") if unavailable else None

    @staticmethod
    def _special_claim(state: PodClaims, pod: Json, allocatable: resources.Counted) -> Json | None:
        """The claim for what the node gives as devices; None when it has all of the resources itself."""
        names = [n for n in state.wanted if extended.served_by_devices(n, state.classes, allocatable)]
        if not names and not state.has_users_claims:
            return None
        requests = extended.requests_for(pod, names, state.classes)
        assert state.extended is not None
        return {**state.extended, "spec": {"devices": {"requests": requests}}}

    def _allocate(
        self, state: PodClaims, allocator: Allocator, special: Json | None, info: NodeInfo, *, keep: bool
    ) -> Status | None:
        claims = [
            special if claim is state.extended and special is not None else claim
            for claim in state.to_allocate
        ]
        try:
            allocations = allocator.allocate(claims, info)
        except InvalidPoolsError as problem:
            return self.unresolvable(str(problem))
        except AllocationError as error:
            return self.error(str(error))
        if allocations is None:
            return self.unresolvable("cannot allocate all claims")
        if keep:
            state.on_nodes[info.name] = OnNode(allocations, special)
        return None

    def _is_available(self, state: PodClaims, claim: Json, info: NodeInfo) -> bool:
        """An allocated claim can be reached from the node, and its devices can still become ready."""
        allocation = allocation_of(claim)
        if allocation is None:
            return True
        selector = allocation.get("nodeSelector")
        if selector is not None and not node_selector_matches(selector, info.labels, info.name):
            return False
        if not self.features.binding_conditions:
            return True
        return not binding_failed(claim) and (
            binding_ready(claim) or not self._has_timed_out(claim, state.now)
        )

    def _has_timed_out(self, claim: Json, now: datetime | None) -> bool:
        since = (allocation_of(claim) or {}).get("allocationTimestamp")
        if now is None or since is None:
            return False
        waits = any(result.get("bindingConditions") is not None for result in results_of(claim))
        return waits and datetime.fromisoformat(since) + self.binding_timeout < now

    def post_filter(self, state: PodClaims | None, pod: Json) -> str:
        """A claim that was in the way and that no other pod has reserved is given up."""
        if state is None:
            return "no new claims to deallocate"
        if self.deallocated(state, pod) is not None:
            return "deallocation of ResourceClaim completed"
        return "still not schedulable" if self.deleted(state, pod) is None else DELETION

    @staticmethod
    def deallocated(state: PodClaims, pod: Json) -> Json | None:
        """The claim that PostFilter gives up. Kubernetes draws one; here it is the first."""
        for index in sorted(state.unavailable):
            claim = state.claims[index]
            users = {reservation.get("uid") or "" for reservation in reservations(claim)}
            if claim is not state.extended and users <= {uid_of(pod)}:
                return claim
        return None

    def deleted(self, state: PodClaims, pod: Json) -> Json | None:
        """The claim for extended resources of an earlier attempt, unless PostFilter gives up another."""
        old = state.extended is not None and state.extended["metadata"]["name"] != extended.IN_MEMORY
        return state.extended if old and self.deallocated(state, pod) is None else None

    def score(self, state: PodClaims | None, pod: Json, info: NodeInfo) -> int:
        """The earlier an alternative of `firstAvailable`, the better."""
        given = state.on_nodes.get(info.name) if state is not None else None
        if state is None or given is None:
            return 0
        new = iter(given.allocations)
        score = 0
        for claim in state.claims:
            allocation: Json = allocation_of(claim) or next(new)
            results = (allocation.get("devices") or {}).get("results") or []
            served = {result["request"] for result in results}
            for request in requests_of(claim):
                for place, each in enumerate(request.get("firstAvailable") or []):
                    if f"{request['name']}/{each['name']}" in served:
                        score += MOST_ALTERNATIVES - place
        return score

    def normalize(self, state: Any, scores: Scores) -> Scores:
        return default_normalize(scores)

    def reserve(self, state: PodClaims, pod: Json, node_name: str) -> list[Json]:
        """The pod's claims once it has them on the node: allocated, and reserved for the pod."""
        given = state.on_nodes.get(node_name)
        new = iter(given.allocations if given else [])
        changed = []
        for claim in state.claims:
            allocation = None if allocation_of(claim) is not None else next(new, None)
            current = claim
            if claim is state.extended:
                if allocation is None:
                    continue
                assert given is not None
                assert given.extended is not None
                current = given.extended
            if not is_reserved_for(current, pod):
                changed.append(reserved(current, pod, allocation))
        return changed


def _status_of(claim: Json, result: Json) -> Json | None:
    """The driver's status of an allocated device."""
    key = ("driver", "pool", "device")
    devices = (claim.get("status") or {}).get("devices") or []
    return next((d for d in devices if all(d.get(k) == result.get(k) for k in key)), None)


def _holds(status: Json, condition: str) -> bool:
    conditions = status.get("conditions") or []
    return any(c["type"] == condition and c.get("status") == "True" for c in conditions)


def binding_failed(claim: Json) -> bool:
    """Whether the first device that is not ready has failed: later ones are not checked."""
    for result in results_of(claim):
        if result.get("bindingConditions"):
            status = _status_of(claim, result)
            if status is None:
                return False
            if any(_holds(status, each) for each in result.get("bindingFailureConditions") or []):
                return True
            if not all(_holds(status, each) for each in result["bindingConditions"]):
                return False
    return False


def binding_ready(claim: Json) -> bool:
    """Whether every device with binding conditions has met them."""
    for result in results_of(claim):
        conditions = result.get("bindingConditions") or []
        status = _status_of(claim, result)
        if conditions and (status is None or not all(_holds(status, each) for each in conditions)):
            return False
    return True


def _seconds(duration: str) -> float:
    """A `metav1.Duration`, as `10m0s`."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    total, number = 0.0, ""
    for character in duration:
        if character in units:
            total += float(number) * units[character]
            number = ""
        else:
            number += character
    return total
