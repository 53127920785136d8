"""The number of replicas that a metric recommends.

Rules: "Algorithm details" in the reference of horizontal pod autoscaling; pods that are not ready or have no metrics
are counted so that they dampen the change in either direction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kschedcore.api.machinery.times import EARLIEST, later, parse_time
from kschedcore.api.machinery.types import Object
from kschedcore.api.quantity import milli_value

__all__ = ["TOLERANCE", "MetricError", "Proposal", "Tolerance", "UsageSource", "propose"]

TOLERANCE = 0.1
"""Default tolerance (``--horizontal-pod-autoscaler-tolerance``)."""

CPU_INITIALIZATION = timedelta(minutes=5)
INITIAL_READINESS = timedelta(seconds=30)


class UsageSource(Protocol):
    """A source of pods' usage."""

    def usage(self, pod: Object, container: str = "") -> Mapping[str, int] | None:
        """Return the usage of a pod or a container: ``cpu`` in millicores, others in bytes; None if unknown."""


class MetricError(Exception):
    """A metric is not available; the message has the reason."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The tolerance of the ratio of usage to target (KEP-4951).

    Attributes:
        down: Tolerance below 1.
        up: Tolerance above 1.
    """

    down: float = TOLERANCE
    up: float = TOLERANCE

    @classmethod
    def of(cls, spec: Object) -> Tolerance:
        """Return the tolerance of an autoscaler (``spec.behavior.scaleUp|scaleDown.tolerance``)."""
        behavior = spec.get("behavior") or {}
        given = [(behavior.get(way) or {}).get("tolerance") for way in ("scaleDown", "scaleUp")]
        return cls(*(TOLERANCE if each is None else milli_value(each) / 1000 for each in given))

    def holds(self, ratio: float) -> bool:
        """Return whether a ratio is within the tolerance."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True, slots=True)
class Proposal:
    """The recommendation of one metric.

    Attributes:
        replicas: The number of replicas.
        utilization: The current utilization in percent of requests; None for a target that is a plain value.
        average: The current average of a pod, in thousandths of the resource's unit.
    """

    replicas: int
    utilization: int | None
    average: int


@dataclass(frozen=True, slots=True)
class _Groups:
    ready: int
    used: dict[str, int]
    unready: list[str]
    missing: list[str]


def propose(
    metric: Object,
    pods: list[Object],
    current: int,
    source: UsageSource,
    now: datetime,
    tolerance: Tolerance = Tolerance(),
) -> Proposal:
    """Return the number of replicas that a ``Resource`` or ``ContainerResource`` metric recommends.

    Args:
        metric: ``spec.metrics[*].resource`` or ``.containerResource``.
        pods: The pods that the target selects.
        current: The target's present number of replicas.
        source: The source of the pods' usage.
        now: The time.
        tolerance: The tolerance.

    Raises:
        MetricError: No pod has metrics, or a pod has no requests.
    """
    name, target, container = metric["name"], metric["target"], metric.get("container", "")
    groups = _grouped(pods, name, container, source, now)
    if not groups.used:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    if target["type"] == "Utilization":
        wanted = {pod["metadata"]["name"]: _request(pod, name, container) for pod in pods}
        goal = target["averageUtilization"]
        ratio: _Ratio = _Utilization(wanted, goal)
        # A pod without metrics counts with its requests as usage, or the target if that is more.
        fallback = {each: wanted[each] * max(100, goal) // 100 for each in groups.missing}
        utilization = _percent(groups.used, wanted)
    else:
        goal = milli_value(target["averageValue"])
        ratio, utilization = _Average(goal), None
        fallback = dict.fromkeys(groups.missing, goal)
    average = sum(groups.used.values()) // len(groups.used)
    return Proposal(_replicas(groups, ratio, fallback, current, tolerance), utilization, average)


class _Ratio(Protocol):
    """Usage in relation to the target."""

    def of(self, used: Mapping[str, int]) -> float:
        """Return the ratio of the usage of pods, in thousandths of the resource's unit, to the target."""


