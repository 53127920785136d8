"""The claims of a class of pods, and the allocator's results for each node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kschedcore._native.selectors import NodeSelector as CompiledSelector
from kschedcore.api.objects.devices import AllocationResult, ResourceClaim, ResourceClaimSpec
from kschedcore.engine.columns.selectors import node_terms
from kschedcore.engine.devices.claims import full_name, has_failed
from kschedcore.engine.devices.extended import requests_for
from kschedcore.engine.devices.features import AllocationError, DeviceFeatures
from kschedcore.engine.devices.requests import MAX_ALTERNATIVES, ClaimPlan, missing_class
from kschedcore.engine.devices.results import allocation_of
from kschedcore.engine.devices.search import CANNOT_ALLOCATE, Chosen, allocate
from kschedcore.engine.devices.shortfall import holders_of, shortfalls

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore.api.objects import Pod
    from kschedcore.engine.devices.inventory import NodeView
    from kschedcore.engine.devices.state import Devices

__all__ = ["CANNOT_ALLOCATE", "EXTENDED", "NotPlaceable", "PodDevices", "Reserved"]

EXTENDED = "<extended-resources>"
"""kube-scheduler's name of a claim for extended resources before it is created."""

NOT_AVAILABLE = "resourceclaim not available on the node"
_HAS_REQUESTS = "cannot schedule extended resource claim"
_CANNOT_FIT = "cannot fit resource"


class NotPlaceable(NamedTuple):
    """The reason why a pod's claims cannot be allocated on a node.

    Attributes:
        reason: kube-scheduler's message.
        code: ``UnschedulableAndUnresolvable`` or ``Error``.
    """

    reason: str
    code: str = "UnschedulableAndUnresolvable"


@dataclass(frozen=True)
class Reserved:
    """A claim to be reserved for a pod on a node.

    Attributes:
        claim: The claim; None for a new one for extended resources.
        spec: The claim's spec.
        allocation: Its new allocation; None for a claim that is allocated already.
    """

    claim: ResourceClaim | None
    spec: ResourceClaimSpec
    allocation: AllocationResult | None


class _Allocated(NamedTuple):
    """A claim that is allocated already.

    Attributes:
        place: Its index among the pod's claims.
        selector: The nodes from which its devices can be used; None: all.
        failed: Whether a device of it failed to become ready, or took too long.
    """

    place: int
    selector: CompiledSelector | None
    failed: bool


class _Found(NamedTuple):
    """The devices that the allocator chose on a node.

    Attributes:
        view: The pools available to the node.
        versions: The versions of the usage of these pools.
        chosen: The devices for each claim.
    """

    view: NodeView
    versions: tuple[int, ...]
    chosen: list[list[Chosen]]


