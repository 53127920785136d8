"""Active pods, and their ranking for deletion when a ReplicaSet has too many.

The order is that of Kubernetes' ``ActivePodsWithRanks`` (scaling down in the ReplicaSet's reference, KEP-2255
for ``controller.kubernetes.io/pod-deletion-cost``, KEP-2185 for ages that count by their order of magnitude).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cmp_to_key
from typing import Any

from kschedcore.api.machinery.times import EARLIEST, parse_time
from kschedcore.api.phases import has_ended

__all__ = ["is_active", "is_terminating", "pods_to_delete", "ready_since"]

Pod = Mapping[str, Any]

_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def is_active(pod: Pod) -> bool:
    """Return whether the pod counts as a replica: it has neither ended nor is being deleted (``IsPodActive``)."""
    return not has_ended(pod) and not pod["metadata"].get("deletionTimestamp")


def is_terminating(pod: Pod) -> bool:
    """Return whether the pod is being deleted and has not ended (``controller.IsPodTerminating``)."""
    return bool(pod["metadata"].get("deletionTimestamp")) and not has_ended(pod)


def ready_since(pod: Pod) -> datetime | None:
    """Return when the pod became ready; None while it is not."""
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == "Ready" and condition["status"] == "True":
            return parse_time(condition.get("lastTransitionTime")) or _created(pod)
    return None


def pods_to_delete(pods: Iterable[Pod], count: int, related: Iterable[Pod], now: datetime) -> list[Pod]:
    """Return the ``count`` pods to delete first, in order.

    Args:
        pods: The active pods of the ReplicaSet.
        count: Number of pods to delete.
        related: Active pods of all ReplicaSets of the same owner, by which colocated pods are ranked.
        now: The time that ages are measured from.
    """
    per_node: dict[str, int] = {}
    for pod in related:
        node = pod["spec"].get("nodeName", "")
        per_node[node] = per_node.get(node, 0) + 1

    def compare(one: Pod, other: Pod) -> int:
        first, second = _standing(one, per_node), _standing(other, per_node)
        if first != second:
            return -1 if first < second else 1
        return (
            _younger(ready_since(one), ready_since(other), one, other, now)
            or _restarts(other) - _restarts(one)
            or _younger(_created(one), _created(other), one, other, now)
        )

    return sorted(pods, key=cmp_to_key(compare))[:count]


def _standing(pod: Pod, per_node: Mapping[str, int]) -> tuple[bool, int, bool, int, int]:
    node = pod["spec"].get("nodeName", "")
    phase = _PHASES.get(pod.get("status", {}).get("phase", "Pending"), 0)
    return bool(node), phase, ready_since(pod) is not None, _cost(pod), -per_node.get(node, 0)


def _cost(pod: Pod) -> int:
    # A value that is not an int32 counts as 0: the ranking must not depend on validation having run.
    text = pod["metadata"].get("annotations", {}).get(_COST, "0")
    digits = text.removeprefix("-")
    valid = digits.isdecimal() and digits.isascii() and (digits == "0" or not digits.startswith("0"))
    cost = int(text) if valid and len(digits) <= len("2147483648") else 0
    return cost if -(2**31) <= cost < 2**31 else 0


def _created(pod: Pod) -> datetime:
    return parse_time(pod["metadata"]["creationTimestamp"]) or EARLIEST


def _younger(one: datetime | None, other: datetime | None, a: Pod, b: Pod, now: datetime) -> int:
    """Compare by age: negative if ``a`` is younger; within one order of magnitude, if its uid is smaller."""
    if one == other or one is None or other is None:
        return 0
    difference = _magnitude(now, one) - _magnitude(now, other)
    return difference or (-1 if a["metadata"]["uid"] < b["metadata"]["uid"] else 1)


def _magnitude(now: datetime, since: datetime) -> int:
    nanoseconds = (now - since).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds > 0 else -1


def _restarts(pod: Pod) -> int:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return max((status.get("restartCount", 0) for status in statuses), default=0)
