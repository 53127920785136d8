"""The devices of an engine's cluster: published devices, allocations, and pods' claims."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kschedcore.api.objects.devices import DeviceClass, ResourceClaim, ResourceClaimSpec, ResourceSlice
from kschedcore.engine.devices.claims import ClaimError, ClaimKey, claims_of, key_of_claim
from kschedcore.engine.devices.extended import ANNOTATION, classes_by_resource, wanted
from kschedcore.engine.devices.features import DeviceFeatures
from kschedcore.engine.devices.inventory import Inventory
from kschedcore.engine.devices.requests import ClaimPlan
from kschedcore.engine.devices.usage import Usage

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore.api.objects import Pod

__all__ = ["ClaimChange", "Devices"]

MAX_PLANS = 4096
"""Maximum number of cached claim plans."""

_ENCODER = msgspec.msgpack.Encoder()


class ClaimChange(NamedTuple):
    """A change of a claim by a scheduling cycle.

    Attributes:
        old: The claim before; None for a new claim for extended resources.
        new: The claim after; None when it is deleted.
    """

    old: ResourceClaim | None
    new: ResourceClaim | None


class Devices:
    """Devices and claims of a cluster, kept up to date with its objects.

    Args:
        core: The native state; nodes whose devices change are appended to its log.
        objects: Returns the objects of a kind by (namespace, name).

    Attributes:
        inventory: The published devices.
        usage: The devices of allocated claims.
        claims: The claims by namespace and name.
    """

    def __init__(self, core: Core, objects: Callable[[str], Mapping[tuple[str, str], Any]]) -> None:
        self._core = core
        self._objects = objects
        self.inventory = Inventory(core.nodes, lambda: objects("ResourceSlice").values())
        self.usage = Usage()
        self.claims: dict[ClaimKey, ResourceClaim] = {}
        self._contents: dict[ClaimKey, tuple[bytes, bytes]] = {}
        self._for_extended: dict[tuple[str, str], ClaimKey] = {}
        self._serving: Mapping[str, str] | None = None
        self._plans: dict[tuple[bytes, DeviceFeatures], ClaimPlan] = {}
        self._naming_claims: set[Hashable] = set()
        self._found: tuple[Pod, list[ResourceClaim]] | None = None
        self._encoded: tuple[ResourceClaimSpec, bytes] | None = None
        self._late: set[ClaimKey] = set()

    # -- changes ----------------------------------------------------------------------------------

    def changed(self, kind: str, old: Any, new: Any) -> None:
        """Update the state for an object that was added (``old`` None), removed (``new`` None) or changed."""
        self._found = None
        if kind == "ResourceClaim":
            self._claim_changed(old, new)
        elif kind == "ResourceSlice":
            self.inventory.changed(old, new)
            self._plans.clear()  # they cache results of selectors
        elif kind == "DeviceClass":
            self._serving = None
            self._plans.clear()

    def recover(self) -> None:
        """Derive everything from the objects again, after a change was interrupted."""
        fresh = Devices(self._core, self._objects)
        fresh._late = self._late
        for claim in self._objects("ResourceClaim").values():
            fresh.changed("ResourceClaim", None, claim)
        vars(self).update(vars(fresh))

    def _claim_changed(self, old: ResourceClaim | None, new: ResourceClaim | None) -> None:
        pools: set[tuple[str, str]] = set()
        if old is not None:
            key = key_of_claim(old)
            self._count(old, -1, pools)
            del self.claims[key], self._contents[key]
            if new is None or new.status.allocation is None:
                self._late.discard(key)
            for owner in _pods_of_extended(old):
                if self._for_extended.get(owner) == key:
                    del self._for_extended[owner]
        if new is not None:
            key = key_of_claim(new)
            self._count(new, 1, pools)
            self.claims[key] = new
            self._contents[key] = self._content(new)
            for owner in _pods_of_extended(new):
                self._for_extended.setdefault(owner, key)
        self._note(pools)

    def _count(self, claim: ResourceClaim, sign: int, pools: set[tuple[str, str]]) -> None:
        allocation = claim.status.allocation
        if allocation is not None:
            pools |= self.usage.count(allocation.devices.results or (), sign)

    def _note(self, pools: set[tuple[str, str]]) -> None:
        """Log the nodes of some pools as changed, since their devices were allocated or deallocated."""
        nodes = self._core.nodes
        for pool in pools:
            names = self.inventory.nodes_of(pool)
            slots = nodes.slots_by_name().tolist() if names is None else map(nodes.slot_of, names)
            for slot in slots:
                if slot >= 0:
                    self._core.note_load(slot)

    def _content(self, claim: ResourceClaim) -> tuple[bytes, bytes]:
        spec = self._encoded
        if spec is None or spec[0] is not claim.spec:
            spec = self._encoded = claim.spec, _ENCODER.encode(claim.spec)
        if claim.status.allocation is None:
            return spec[1], b""
        return spec[1], _ENCODER.encode((claim.status.allocation, claim.status.devices, self.is_late(claim)))

    def is_late(self, claim: ResourceClaim) -> bool:
        """Return whether the devices of a claim did not become ready in time."""
        return key_of_claim(claim) in self._late

    def note_late(self, key: ClaimKey) -> None:
        """Note that the devices of an allocated claim did not become ready in time, as long as it is allocated."""
        self._late.add(key)

    # -- claims of pods ---------------------------------------------------------------------------

    @property
    def serving(self) -> Mapping[str, str]:
        """Extended resource -> the device class that backs it."""
        if self._serving is None:
            classes: Any = self._objects("DeviceClass").values()
            self._serving = classes_by_resource(classes)
        return self._serving

    @property
    def classes(self) -> Mapping[str, DeviceClass]:
        """The device classes by name."""
        return {name: each for (_, name), each in self._objects("DeviceClass").items()}

    def extended_of(self, pod: Pod) -> tuple[str, ...]:
        """Return the extended resources of a pod, if devices back any of them."""
        return wanted(pod, self.serving) if self.serving else ()

    def concerns(self, pod: Pod) -> bool:
        """Return whether a pod may need devices."""
        if pod.spec.resource_claims is not None:
            return True
        serving = self._serving
        if serving is None:
            serving = self.serving
        return len(serving) > 0 and bool(wanted(pod, serving))

    def problem(self, pod: Pod) -> str:
        """Return why a pod's claims cannot be used yet, or an empty string."""
        try:
            self.claims_of(pod)
        except ClaimError as problem:
            return str(problem)
        return ""

    def claims_of(self, pod: Pod) -> list[ResourceClaim]:
        """Return the claims of a pod.

        Raises:
            ClaimError: One cannot be used.
        """
        if self._found is None or self._found[0] is not pod:
            self._found = pod, list(claims_of(pod, self.claims))
        return self._found[1]

    def extended_claim_of(self, pod: Pod) -> ResourceClaim | None:
        """Return the claim that an earlier attempt has created for a pod's extended resources."""
        key = self._for_extended.get((pod.metadata.name, pod.metadata.uid))
        return None if key is None else self.claims.get(key)

    def class_key(self, pod: Pod) -> Hashable:
        """Return the part of a class key for a pod's claims; None for a pod without claims.

        Pods whose claims have equal specs share a class, regardless of the claims' names, unless a message names a
        claim (:meth:`name_claims`).
        """
        if not self.concerns(pod):
            return None
        key = self._contents_of(pod)
        return (key, self._names_of(pod)) if key in self._naming_claims else key

    def name_claims(self, pod: Pod) -> None:
        """Make pods with this spec have classes of their own, because a message names their claims."""
        self._naming_claims.add(self._contents_of(pod))

    def _contents_of(self, pod: Pod) -> Hashable:
        try:
            claims = self.claims_of(pod)
        except ClaimError as problem:
            return str(problem)
        contents = tuple(self._contents[key_of_claim(claim)] for claim in claims)
        extended = self.extended_claim_of(pod)
        if extended is None:
            return contents
        return contents, key_of_claim(extended), self._contents[key_of_claim(extended)]

    def _names_of(self, pod: Pod) -> Hashable:
        references = [(each.name, each.resource_claim_name) for each in pod.spec.resource_claims or ()]
        return pod.metadata.name, (*references,), pod.status.resource_claim_statuses

    def plan(self, claim: ResourceClaim, features: DeviceFeatures) -> ClaimPlan:
        """Return the compiled requests of a claim."""
        return self.plan_of(claim.spec, self._contents[key_of_claim(claim)][0], features)

    def plan_of(self, spec: ResourceClaimSpec, content: bytes, features: DeviceFeatures) -> ClaimPlan:
        """Return the compiled requests of a claim spec, cached by its encoded form."""
        found = self._plans.get((content, features))
        if found is None:
            if len(self._plans) > MAX_PLANS:
                self._plans.clear()
            found = self._plans[content, features] = ClaimPlan.of(spec, self.classes, features)
        return found

    def slices(self) -> Iterator[ResourceSlice]:
        """Iterate over the published slices."""
        return iter(self._objects("ResourceSlice").values())


def _pods_of_extended(claim: ResourceClaim) -> Iterator[tuple[str, str]]:
    """Yield (name, uid) of the pod for whose extended resources a claim was made."""
    if (claim.metadata.annotations or {}).get(ANNOTATION) == "true":
        for owner in claim.metadata.owner_references or ():
            if owner.controller:
                yield owner.name, owner.uid
