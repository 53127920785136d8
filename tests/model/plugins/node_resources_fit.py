"""NodeResourcesFit: requests against what is left, and the three scoring strategies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor

from tests.model import resources
from tests.model.devices.extended import served_by_devices
from tests.model.framework import MAX_NODE_SCORE, Plugin, Prepared, Status, truncated_quotient
from tests.model.labels import Json
from tests.model.snapshot import NodeInfo, Snapshot
from tests.model.versions import DEVICE_FEATURES, LATEST, Kubernetes

CPU_AND_MEMORY: list[Json] = [{"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1}]
CONFIG_SCORE_MAX = 10

ResourceScore = Callable[[int, int], int]


def allocatable_and_requested(
    name: str, pod_request: int, info: NodeInfo, *, non_zero: bool
) -> tuple[int, int] | None:
    """Capacity of a resource and what would be requested of it; None when it plays no part in the score.

    Defaults for containers without requests (`non_zero`) exist for cpu and memory alone.
    """
    if pod_request == 0 and resources.is_scalar(name):
        return None
    capacity = info.allocatable().get(name, 0)
    if capacity == 0:
        return None
    assumed = non_zero and name in ("cpu", "memory")
    return capacity, info.requested(non_zero=assumed).get(name, 0) + pod_request


def least_requested(requested: int, capacity: int) -> int:
    return 0 if requested > capacity else (capacity - requested) * MAX_NODE_SCORE // capacity


def most_requested(requested: int, capacity: int) -> int:
    return min(requested, capacity) * MAX_NODE_SCORE // capacity


def broken_line(shape: list[Json]) -> Callable[[int], int]:
    """The shape's points joined by straight lines, flat outside them; integer arithmetic throughout."""
    scale = MAX_NODE_SCORE // CONFIG_SCORE_MAX
    points: list[tuple[int, int]] = [(point["utilization"], point["score"] * scale) for point in shape]

    def at(utilization: int) -> int:
        for (left, low), (right, high) in zip([points[0], *points], points, strict=False):
            if utilization <= right:
                if left == right:
                    return high
                return low + truncated_quotient((high - low) * (utilization - left), right - left)
        return points[-1][1]

    return at


def requested_to_capacity_ratio(shape: list[Json]) -> ResourceScore:
    line = broken_line(shape)

    def score(requested: int, capacity: int) -> int:
        return line(100 if requested > capacity else requested * 100 // capacity)

    return score


@dataclass(frozen=True)
class Requested:
    """The pod's requests, and the classes that may serve an extended resource instead of the node."""

    amounts: resources.Counted
    classes: Mapping[str, Json]


class NodeResourcesFit(Plugin):
    name = "NodeResourcesFit"
    extension_points = frozenset({"preFilter", "filter", "preScore", "score"})

    def __init__(self, args: Json, kubernetes: Kubernetes = LATEST) -> None:
        self.delegates = DEVICE_FEATURES[kubernetes].extended_resources
        self.ignored = frozenset(args.get("ignoredResources") or [])
        self.ignored_groups = frozenset(args.get("ignoredResourceGroups") or [])
        strategy = args.get("scoringStrategy") or {}
        self.strategy = strategy.get("type") or "LeastAllocated"
        self.resources = [
            (r["name"], r.get("weight") or 1) for r in strategy.get("resources") or CPU_AND_MEMORY
        ]
        self.resource_score: ResourceScore = least_requested
        if self.strategy == "MostAllocated":
            self.resource_score = most_requested
        elif self.strategy == "RequestedToCapacityRatio":
            self.resource_score = requested_to_capacity_ratio(strategy["requestedToCapacityRatio"]["shape"])

    def pre_filter(self, pod: Json, snapshot: Snapshot) -> Prepared:
        classes = snapshot.objects.device_classes if self.delegates else {}
        return Prepared(Requested(resources.pod_requests(pod), classes))

    def filter(self, state: Requested, pod: Json, info: NodeInfo) -> Status | None:
        """All that is short, not only the first; a request above the whole node cannot be met by eviction."""
        allocatable, requested = info.allocatable(), info.requested()
        short = [
            name
            for name, amount in state.amounts.items()
            if self._is_checked(name)
            and amount > 0
            and amount > allocatable.get(name, 0) - requested.get(name, 0)
            and not served_by_devices(name, state.classes, allocatable)
        ]
        reasons = [f"Insufficient {name}" for name in short]
        if len(info.pods) + 1 > allocatable.get("pods", 0):
            reasons.insert(0, "Too many pods")
        if not reasons:
            return None
        if any(state.amounts[name] > allocatable.get(name, 0) for name in short):
            return self.unresolvable(*reasons)
        return self.unschedulable(*reasons)

    def _is_checked(self, name: str) -> bool:
        if name in ("cpu", "memory", "ephemeral-storage"):
            return True
        if resources.is_extended(name):
            return name not in self.ignored and name.split("/")[0] not in self.ignored_groups
        return resources.is_scalar(name)

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        """Pod-level resources play no part for the pod itself, though they do for pods that run already."""
        return Prepared(resources.pod_requests(pod, non_zero=True, pod_level=False))

    def score(self, state: resources.Counted, pod: Json, info: NodeInfo) -> int:
        weighted = []
        for name, weight in self.resources:
            amounts = allocatable_and_requested(name, state.get(name, 0), info, non_zero=True)
            if amounts is not None:
                capacity, requested = amounts
                weighted.append((self.resource_score(requested, capacity), weight))
        return self._mean(weighted)

    def _mean(self, weighted: list[tuple[int, int]]) -> int:
        """The ratio strategy leaves zero scores out and rounds; the others count all and truncate."""
        ratio = self.strategy == "RequestedToCapacityRatio"
        if ratio:
            weighted = [(score, weight) for score, weight in weighted if score > 0]
        total = sum(weight for _, weight in weighted)
        if total == 0:
            return 0
        sum_of_scores = sum(score * weight for score, weight in weighted)
        return floor(sum_of_scores / total + 0.5) if ratio else sum_of_scores // total
