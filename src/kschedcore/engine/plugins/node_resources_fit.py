"""NodeResourcesFit: checks requests against free resources, and scores utilisation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import msgspec

from kschedcore._native.plugins.node_resources_fit import NodeResourcesFitFilter, NodeResourcesFitScore
from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.field_errors import FieldError, invalid, not_supported, required
from kschedcore.api.objects import Pod, decode
from kschedcore.api.quantity import Quantity, nanos
from kschedcore.api.resource_names import is_extended
from kschedcore.engine.config.args import (
    CPU_AND_MEMORY,
    Args,
    Fields,
    ResourceSpec,
    UtilizationShapePoint,
    shape_errors,
    weighted,
)
from kschedcore.engine.config.names import label_name_errors
from kschedcore.engine.events import Events, pod_left
from kschedcore.engine.plugin import Plugin, PodContext
from kschedcore.rules.amounts import in_units, pod_requests, scored_requests
from kschedcore.rules.resize import granted, running_resources

_SCORE_SCALE = 10
"""Shape points score 0 to 10 (MaxCustomPriorityScore); nodes score 0 to 100."""

STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")


class RequestedToCapacityRatioParam(Fields, frozen=True):
    """The function of RequestedToCapacityRatio, as points of ascending utilisation."""

    shape: tuple[UtilizationShapePoint, ...] = ()


class ScoringStrategy(Fields, frozen=True):
    """The scoring strategy for a node's utilisation.

    Attributes:
        type: One of :data:`STRATEGIES`.
        resources: The resources that count.
        requested_to_capacity_ratio: The function of RequestedToCapacityRatio; None for the other types.
    """

    type: str = ""
    resources: tuple[ResourceSpec, ...] = CPU_AND_MEMORY
    requested_to_capacity_ratio: RequestedToCapacityRatioParam | None = None


class NodeResourcesFitArgs(Args, frozen=True):
    """Arguments of NodeResourcesFit."""

    ignored_resources: tuple[str, ...] = ()
    ignored_resource_groups: tuple[str, ...] = ()
    scoring_strategy: ScoringStrategy = ScoringStrategy("LeastAllocated")

    def defaulted(self) -> Self:
        """Fill in the weights of the strategy's resources."""
        strategy = self.scoring_strategy
        resources = weighted(strategy.resources)
        return msgspec.structs.replace(
            self, scoring_strategy=msgspec.structs.replace(strategy, resources=resources)
        )

    def errors(self, path: str) -> Iterable[FieldError]:
        """Yield the errors (``ValidateNodeResourcesFitArgs``)."""
        for index, resource in enumerate(self.ignored_resources):
            yield from label_name_errors(resource, f"{path}.ignoredResources[{index}]")
        for index, group in enumerate(self.ignored_resource_groups):
            place = f"{path}.ignoredResourceGroups[{index}]"
            if "/" in group:
                yield invalid(place, group, "resource group name can't contain '/'")
            yield from label_name_errors(group, place)
        strategy, place = self.scoring_strategy, f"{path}.scoringStrategy"
        if strategy.type not in STRATEGIES:
            yield not_supported(f"{place}.type", strategy.type, STRATEGIES)
        for index, each in enumerate(strategy.resources):
            if not 0 < each.weight <= 100:
                problem = f"resource weight of {each.name} not in valid range (0, 100]"
                yield invalid(f"{place}.resources[{index}].weight", each.weight, problem)
        ratio = strategy.requested_to_capacity_ratio
        if ratio is not None:
            yield from shape_errors(ratio.shape, f"{place}.shape")
        elif strategy.type == "RequestedToCapacityRatio":  # kube-scheduler accepts it, and panics
            problem = "must be specified when type is RequestedToCapacityRatio"
            yield required(f"{place}.requestedToCapacityRatio", problem)


