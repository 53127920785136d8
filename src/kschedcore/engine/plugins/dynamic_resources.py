"""DynamicResources (KEP-4381): places pods on nodes where their ResourceClaims can be allocated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kschedcore._native.plugins.dynamic_resources import DeviceFilter, DeviceScore, EqualScore
from kschedcore._native.podclass import PodClass
from kschedcore.api.durations import format_duration, parse_duration
from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.field_errors import FieldError, forbidden, invalid
from kschedcore.api.objects import Pod
from kschedcore.api.versions import Rule
from kschedcore.engine.config.args import Args
from kschedcore.engine.devices.claims import ClaimError, deallocated
from kschedcore.engine.devices.features import DeviceFeatures
from kschedcore.engine.devices.pod import CANNOT_ALLOCATE, NOT_AVAILABLE, PodDevices
from kschedcore.engine.devices.state import ClaimChange
from kschedcore.engine.events import DEVICES, Events, node_created_or_relabelled, written
from kschedcore.engine.plugin import FailedCycle, Plugin, PodContext, PostFilterResult, Status
from kschedcore.errors import ConfigError

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore.engine.devices.state import Devices
    from kschedcore.engine.diagnosis import Rejection
    from kschedcore.engine.listers import Listers
    from kschedcore.engine.stepwise import Stepwise

NOTHING_TO_DEALLOCATE = "no new claims to deallocate"
STILL_NOT_SCHEDULABLE = "still not schedulable"
DEALLOCATED = "deallocation of ResourceClaim completed"
DELETED = "deletion of ResourceClaim completed"


_LONGEST_BINDING = timedelta(minutes=10)


class DynamicResourcesArgs(Args, frozen=True):
    """Arguments of DynamicResources, as Go durations.

    Attributes:
        filter_timeout: How long the search for devices on one node may take. It is checked and has no effect: decisions
            do not depend on the time that they take.
        binding_timeout: How long PreBind waits for devices to become ready (KEP-5007); None for ten minutes. It may
            only be set where the feature gate DRADeviceBindingConditions is on.
    """

    filter_timeout: str = "10s"
    binding_timeout: str | None = None

    @property
    def longest_binding(self) -> timedelta:
        """How long PreBind waits for devices to become ready."""
        if self.binding_timeout is None:
            return _LONGEST_BINDING
        return timedelta(seconds=parse_duration(self.binding_timeout))

    def errors(self, path: str) -> Iterable[FieldError]:
        """Yield what is wrong (``ValidateDynamicResourcesArgs``)."""
        for field, text, least, problem in (
            ("filterTimeout", self.filter_timeout, 0, "must be zero or positive"),
            ("bindingTimeout", self.binding_timeout, 1, "must be at least 1 second"),
        ):
            if text is None:
                continue
            try:
                seconds = parse_duration(text)
            except ValueError as error:
                yield invalid(f"{path}.{field}", text, str(error))
                continue
            if seconds < least:
                yield invalid(f"{path}.{field}", format_duration(seconds), problem)


class DynamicResources(Plugin):
    """Rejects nodes where a pod's claims are neither available nor can be allocated."""

    name = "DynamicResources"
    args_type = DynamicResourcesArgs
    args: DynamicResourcesArgs

    def __init__(self, args: Args) -> None:
        super().__init__(args)
        self._compiling: tuple[PodContext, PodDevices] | None = None
        self._devices: Devices | None = None

    def events(self) -> Events:
        """Register claims, classes, slices, and nodes that are new, relabelled or offer something else."""
        claims, slices, classes = DEVICES
        return {"nodes": _node_helps, claims: self._claim_helps, slices: written, classes: written}

    def _claim_helps(self, change: Change, pod: Pod) -> bool:
        """Return whether a claim was deallocated, or the status of one of the pod's own has changed."""
        old, new = change.old, change.new
        if new is None or self._devices is None:
            return False
        try:
            own = self._devices.claims_of(pod)
        except ClaimError:
            return False
        if old is not None and "allocation" in _status(old) and "allocation" not in _status(new):
            return True
        if all(claim.metadata.uid != new["metadata"].get("uid") for claim in own):
            return False
        return old is None or _status(old) != _status(new)

    def attach(self, listers: Listers) -> None:
        """Receive the devices of the cluster.

        Raises:
            ConfigError: An argument is given whose feature gate is off.
        """
        if self.args.binding_timeout is not None and not self.features.binding_conditions:
            gates = "DRADeviceBindingConditions or DRAResourceClaimDeviceStatus feature gate is disabled"
            raise ConfigError(f'initializing plugin "{self.name}": {forbidden("bindingTimeout", gates)}')
        self._devices = listers.devices

    @cached_property
    def features(self) -> DeviceFeatures:
        """The feature gates that are on."""
        return DeviceFeatures(
            binding_conditions=self.release.enabled("DRADeviceBindingConditions"),
            consumable_capacity=self.release.enabled("DRAConsumableCapacity"),
            extended_resources=self.release.enabled("DRAExtendedResource"),
            partitionable=self.release.enabled("DRAPartitionableDevices"),
            taints=self.release.enabled("DRADeviceTaints"),
            admin_access=self.release.enabled("DRAAdminAccess"),
            prioritized_list=self.release.enabled("DRAPrioritizedList"),
        )

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:
        """End the cycle when a claim cannot be used, or names a class that does not exist."""
        devices = context.listers.devices
        if context.pod.spec.resource_claims is None:
            return None
        problem = devices.problem(context.pod)
        if not problem:
            problem = self._claims(context).missing_class
        return Status("UnschedulableAndUnresolvable", self.name, (problem,)) if problem else None

    def _claims(self, context: PodContext) -> PodDevices:
        """Return the claims of a class that is being compiled; Filter and Score share them."""
        if self._compiling is None or self._compiling[0] is not context:
            self._compiling = context, self._compiled(context)
        return self._compiling[1]

    def _compiled(self, context: PodContext) -> PodDevices:
        devices = context.listers.devices
        try:
            claims = devices.claims_of(context.pod)
        except ClaimError:  # PreFilter ends the cycle, unless the profile leaves it out
            claims = []
        resources = devices.extended_of(context.pod) if self.features.extended_resources else ()
        return PodDevices(devices, context.core, context.pod, claims, resources, self.features, self.name)

    def pre_enqueue(self, pod: Pod) -> Status | None:
        """Reject a pod before it enters the queue until its claims exist."""
        if pod.spec.resource_claims is None or self._devices is None:
            return None
        problem = self._devices.problem(pod)
        if not problem:
            return None
        return Status("UnschedulableAndUnresolvable", self.name, (problem,), pre_enqueue=True)

    def filter(self, context: PodContext) -> DeviceFilter | None:
        """Compile the pod's claims; None for a pod without claims."""
        if not context.listers.devices.concerns(context.pod):
            return None
        claims = self._claims(context)
        if not claims.claims and not claims.resources:
            return None
        return DeviceFilter(context.core.nodes, context.core.reasons, self.name, claims)

    def post_filter(self, cycle: FailedCycle) -> PostFilterResult | Status:
        """Deallocate a claim that keeps the pod off nodes and that no other pod has reserved.

        kube-scheduler's plugin fails if its PreFilter has not run because another plugin's ended the cycle: that
        error, ``not found``, keeps preemption from running.
        """
        if self.name not in cycle.pre_filtered:
            return Status("Error", self.name, ("not found",))
        found = devices_of(cycle.pod_class)
        if found is None or cycle.pod_class is None:
            return Status("Unschedulable", self.name, (NOTHING_TO_DEALLOCATE,))
        for place in _unavailable(cycle, found):
            claim = found.claims[place]
            users = {each.uid for each in claim.status.reserved_for or ()}
            if claim is not found.extended and users <= {cycle.pod.metadata.uid}:
                changes = (ClaimChange(claim, deallocated(claim)),)
                return PostFilterResult(message=DEALLOCATED, tried=False, claims=changes)
        if found.extended is not None:
            changes = (ClaimChange(found.extended, None),)
            return PostFilterResult(message=DELETED, tried=False, claims=changes)
        return Status("Unschedulable", self.name, (STILL_NOT_SCHEDULABLE,))

    def score(self, context: PodContext) -> EqualScore | DeviceScore | None:
        """Score the rank of chosen subrequests; 0 for every node if there are none. v1.34 has no Score."""
        if not self.release.has(Rule.DYNAMIC_RESOURCES_SCORES):
            return None
        if context.listers.devices.concerns(context.pod):
            claims = self._claims(context)
            if claims.has_scores:
                return DeviceScore(context.core.nodes, context.core.reasons, self.name, claims)
        return EqualScore(context.core.nodes, context.core.reasons, self.name)


