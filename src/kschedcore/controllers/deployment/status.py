"""A Deployment's status: counts, whether it is available, and how its rollout gets on.

The conditions are those of Deployments' reference, under "Deployment status": ``Available``, ``Progressing``
and ``ReplicaFailure``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from kschedcore.api.machinery.conditions import condition_in, condition_of
from kschedcore.api.machinery.times import EARLIEST, later, parse_time, timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.controllers.controller import Requeue
from kschedcore.controllers.deployment.sizes import available, max_unavailable, replicas

__all__ = [
    "has_deadline",
    "is_complete",
    "next_deadline",
    "progress_status",
    "replica_status",
    "with_condition",
]

_NEVER = 2**31 - 1
"""As ``progressDeadlineSeconds``: there is no deadline."""

_IN_TIME = timedelta(seconds=1)
"""So long after a deadline is looked again, so that it is surely past."""


def has_deadline(deployment: Object) -> bool:
    """Whether the rollout's progress is watched."""
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return seconds is not None and seconds != _NEVER


def with_condition(
    status: Object, kind: str, value: str, reason: str, message: str, now: datetime, *, renewed: bool = False
) -> Object:
    """The status with a condition; one that says the same for the same reason stays as it is.

    Args:
        status: The status before.
        kind: The condition's type.
        value: Its status: ``True``, ``False`` or ``Unknown``.
        reason: In one word of capitals.
        message: For people.
        now: The time.
        renewed: Whether the time of its last update is now, even if it says the same as before.
    """
    before = condition_in(status, kind)
    if before and not renewed and (before["status"], before.get("reason")) == (value, reason):
        return status
    same = before is not None and before["status"] == value
    condition = {
        "type": kind,
        "status": value,
        "lastUpdateTime": timestamp(now),
        "lastTransitionTime": before["lastTransitionTime"] if before and same else timestamp(now),
        "reason": reason,
        "message": message,
    }
    return {**status, "conditions": [*_without(status, kind), condition]}


def _without(status: Object, kind: str) -> list[Object]:
    return [each for each in status.get("conditions", ()) if each["type"] != kind]


def replica_status(deployment: Object, new: Object | None, old: Sequence[Object], now: datetime) -> Object:
    """The status with counts and ``Available`` as the ReplicaSets have them; other conditions stay."""
    everyone = [*old, *([] if new is None else [new])]
    total, up = sum(map(replicas, everyone)), sum(map(available, everyone))
    counts = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": _sum(everyone, "replicas"),
        "updatedReplicas": 0 if new is None else _sum([new], "replicas"),
        "readyReplicas": _sum(everyone, "readyReplicas"),
        "availableReplicas": up,
        "unavailableReplicas": max(0, total - up),
    }
    before = deployment.get("status", {})
    kept = {key: before[key] for key in ("conditions", "collisionCount") if key in before}
    status = {key: count for key, count in counts.items() if count} | kept
    if all("terminatingReplicas" in each.get("status", {}) for each in everyone):
        status["terminatingReplicas"] = _sum(everyone, "terminatingReplicas")
    if up >= replicas(deployment) - max_unavailable(deployment):
        words = "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        words = "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    return with_condition(status, "Available", *words, now)


def _sum(replica_sets: Sequence[Object], count: str) -> int:
    return sum(each.get("status", {}).get(count, 0) for each in replica_sets)


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether every pod asked for is there, of the newest template and available, and no other."""
    wanted = replicas(deployment)
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return observed and all(status.get(count, 0) == wanted for count in counts)


def progress_status(deployment: Object, new: Object | None, old: Sequence[Object], now: datetime) -> Object:
    """The status during a rollout: that of :func:`replica_status` with ``Progressing`` and ``ReplicaFailure``."""
    status = replica_status(deployment, new, old, now)
    if has_deadline(deployment):
        status = _with_progress(deployment, status, new, now)
    else:
        status = {**status, "conditions": _without(status, "Progressing")}
    failures = [
        failure
        for each in [*([] if new is None else [new]), *old]
        if (failure := condition_of(each, "ReplicaFailure")) is not None
    ]
    if not failures:
        return {**status, "conditions": _without(status, "ReplicaFailure")}
    failure = failures[0]
    return with_condition(
        status, "ReplicaFailure", failure["status"], failure["reason"], failure["message"], now
    )


def _with_progress(deployment: Object, status: Object, new: Object | None, now: datetime) -> Object:
    current = condition_in(status, "Progressing")
    done = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if done and current is not None and current.get("reason") == "NewReplicaSetAvailable":
        return status
    subject = f'Deployment "{deployment["metadata"]["name"]}"'
    if new is not None:
        subject = f'ReplicaSet "{new["metadata"]["name"]}"'
    if is_complete(deployment, status):
        message = f"{subject} has successfully progressed."
        return with_condition(status, "Progressing", "True", "NewReplicaSetAvailable", message, now)
    if _has_progressed(deployment.get("status", {}), status):
        message = f"{subject} is progressing."
        return with_condition(status, "Progressing", "True", "ReplicaSetUpdated", message, now, renewed=True)
    if _is_late(deployment, current, now):
        message = f"{subject} has timed out progressing."
        return with_condition(status, "Progressing", "False", "ProgressDeadlineExceeded", message, now)
    return status


def _has_progressed(before: Object, after: Object) -> bool:
    """Whether there are more new pods, fewer old ones, or more that are ready or available."""

    def old(status: Object) -> int:
        count: int = status.get("replicas", 0) - status.get("updatedReplicas", 0)
        return count

    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old(after) < old(before) or any(after.get(each, 0) > before.get(each, 0) for each in more)


def _deadline(deployment: Object, progressing: Object) -> datetime:
    since = parse_time(progressing.get("lastUpdateTime")) or EARLIEST
    return later(since, deployment["spec"]["progressDeadlineSeconds"])


def _is_late(deployment: Object, progressing: Object | None, now: datetime) -> bool:
    if progressing is None or progressing.get("reason") == "NewReplicaSetAvailable":
        return False
    late = progressing.get("reason") == "ProgressDeadlineExceeded"
    return late or _deadline(deployment, progressing) < now


def next_deadline(deployment: Object) -> Requeue | None:
    """When to look whether the rollout has not progressed in time; None when nothing is awaited."""
    status = deployment.get("status", {})
    progressing = condition_in(status, "Progressing")
    if not has_deadline(deployment) or deployment["spec"].get("paused") or progressing is None:
        return None
    if deployment["metadata"].get("deletionTimestamp") or is_complete(deployment, status):
        return None
    if progressing.get("reason") in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        # A deadline that was met, or missed, is not looked at again: it is past.
        return None
    return Requeue(later(_deadline(deployment, progressing), _IN_TIME), background=True)
