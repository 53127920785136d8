"""The mark of a pod that is taken away for the cluster's sake (``DisruptionTarget``, KEP-3329)."""

from __future__ import annotations

from datetime import datetime

from kschedcore.store.admission_types import Object
from kschedcore.store.meta import timestamp
from kschedcore.store.objects import plain

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
    status = plain(pod.get("status", {}))
    others = [each for each in status.get("conditions", ()) if each["type"] != "DisruptionTarget"]
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": timestamp(now),
        "reason": reason,
        "message": message,
    }
    status["conditions"] = [*others, condition]
    if phase is not None:
        status["phase"] = phase
    return status