def _status(claim: Mapping[str, Any]) -> Mapping[str, Any]:
    status: Mapping[str, Any] = claim.get("status", {})
    return status


def _node_helps(change: Change, pod: Pod) -> bool:
    if node_created_or_relabelled(change, pod):
        return True
    old, new = change.old, change.new
    if old is None or new is None:
        return False
    return bool(_status(old).get("allocatable") != _status(new).get("allocatable"))


def device_filter(pod_class: PodClass | None) -> DeviceFilter | None:
    """Return the filter of a class of pods that claim devices."""
    for each in pod_class.filters if pod_class is not None else ():
        if isinstance(each, DeviceFilter):
            return each
    return None


def devices_of(pod_class: PodClass | None) -> PodDevices | None:
    """Return the claims of a class of pods, None if it has none."""
    found = device_filter(pod_class)
    claims = found.claims if found is not None else None
    return claims if isinstance(claims, PodDevices) else None


def filter_error(core: Core, pod_class: PodClass) -> Status | None:
    """Return the error with which the allocator ended the cycle on some node, the first by node name, if it did."""
    found = device_filter(pod_class)
    if found is None:
        return None
    pod_class.catch_up()
    if found.failure is not None:
        failure, found.failure = found.failure, None
        raise failure
    if not isinstance(found.claims, PodDevices) or not found.claims.has_errors:
        return None
    if all(core.reasons.code_of(row) != "Error" for row in pod_class.rejection_counts()):
        return None
    verdicts = pod_class.verdicts()
    for slot in core.nodes.slots_by_name().tolist():
        row = int(verdicts[slot])
        if row > 0 and core.reasons.code_of(row) == "Error":
            plugin, code, reasons = core.reasons.describe(row, core.nodes.resource_names)
            return Status(code, plugin, reasons)
    return None


def device_shortfalls(
    core: Core, compiled: PodClass | Stepwise, verdicts: Mapping[str, Rejection | None]
) -> dict[str, list[str]]:
    """Return node -> the reasons why its devices cannot be allocated, for nodes rejected for that."""
    found = devices_of(compiled if isinstance(compiled, PodClass) else compiled.filters)
    if found is None:
        return {}
    return {
        node: found.shortfalls(core.nodes.slot_of(node))
        for node, verdict in verdicts.items()
        if verdict is not None and verdict.reasons == (CANNOT_ALLOCATE,)
    }


def _unavailable(cycle: FailedCycle, found: PodDevices) -> list[int]:
    """Return the indices of the claims for which some node was rejected."""
    assert cycle.pod_class is not None
    core, verdicts = cycle.cluster.core, cycle.pod_class.verdicts()
    names = core.nodes.resource_names
    places: set[int] = set()
    for slot in core.nodes.slots_by_name().tolist():
        row = int(verdicts[slot])
        if row > 0 and core.reasons.describe(row, names)[2] == (NOT_AVAILABLE,):
            places.update(found.unavailable(slot))
    return sorted(places)
