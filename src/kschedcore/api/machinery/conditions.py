"""Conditions of a status: one per type, each with its last transition time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Object

__all__ = ["condition_in", "condition_of", "disrupted", "is_true", "with_condition"]


def condition_of(obj: Mapping[str, Any], kind: str) -> Object | None:
    """Return the condition of a type in an object's status, or None."""
    return condition_in(obj.get("status", {}), kind)


def condition_in(status: Mapping[str, Any], kind: str) -> Object | None:
    """Return the condition of a type in a status, or None."""
    conditions: Iterable[Object] = status.get("conditions", ())
    return next((each for each in conditions if each["type"] == kind), None)


def is_true(obj: Mapping[str, Any], kind: str) -> bool:
    """Return whether an object has a condition of a type with status ``True``."""
    found = condition_of(obj, kind)
    return found is not None and found["status"] == "True"


def with_condition(conditions: Iterable[Object], new: Object, now: datetime) -> list[Object]:
    """Return conditions with ``new`` replacing the one of its type, or appended.

    ``lastTransitionTime`` only changes with the status (``UpdatePodCondition``).
    """
    dated = {**new, "lastTransitionTime": timestamp(now)}
    found = []
    for each in conditions:
        if each["type"] == new["type"]:
            if each["status"] == new["status"]:
                dated["lastTransitionTime"] = each.get("lastTransitionTime") or dated["lastTransitionTime"]
            each, dated = dated, {}
        found.append(each)
    return [*found, dated] if dated else found


def disrupted(pod: Object, reason: str, message: str, now: datetime, phase: str | None = None) -> Object:
    """Return a pod's status with the condition ``DisruptionTarget``, before the pod is evicted (KEP-3329).

    Args:
        pod: The pod.
        reason: The component that evicts it: ``DeletionByTaintManager``.
        message: The explanation for users.
        now: The time.
        phase: The new phase, if it changes.
    """
    status = pod.get("status", {})
    condition = {
        "type": "DisruptionTarget", "status": "True", "reason": reason, "message": message,
        "lastProbeTime": None,
    }  # fmt: skip
    marked = {**status, "conditions": with_condition(status.get("conditions", ()), condition, now)}
    return marked if phase is None else {**marked, "phase": phase}
