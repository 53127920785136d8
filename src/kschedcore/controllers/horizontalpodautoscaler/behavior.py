"""Stabilisation windows and scaling policies of an autoscaler (``spec.behavior``, KEP-853)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kschedcore.api.machinery.times import later, span
from kschedcore.api.machinery.types import Object

__all__ = ["Limited", "Memory", "limited"]

_DOWN_WINDOW = 300
_UP_LEAST = 4
_DEFAULT_UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": _UP_LEAST, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_DEFAULT_DOWN: Object = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


@dataclass
class Memory:
    """The recent recommendations and scale events of an autoscaler; lost in a restart.

    Attributes:
        recommendations: (time, recommended replicas).
        changes: (time, replicas added, or removed if negative).
    """

    recommendations: list[tuple[datetime, int]] = field(default_factory=list)
    changes: list[tuple[datetime, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Limited:
    """The result of applying ``spec.behavior``.

    Attributes:
        replicas: The number of replicas.
        able: Reason and message of the condition ``AbleToScale``.
        limit: Reason and message of the condition ``ScalingLimited``.
        is_limited: The status of the condition ``ScalingLimited``.
    """

    replicas: int
    able: tuple[str, str]
    limit: tuple[str, str]
    is_limited: bool


def limited(spec: Object, memory: Memory, current: int, wanted: int, now: datetime) -> Limited:
    """Apply stabilisation and scaling policies to a recommendation.

    Args:
        spec: The autoscaler's spec.
        memory: The autoscaler's history; this recommendation is added.
        current: The present number of replicas.
        wanted: The number of replicas that the metrics recommend.
        now: The time.
    """
    behavior = spec.get("behavior") or {}
    up = {**_DEFAULT_UP, **(behavior.get("scaleUp") or {})}
    down = {**_DEFAULT_DOWN, **(behavior.get("scaleDown") or {})}
    up_window = span(up.get("stabilizationWindowSeconds") or 0)
    given = down.get("stabilizationWindowSeconds")
    down_window = span(_DOWN_WINDOW if given is None else given)
    stable, able = _stabilised(memory, current, wanted, up_window, down_window, now)
    least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
    if stable > current:
        # The default policies: doubling, or four replicas.
        plain_roof = max(2 * current, _UP_LEAST)
        roof = _roof(up, memory, current, now) if spec.get("behavior") else plain_roof
        return _bounded(stable, min(roof, most), roof < most, least, able, up=True)
    if stable < current:
        floor = _floor(down, memory, current, now)
        return _bounded(stable, max(floor, least), floor > least, most, able, up=False)
    return _within(stable, least, most, able)


def _stabilised(
    memory: Memory, current: int, wanted: int, up: timedelta, down: timedelta, now: datetime
) -> tuple[int, tuple[str, str]]:
    longest = max(up, down)
    memory.recommendations = [each for each in memory.recommendations if each[0] > now - longest]
    lowest = min([wanted, *(n for time, n in memory.recommendations if time > now - up)])
    highest = max([wanted, *(n for time, n in memory.recommendations if time > now - down)])
    memory.recommendations.append((now, wanted))
    stable = max(min(current, highest), lowest)
    if stable == wanted:
        return stable, ("ReadyForNewScale", "recommended size matches current size")
    if stable > wanted:
        why = (
            "recent recommendations were higher than current one, applying the highest recent recommendation"
        )
        return stable, ("ScaleDownStabilized", why)
    why = "recent recommendations were lower than current one, applying the lowest recent recommendation"
    return stable, ("ScaleUpStabilized", why)


def _roof(rules: Object, memory: Memory, current: int, now: datetime) -> int:
    def after(policy: Object, changed: int) -> int:
        before = current - changed
        if policy["type"] == "Pods":
            return before + int(policy["value"])
        return -(-before * (100 + int(policy["value"])) // 100)

    return _limit(rules, memory, now, after, current, max if rules["selectPolicy"] != "Min" else min)


def _floor(rules: Object, memory: Memory, current: int, now: datetime) -> int:
    def after(policy: Object, changed: int) -> int:
        before = current - changed
        if policy["type"] == "Pods":
            return before - int(policy["value"])
        return before * (100 - int(policy["value"])) // 100

    return _limit(rules, memory, now, after, current, min if rules["selectPolicy"] != "Min" else max)


def _limit(
    rules: Object,
    memory: Memory,
    now: datetime,
    after: Callable[[Object, int], int],
    current: int,
    select: Callable[[list[int]], int],
) -> int:
    """Return the number of replicas that the policies allow, given the changes within their periods."""
    if rules["selectPolicy"] == "Disabled":
        return current
    limits = []
    for policy in rules["policies"]:
        since = later(now, -policy["periodSeconds"])
        limits.append(after(policy, sum(change for time, change in memory.changes if time > since)))
    return select(limits)


def _bounded(
    stable: int, bound: int, by_rate: bool, other: int, able: tuple[str, str], *, up: bool
) -> Limited:
    reached = stable > bound if up else stable < bound
    if not reached:
        return _within(stable, other if up else bound, bound if up else other, able)
    if by_rate:
        direction = "increasing" if up else "decreasing"
        limit = (
            "ScaleUpLimit" if up else "ScaleDownLimit",
            f"the desired replica count is {direction} faster than the maximum scale rate",
        )
    elif up:
        limit = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
    else:
        limit = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
    return Limited(bound, able, limit, is_limited=True)


def _within(stable: int, least: int, most: int, able: tuple[str, str]) -> Limited:
    if stable < least:
        limit = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
        return Limited(least, able, limit, is_limited=True)
    if stable > most:
        limit = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
        return Limited(most, able, limit, is_limited=True)
    limit = ("DesiredWithinRange", "the desired count is within the acceptable range")
    return Limited(stable, able, limit, is_limited=False)
