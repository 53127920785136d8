"""How many replicas a metric asks for.

Rules: "Algorithm details" in the reference of horizontal pod autoscaling; pods that are not ready or of which
nothing is known are counted so that they damp the change, in whichever direction it goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kschedcore.api.machinery.types import Object
from kschedcore.api.quantity import milli_value

__all__ = ["TOLERANCE", "MetricError", "Proposal", "UsageSource", "propose"]

TOLERANCE = 0.1
"""So far from its target a metric may be without anything being done."""

CPU_INITIALIZATION = timedelta(minutes=5)
INITIAL_READINESS = timedelta(seconds=30)


class UsageSource(Protocol):
    """Where the usage of pods is known."""

    def usage(self, pod: Object, container: str = "") -> Mapping[str, int] | None:
        """What a pod, or one container of it, uses now: ``cpu`` in millicores, others in bytes; None if unknown."""


class MetricError(Exception):
    """A metric that cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one metric asks for.

    Attributes:
        replicas: How many replicas.
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


def propose(metric: Object, pods: list[Object], current: int, source: UsageSource, now: datetime) -> Proposal:
    """How many replicas a ``Resource`` or ``ContainerResource`` metric asks for.

    Args:
        metric: ``spec.metrics[*].resource`` or ``.containerResource``.
        pods: The pods that the target selects.
        current: How many replicas it has.
        source: Where usage is known.
        now: The time.

    Raises:
        MetricError: Nothing is known of any pod, or a pod does not say what it requests.
    """
    name, target, container = metric["name"], metric["target"], metric.get("container", "")
    groups = _grouped(pods, name, container, source, now)
    if not groups.used:
        raise MetricError("did not receive metrics for targeted pods (pods might be unready)")
    if target["type"] == "Utilization":
        wanted = {pod["metadata"]["name"]: _request(pod, name, container) for pod in pods}
        goal = target["averageUtilization"]
        ratio = _Ratio(wanted, goal / 100)
        # A pod of which nothing is known counts as one that uses what it may.
        fallback = {each: wanted[each] * max(100, goal) // 100 for each in groups.missing}
        utilization = sum(groups.used.values()) * 100 // max(1, sum(wanted[each] for each in groups.used))
    else:
        goal = milli_value(target["averageValue"])
        ratio = _Ratio(dict.fromkeys((pod["metadata"]["name"] for pod in pods), goal), 1.0)
        fallback, utilization = dict.fromkeys(groups.missing, goal), None
    average = sum(groups.used.values()) // len(groups.used)
    return Proposal(_replicas(groups, ratio, fallback, current), utilization, average)


@dataclass(frozen=True, slots=True)
class _Ratio:
    """Usage in relation to what it is meant to be."""

    wanted: Mapping[str, int]
    goal: float

    def of(self, used: Mapping[str, int]) -> float:
        total = sum(self.wanted[name] for name in used)
        return sum(used.values()) / total / self.goal if total else 0.0


def _replicas(groups: _Groups, ratio: _Ratio, fallback: Mapping[str, int], current: int) -> int:
    first = ratio.of(groups.used)
    damped = bool(groups.unready) and first > 1
    if not damped and not groups.missing:
        return current if abs(first - 1) <= TOLERANCE else math.ceil(first * groups.ready)
    used = dict(groups.used)
    if first < 1:
        used.update(fallback)
    elif first > 1:
        used.update(dict.fromkeys(groups.missing, 0))
    if damped:
        used.update(dict.fromkeys(groups.unready, 0))
    second = ratio.of(used)
    if abs(second - 1) <= TOLERANCE or (first < 1 < second) or (second < 1 < first):
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
    """Whether what a pod uses tells more of its start than of its work."""
    status = pod.get("status", {})
    ready = next((each for each in status.get("conditions", ()) if each["type"] == "Ready"), None)
    if ready is None or not status.get("startTime"):
        return True
    started = datetime.fromisoformat(status["startTime"])
    if now < started + CPU_INITIALIZATION:
        return bool(ready["status"] == "False")
    moved = datetime.fromisoformat(ready["lastTransitionTime"])
    return ready["status"] == "False" and started + INITIAL_READINESS > moved


def _request(pod: Object, resource: str, container: str) -> int:
    """What a pod's containers request, in thousandths."""
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
