"""The completion or failure of a Job, and its back-off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kschedcore.api.machinery.conditions import condition_of, is_true
from kschedcore.api.machinery.times import later, parse_time
from kschedcore.api.machinery.types import Object
from kschedcore.controllers.job.podcounts import PodCounts
from kschedcore.controllers.job.pods import ended_at, failure_counts, has_failed, has_succeeded
from kschedcore.controllers.job.policies import failure_verdict, succeeds_early

__all__ = ["COMPLETED", "Ending", "deadline", "ending_of", "holding", "is_finished", "retry_at"]

FIRST_BACKOFF = timedelta(seconds=10)
LONGEST_BACKOFF = timedelta(minutes=10)
"""The initial back-off of replacing failed pods; it doubles each further time."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The completion or failure of a Job.

    Attributes:
        condition: ``Complete`` or ``Failed``.
        reason: The reason of the condition, in CamelCase.
        message: The message of the condition.
    """

    condition: str
    reason: str
    message: str

    @property
    def interim(self) -> str:
        """The condition that is set while the Job's pods are still terminating (KEP-3939, KEP-3998)."""
        return _INTERIM[self.condition]


_INTERIM = {"Failed": "FailureTarget", "Complete": "SuccessCriteriaMet"}

COMPLETED = Ending("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
"""The ending of a Job with enough succeeded pods."""


def holding(job: Object, kind: str) -> Object | None:
    """Return the Job's condition of a type, if it is true."""
    found = condition_of(job, kind)
    return found if found is not None and found["status"] == "True" else None


def is_finished(job: Object) -> bool:
    """Return whether the Job is complete or failed."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def deadline(job: Object) -> datetime | None:
    """Return the end of ``activeDeadlineSeconds``; None without one or if the Job is suspended."""
    seconds, started = job["spec"].get("activeDeadlineSeconds"), job.get("status", {}).get("startTime")
    if seconds is None or not started or job["spec"].get("suspend"):
        return None
    since = parse_time(started)
    return None if since is None else later(since, seconds)


def ending_of(counts: PodCounts, now: datetime) -> Ending | None:
    """Return how the Job ends now; None if it continues."""
    return (
        _begun(counts.job)
        or _by_failure_policy(counts)
        or _by_limits(counts, now)
        or _by_indexes(counts)
        or _by_success_policy(counts)
    )


def _begun(job: Object) -> Ending | None:
    """Return the ending of which the Job has the interim condition."""
    for condition in ("Complete", "Failed"):
        before = holding(job, _INTERIM[condition])
        if before is not None:
            return Ending(condition, before.get("reason", ""), before.get("message", ""))
    return None


def _by_failure_policy(counts: PodCounts) -> Ending | None:
    for pod in counts.pods:
        if has_failed(pod, counts.job):
            verdict = failure_verdict(counts.job, pod)
            if verdict.action == "FailJob":
                return Ending("Failed", "PodFailurePolicy", verdict.message)
    return None


def _by_success_policy(counts: PodCounts) -> Ending | None:
    why = succeeds_early(counts.job, counts.succeeded_indexes) if counts.indexed else ""
    return Ending("Complete", "SuccessPolicy", why) if why else None


def _by_limits(counts: PodCounts, now: datetime) -> Ending | None:
    limit = counts.job["spec"].get("backoffLimit", 6)
    restarts = 0
    if counts.job["spec"]["template"]["spec"].get("restartPolicy") == "OnFailure":
        restarts = sum(map(_restarts, counts.active))
    if counts.failed > limit or (restarts > 0 and restarts >= limit):
        return Ending("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    end = deadline(counts.job)
    if end is not None and now >= end:
        return Ending("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
    return None


def _restarts(pod: Object) -> int:
    status = pod.get("status", {})
    each = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    return sum(container.get("restartCount", 0) for container in each)


def _by_indexes(counts: PodCounts) -> Ending | None:
    if counts.per_index_limit is None or not counts.failed_indexes:
        return None
    allowed = counts.job["spec"].get("maxFailedIndexes")
    if allowed is not None and len(counts.failed_indexes) > allowed:
        message = "Job has exceeded the specified maximal number of failed indexes"
        return Ending("Failed", "MaxFailedIndexesExceeded", message)
    if len(counts.failed_indexes) + counts.succeeded >= (counts.completions or 0):
        return Ending("Failed", "FailedIndexes", "Job has failed indexes")
    return None


def retry_at(counts: PodCounts, index: int | None = None) -> datetime | None:
    """Return the end of the Job's back-off; None without failures since the last success.

    Args:
        counts: The Job's pods.
        index: The index, with a back-off per index.
    """
    if index is not None:
        last = counts.last_failed(index)
        failures = 0 if last is None else _failures(last)
        return None if last is None else later(ended_at(last), _backoff(failures))
    ends = sorted(
        ((ended_at(pod), has_succeeded(pod)) for pod in counts.pods
         if has_succeeded(pod) or has_failed(pod, counts.job)), reverse=True,
    )  # fmt: skip
    failures = next((place for place, (_, well) in enumerate(ends) if well), len(ends))
    return later(ends[0][0], _backoff(failures)) if failures else None


def _failures(pod: Object) -> int:
    return failure_counts(pod, ignored=None)[0] + 1


def _backoff(failures: int) -> timedelta:
    # Beyond 2**20 the maximum back-off is long reached.
    return min(FIRST_BACKOFF * (1 << min(failures - 1, 20)), LONGEST_BACKOFF)
