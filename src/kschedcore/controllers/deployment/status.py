"""A Deployment's status: counts, availability and progress.

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
"""The ``progressDeadlineSeconds`` that means no deadline."""

_IN_TIME = timedelta(seconds=1)
"""The check after a deadline is delayed by this, so that the deadline has passed."""


def has_deadline(deployment: Object) -> bool:
    """Return whether the Deployment has a progress deadline."""
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return seconds is not None and seconds != _NEVER


def with_condition(
    status: Object, kind: str, value: str, reason: str, message: str, now: datetime, *, renewed: bool = False
) -> Object:
    """Return the status with a condition; one with the same status and reason is left unchanged.

    Args:
        status: The status before.
        kind: The condition's type.
        value: The condition's status: ``True``, ``False`` or ``Unknown``.
        reason: The condition's reason.
        message: The condition's message.
        now: The time.
        renewed: Whether to set its update time even if it is unchanged.
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
    """Return the status with counts and ``Available`` computed from the ReplicaSets."""
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
    """Return whether all pods are updated and available, and no old pods exist (``DeploymentComplete``)."""
    wanted = replicas(deployment)
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return observed and all(status.get(count, 0) == wanted for count in counts)


def progress_status(deployment: Object, new: Object | None, old: Sequence[Object], now: datetime) -> Object:
    """Return :func:`replica_status` with the conditions ``Progressing`` and ``ReplicaFailure``."""
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
    """Return whether there are more updated, fewer old, or more ready or available pods than before."""

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
    """Return when to check the progress deadline; None if there is no rollout."""
    status = deployment.get("status", {})
    progressing = condition_in(status, "Progressing")
    if not has_deadline(deployment) or deployment["spec"].get("paused") or progressing is None:
        return None
    if deployment["metadata"].get("deletionTimestamp") or is_complete(deployment, status):
        return None
    if progressing.get("reason") in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        # A deadline that has passed is not checked again.
        return None
    return Requeue(later(_deadline(deployment, progressing), _IN_TIME), background=True)
