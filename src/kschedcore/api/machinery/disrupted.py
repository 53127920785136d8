"""The mark of a pod that is taken away for the cluster's sake (``DisruptionTarget``, KEP-3329)."""

from __future__ import annotations

from datetime import datetime

from kschedcore.api.machinery.conditions import with_condition
from kschedcore.api.machinery.types import Object

__all__ = ["disrupted"]


def disrupted(pod: Object, reason: str, message: str, now: datetime, phase: str | None = None) -> Object:
    """The pod's status with the condition ``DisruptionTarget``.

    Args:
        pod: The pod.
        reason: Who takes it away: ``DeletionByTaintManager``.
        message: For people.
        now: The time.
        phase: The phase it is to have from now on, if another.
    """
    status = pod.get("status", {})
    condition = {
        "type": "DisruptionTarget", "status": "True", "reason": reason, "message": message,
        "lastProbeTime": None,
    }  # fmt: skip
    marked = {**status, "conditions": with_condition(status.get("conditions", ()), condition, now)}
    return marked if phase is None else {**marked, "phase": phase}