class NodeResourcesFit(Plugin):
    """Rejects nodes with too little free of a requested resource; scores by the profile's strategy."""

    name = "NodeResourcesFit"
    points = frozenset({"preFilter", "filter", "preScore", "score"})
    args_type = NodeResourcesFitArgs
    args: NodeResourcesFitArgs

    def events(self) -> Events:
        """Register nodes that offer more and would fit if they were empty, and pods that leave a node or request less.

        Classes of devices may provide an extended resource (KEP-5004).
        """
        events: Events = {"nodes": self._node_helps, "pods": _pod_left_or_shrank}
        if not self.release.enabled("DRAExtendedResource"):
            return events
        return {**events, "deviceclasses.resource.k8s.io": _serves}

    def _node_helps(self, change: Change, pod: Pod) -> bool:
        return _more_allocatable(change, pod) and change.new is not None and self._would_fit(pod, change.new)

    def _would_fit(self, pod: Pod, node: Mapping[str, Any]) -> bool:
        """Return whether a pod would fit on a node if it were empty; devices may provide any extended resource."""
        capacity = in_units({name: nanos(amount) for name, amount in _allocatable(node).items()})
        by_devices = self.release.enabled("DRAExtendedResource")
        return all(
            amount <= capacity.get(name, 0) or self._ignores(name) or (by_devices and is_extended(name))
            for name, amount in {**pod_requests(pod.spec), "pods": 1}.items()
        )

    def _ignores(self, resource: str) -> bool:
        if not is_extended(resource):
            return False
        return (
            resource in self.args.ignored_resources
            or resource.partition("/")[0] in self.args.ignored_resource_groups
        )

    def filter(self, context: PodContext) -> NodeResourcesFitFilter:
        """Compile the hard rule."""
        ignored = {name for name in context.info.requested() if self._ignores(name)}
        served = frozenset[str]()
        if self.release.enabled("DRAExtendedResource"):
            served = frozenset(context.listers.devices.extended_of(context.pod))
            served &= context.listers.devices.serving.keys()
        return NodeResourcesFitFilter(context.core.nodes, context.core.reasons, context.info, ignored, served)

    def score(self, context: PodContext) -> NodeResourcesFitScore:
        """Compile the scoring strategy."""
        strategy = self.args.scoring_strategy
        ratio = strategy.requested_to_capacity_ratio
        return NodeResourcesFitScore(
            context.core.nodes,
            context.core.reasons,
            scored_requests(context.pod.spec),
            strategy.type,
            [(resource.name, resource.weight) for resource in strategy.resources],
            [(point.utilization, point.score * _SCORE_SCALE) for point in ratio.shape] if ratio else (),
            context.loaded,
        )


def _pod_left_or_shrank(change: Change, pod: Pod) -> bool:
    if pod_left(change, pod):
        return True
    old, new = change.old, change.new
    if old is None or new is None or not old["spec"].get("nodeName"):
        return False
    if old["spec"] == new["spec"] and running_resources(old) == running_resources(new):
        return False
    before, now = _accounted(old), _accounted(new)
    return any(
        now.get(name, 0) < before.get(name, 0) for name, amount in pod_requests(pod.spec).items() if amount
    )


def _accounted(pod: Mapping[str, Any]) -> dict[str, int]:
    """Return the requests for which a bound pod is accounted."""
    view = decode(Pod, pod)
    return pod_requests(granted(view.spec, view.status))


def _serves(change: Change, pod: Pod) -> bool:
    """Return whether a class of devices that is new or changed provides a resource that the pod requests."""
    device_class = change.new
    if device_class is None:
        return False
    names = {f"deviceclass.resource.kubernetes.io/{device_class['metadata']['name']}"}
    names.add(device_class.get("spec", {}).get("extendedResourceName", ""))
    return not names.isdisjoint(pod_requests(pod.spec))


def _more_allocatable(change: Change, pod: Pod) -> bool:
    """Return whether a node is new, or has more of a resource that the pod requests."""
    old, new = change.old, change.new
    if new is None:
        return False
    if old is None:
        return True
    before, now = _allocatable(old), _allocatable(new)
    if before == now:
        return False
    requested = {"pods", *pod_requests(pod.spec)}
    return any(_amount(now, name) > _amount(before, name) for name in requested)


def _allocatable(node: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = node.get("status", {}).get("allocatable", {})
    return found


def _amount(amounts: Mapping[str, str], name: str) -> Quantity:
    return Quantity.parse(amounts.get(name, "0"))