class PodDevices:
    """The claims of pods that share a class.

    Args:
        devices: The devices of the cluster.
        core: The native state.
        pod: A pod of the class.
        claims: Its claims, without the one for extended resources.
        resources: The extended resources that it requests, if devices back any.
        features: The features that are on.
        plugin: The plugin's name.

    Attributes:
        claims: The claims; that for extended resources, if an earlier attempt has created it, is last.
        extended: The claim for extended resources that an earlier attempt has created.
        resources: As given.
        has_scores: Whether a request has ``firstAvailable``, so that nodes are scored by the subrequests chosen.
        has_errors: Whether the allocator failed on a node, now or earlier.
    """

    def __init__(
        self,
        devices: Devices,
        core: Core,
        pod: Pod,
        claims: Sequence[ResourceClaim],
        resources: tuple[str, ...],
        features: DeviceFeatures,
        plugin: str,
    ) -> None:
        self._devices = devices
        self._core = core
        self._pod = pod
        self._features = features
        self._plugin = plugin
        self.has_errors = False
        self._rows: dict[NotPlaceable, int] = {}
        self._scores: dict[int, int] = {}
        self._found: dict[int, _Found] = {}
        self._served: dict[tuple[str, ...], tuple[ResourceClaimSpec, ClaimPlan]] = {}
        self.resources = resources
        self.extended = devices.extended_claim_of(pod) if resources else None
        self.claims = (*claims, self.extended) if self.extended is not None else (*claims,)
        self._allocated = [
            self._compiled(place, claim)
            for place, claim in enumerate(self.claims)
            if claim.status.allocation is not None
        ]
        waiting = [claim for claim in claims if claim.status.allocation is None]
        self._plans = [(full_name(claim), devices.plan(claim, features)) for claim in waiting]
        self._allocates_extended = bool(resources) and (
            self.extended is None or self.extended.status.allocation is None
        )
        self.has_scores = any(
            request.first_available for claim in claims for request in claim.spec.devices.requests or ()
        )

    def _compiled(self, place: int, claim: ResourceClaim) -> _Allocated:
        allocation = claim.status.allocation
        selector = allocation.node_selector if allocation is not None else None
        compiled = None
        if selector is not None:
            compiled = CompiledSelector(self._core.nodes, node_terms(selector))
        failed = has_failed(claim) or self._devices.is_late(claim)
        return _Allocated(place, compiled, self._features.binding_conditions and failed)

    @property
    def missing_class(self) -> str:
        """The message with which PreFilter ends the cycle if a device class does not exist; else empty."""
        for claim in self.claims:
            if claim is not self.extended and claim.status.allocation is None:
                problem = missing_class(full_name(claim), claim.spec, self._devices.classes, self._features)
                if problem:
                    return problem
        return ""

    # -- nodes ------------------------------------------------------------------------------------

    def verdict(self, slot: int) -> int:
        """Return the verdict of a node, 0 when the pod's claims can be allocated there."""
        found = self._examine(slot)
        if not isinstance(found, NotPlaceable):
            if self.has_scores:
                self._scores[slot] = self._score(found)
            return 0
        row = self._rows.get(found)
        if row is None:
            row = self._core.reasons.words(self._plugin, found.code, found.reason)
            self._rows[found] = row
        return row

    def score(self, slot: int) -> int:
        """Return the raw score of a node that passed."""
        return self._scores.get(slot, 0)

    def reserve(self, slot: int, pod: Pod) -> list[Reserved] | NotPlaceable:
        """Return the claims to reserve for a pod of the class on a node; no state changes."""
        own = self._devices.claims_of(pod)
        found = self._examine(slot, own)
        if isinstance(found, NotPlaceable):
            return found
        node = self._core.nodes.name_of(slot)
        given: list[Reserved] = []
        chosen = iter(found)
        for claim in own:
            allocation = None
            if claim.status.allocation is None:
                allocation = allocation_of(next(chosen), node, f"{claim.metadata.uid}/{full_name(claim)}")
            given.append(Reserved(claim, claim.spec, allocation))
        rest = next(chosen, None)
        if rest:
            spec, _ = self._for_extended(self._served_on(slot))
            name = f"{pod.metadata.uid}/{EXTENDED}"
            given.append(Reserved(None, spec, allocation_of(rest, node, name)))
        return given

    def unavailable(self, slot: int) -> list[int]:
        """Return the indices of the allocated claims that cannot be used on a node."""
        return [
            each.place
            for each in self._allocated
            if each.failed or (each.selector is not None and not each.selector.match(slot))
        ]

    def shortfalls(self, slot: int) -> list[str]:
        """Return the requests that a node's devices cannot satisfy, and why; see :func:`shortfalls`."""
        plans = [*self._plans]
        if self._allocates_extended and (served := self._served_on(slot)):
            plans.append((self._extended_name, self._for_extended(served)[1]))
        view = self._devices.inventory.of_node(slot, self._features)
        holders = holders_of(list(self._devices.claims.values()))
        return shortfalls(view, plans, self._devices.usage, self._features, holders)

    def _examine(
        self, slot: int, claims: Sequence[ResourceClaim] | None = None
    ) -> list[list[Chosen]] | NotPlaceable:
        """Run the plugin's Filter on a node (``DynamicResources.Filter``)."""
        plans = self._plans
        if claims is not None:
            names = [full_name(claim) for claim in claims if claim.status.allocation is None]
            plans = [(name, plan) for name, (_, plan) in zip(names, plans, strict=True)]
        if self.resources:
            if self.extended is not None and self.extended.spec.devices.requests:
                return NotPlaceable(_HAS_REQUESTS)
            served = self._served_on(slot)
            if served is None:
                return NotPlaceable(_CANNOT_FIT)
            if not served and len(self.claims) == (self.extended is not None):
                return []
            if self._allocates_extended:
                plans = [*plans, (self._extended_name, self._for_extended(served)[1])]
        unavailable = bool(self._allocated) and bool(self.unavailable(slot))
        chosen: list[list[Chosen]] = []
        if plans:
            try:
                found = self._allocate(slot, plans)
            except AllocationError as error:
                self._devices.name_claims(self._pod)
                self.has_errors = True
                return NotPlaceable(f'running "{self._plugin}" filter plugin: {error}', "Error")
            if isinstance(found, str):
                return NotPlaceable(found)
            chosen = found
        return NotPlaceable(NOT_AVAILABLE) if unavailable else chosen

    def _allocate(self, slot: int, plans: Sequence[tuple[str, ClaimPlan]]) -> list[list[Chosen]] | str:
        """Run the allocator on a node, or return what it chose there if nothing has changed since.

        A pod of the class is filtered first, and its devices reserved later; only messages contain claims' names.
        """
        usage = self._devices.usage
        view = self._devices.inventory.of_node(slot, self._features)
        if self.resources:
            return allocate(view, plans, usage, self._features)
        versions = tuple([usage.versions.get(pool.key, 0) for pool in view.pools])
        known = self._found.get(slot)
        if known is not None and known.view is view and known.versions == versions:
            return known.chosen
        found = allocate(view, plans, usage, self._features)
        if not isinstance(found, str):
            self._found[slot] = _Found(view, versions, found)
        return found

    @property
    def _extended_name(self) -> str:
        namespace = self._pod.metadata.namespace or "default"
        return f"{namespace}/{EXTENDED}" if self.extended is None else full_name(self.extended)

    def _served_on(self, slot: int) -> tuple[str, ...] | None:
        """Return the extended resources that devices provide on a node; None if one is not available at all."""
        allocatable = self._core.nodes.spec_of(slot)[0]
        serving = self._devices.serving
        missing = [name for name in self.resources if not allocatable.get(name)]
        if any(name not in serving for name in missing):
            return None
        return tuple(missing)

    def _for_extended(self, served: tuple[str, ...] | None) -> tuple[ResourceClaimSpec, ClaimPlan]:
        """Return the claim spec for some extended resources, and its plan."""
        names = served or ()
        found = self._served.get(names)
        if found is None:
            spec = requests_for(self._pod, names, self._devices.serving)
            content = msgspec.msgpack.encode(spec)
            found = self._served[names] = spec, self._devices.plan_of(spec, content, self._features)
        return found

    def _score(self, found: list[list[Chosen]]) -> int:
        """Sum the scores of the chosen subrequests over all claims (``computeScore``)."""
        if not found:
            return 0
        total = 0
        for chosen in found:
            total += sum({each.alternative: each.alternative.score for each in chosen}.values())
        for each in self._allocated:
            total += _score_of_allocated(self.claims[each.place])
        return total


def _score_of_allocated(claim: ResourceClaim) -> int:
    allocation = claim.status.allocation
    results = (allocation.devices.results if allocation is not None else None) or ()
    served = {result.request for result in results}
    return sum(
        MAX_ALTERNATIVES - place
        for request in claim.spec.devices.requests or ()
        for place, each in enumerate(request.first_available or ())
        if f"{request.name}/{each.name}" in served
    )