@dataclass(frozen=True, slots=True)
class _Utilization:
    """Whole percents of the requests in relation to the target's (``GetResourceUtilizationRatio``)."""

    requests: Mapping[str, int]
    goal: int

    def of(self, used: Mapping[str, int]) -> float:
        return _percent(used, self.requests) / self.goal


@dataclass(frozen=True, slots=True)
class _Average:
    """Whole thousandths of a unit in relation to the target's (``GetMetricUsageRatio``)."""

    goal: int

    def of(self, used: Mapping[str, int]) -> float:
        return sum(used.values()) // len(used) / self.goal


def _percent(used: Mapping[str, int], requests: Mapping[str, int]) -> int:
    total = sum(requests[name] for name in used)
    if not total:
        raise MetricError("no metrics returned matched known pods")
    return sum(used.values()) * 100 // total


def _replicas(
    groups: _Groups, ratio: _Ratio, fallback: Mapping[str, int], current: int, tolerance: Tolerance
) -> int:
    first = ratio.of(groups.used)
    damped = bool(groups.unready) and first > 1
    if not damped and not groups.missing:
        return current if tolerance.holds(first) else math.ceil(first * groups.ready)
    used = dict(groups.used)
    if first < 1:
        used.update(fallback)
    elif first > 1:
        used.update(dict.fromkeys(groups.missing, 0))
    if damped:
        used.update(dict.fromkeys(groups.unready, 0))
    second = ratio.of(used)
    if tolerance.holds(second) or (first < 1 < second) or (second < 1 < first):
        return current
    replicas = math.ceil(second * len(used))
    turned = (second < 1 and replicas > current) or (second > 1 and replicas < current)
    return current if turned else replicas


def _grouped(
    pods: Iterable[Object], resource: str, container: str, source: UsageSource, now: datetime
) -> _Groups:
    ready, used = 0, dict[str, int]()
    unready, missing = list[str](), list[str]()
    for pod in pods:
        name, status = pod["metadata"]["name"], pod.get("status", {})
        if pod["metadata"].get("deletionTimestamp") or status.get("phase") == "Failed":
            continue
        if status.get("phase") == "Pending":
            unready.append(name)
            continue
        found = source.usage(pod, container)
        if found is None or resource not in found:
            missing.append(name)
        elif resource == "cpu" and _starts_still(pod, now):
            unready.append(name)
        else:
            ready += 1
            used[name] = found[resource] if resource == "cpu" else found[resource] * 1000
    return _Groups(ready, used, unready, missing)


def _starts_still(pod: Object, now: datetime) -> bool:
    """Return whether the pod is still initialising, so that its CPU usage does not count."""
    status = pod.get("status", {})
    ready = next((each for each in status.get("conditions", ()) if each["type"] == "Ready"), None)
    if ready is None or not status.get("startTime"):
        return True
    started = parse_time(status["startTime"]) or EARLIEST
    if now < later(started, CPU_INITIALIZATION):
        return bool(ready["status"] == "False")
    moved = parse_time(ready.get("lastTransitionTime")) or EARLIEST
    return ready["status"] == "False" and later(started, INITIAL_READINESS) > moved


def _request(pod: Object, resource: str, container: str) -> int:
    """Return the requests of a pod's containers, in thousandths."""
    total = 0
    sidecars = [
        each for each in pod["spec"].get("initContainers", ()) if each.get("restartPolicy") == "Always"
    ]
    for each in [*pod["spec"]["containers"], *sidecars]:
        if container and each["name"] != container:
            continue
        requested = each.get("resources", {}).get("requests", {}).get(resource)
        if requested is None:
            raise MetricError(
                f"missing request for {resource} in container {each['name']} of Pod {pod['metadata']['name']}"
            )
        total += milli_value(requested)
    return total
