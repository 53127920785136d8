"""The pods of a Job, classified as active, terminating, succeeded and failed (KEP-2307).

A finished pod is counted exactly once. Its uid is first written to ``status.uncountedTerminatedPods``, then
the pod loses its finalizer, and only then does it move from the list into the counts; a controller that is
restarted in between resumes from the status.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kschedcore.api.completion_indexes import format_indexes, parse_indexes
from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import has_ended
from kschedcore.controllers.activepods import is_active, ready_since
from kschedcore.controllers.job.pods import (
    completion_index,
    failure_counts,
    has_failed,
    has_succeeded,
    is_indexed,
    tracked,
)
from kschedcore.controllers.job.policies import failure_verdict

__all__ = ["PodCounts"]


@dataclass
class PodCounts:
    """The pods of a Job in one reconciliation.

    Args:
        job: The Job.
        pods: All of its pods.

    Attributes:
        active: Pods that have not ended and are not terminating.
        terminating: Pods that are being deleted and have not ended.
        succeeded_indexes: The completed indexes of an indexed Job.
        failed_indexes: The failed indexes, with ``backoffLimitPerIndex``.
    """

    job: Object
    pods: list[Object]
    active: list[Object] = field(init=False)
    terminating: list[Object] = field(init=False)
    succeeded_indexes: set[int] = field(init=False)
    failed_indexes: set[int] = field(init=False)

    def __post_init__(self) -> None:
        status, completions = self.job.get("status", {}), self.completions or 0
        self.active = [pod for pod in self.pods if is_active(pod)]
        self.terminating = [
            pod for pod in self.pods if pod["metadata"].get("deletionTimestamp") and not has_ended(pod)
        ]
        self.succeeded_indexes = parse_indexes(status.get("completedIndexes", ""), completions)
        if self.indexed:
            for pod in self.pods:
                index = completion_index(pod, completions)
                if index is not None and tracked(pod) and has_succeeded(pod):
                    self.succeeded_indexes.add(index)
        self.failed_indexes = parse_indexes(status.get("failedIndexes", ""), completions)
        if self.per_index_limit is not None:
            self.failed_indexes |= self._newly_failed_indexes() - self.succeeded_indexes

    @property
    def indexed(self) -> bool:
        """Whether ``spec.completionMode`` is ``Indexed``."""
        return is_indexed(self.job)

    @property
    def completions(self) -> int | None:
        """``spec.completions``; None for a work queue."""
        wanted: int | None = self.job["spec"].get("completions")
        return wanted

    @property
    def per_index_limit(self) -> int | None:
        """``spec.backoffLimitPerIndex``."""
        limit: int | None = self.job["spec"].get("backoffLimitPerIndex")
        return limit

    @property
    def ready(self) -> int:
        """Number of active pods that are ready."""
        return sum(ready_since(pod) is not None for pod in self.active)

    @property
    def uncounted(self) -> tuple[set[str], set[str]]:
        """UIDs in ``status.uncountedTerminatedPods``: of succeeded pods, and of failed pods."""
        written = self.job.get("status", {}).get("uncountedTerminatedPods") or {}
        return set(written.get("succeeded", ())), set(written.get("failed", ()))

    def _valid(self, pod: Object) -> bool:
        return not self.indexed or completion_index(pod, self.completions or 0) is not None

    def new_succeeded(self) -> list[Object]:
        """Return succeeded pods that the status does not record yet."""
        uncounted = set().union(*self.uncounted)
        return [
            pod
            for pod in self.pods
            if tracked(pod)
            and has_succeeded(pod)
            and self._valid(pod)
            and pod["metadata"]["uid"] not in uncounted
        ]

    def new_failed(self, *, all_left: bool = False) -> list[Object]:
        """Return pods that failed, count as failures and are not recorded in the status yet.

        Args:
            all_left: The Job has ended, so every pod that did not succeed counts.
        """
        uncounted = set().union(*self.uncounted)
        return [
            pod
            for pod in self.pods
            if tracked(pod)
            and not has_succeeded(pod)
            and (all_left or has_failed(pod, self.job))
            and self._valid(pod)
            and pod["metadata"]["uid"] not in uncounted
            and failure_verdict(self.job, pod).action != "Ignore"
        ]

    @property
    def succeeded(self) -> int:
        """Number of completions, including uncounted pods."""
        if self.indexed:
            return len(self.succeeded_indexes)
        before = self.job.get("status", {}).get("succeeded", 0)
        return int(before) + len(self.new_succeeded()) + len(self.uncounted[0])

    @property
    def failed(self) -> int:
        """Number of failed pods, including uncounted pods."""
        before = self.job.get("status", {}).get("failed", 0)
        return int(before) + len(self.new_failed()) + len(self.uncounted[1])

    @property
    def complete(self) -> bool:
        """Whether enough pods have succeeded."""
        if self.completions is None:
            # A work queue is complete when one pod succeeded and no other is active.
            return self.succeeded > 0 and not self.active
        return self.succeeded >= self.completions

    def wanted_active(self) -> int:
        """Return how many pods should be active."""
        parallelism: int = self.job["spec"].get("parallelism", 1)
        if self.completions is None:
            # No pod is added after the first success.
            return len(self.active) if self.succeeded > 0 else parallelism
        open_ = self.completions - self.succeeded - len(self.failed_indexes)
        return max(0, min(open_, parallelism))

    def pending_indexes(self, count: int, taken: Iterable[Object]) -> list[int]:
        """Return the first ``count`` indexes that are not completed, failed or ``taken`` by a pod."""
        completions = self.completions or 0
        busy = {completion_index(pod, completions) for pod in taken}
        free: list[int] = []
        for index in range(completions):
            if len(free) >= count:
                break
            if index not in busy and index not in self.succeeded_indexes and index not in self.failed_indexes:
                free.append(index)
        return free

    def last_failed(self, index: int) -> Object | None:
        """Return the failed pod of an index with the highest failure count."""
        completions = self.completions or 0
        failed = [
            pod
            for pod in self.pods
            if completion_index(pod, completions) == index and has_failed(pod, self.job)
        ]
        return max(failed, key=lambda pod: sum(failure_counts(pod, ignored=None)), default=None)

    def _newly_failed_indexes(self) -> set[int]:
        completions, limit = self.completions or 0, self.per_index_limit or 0
        found = set()
        for pod in self.pods:
            index = completion_index(pod, completions)
            if index is None or not has_failed(pod, self.job):
                continue
            action = failure_verdict(self.job, pod).action
            count, _ = failure_counts(pod, ignored=action == "Ignore")
            if action == "FailIndex" or count > limit:
                found.add(index)
        return found

    def completed_text(self) -> str:
        """``status.completedIndexes``."""
        return format_indexes(self.succeeded_indexes)

    def failed_text(self) -> str:
        """``status.failedIndexes``."""
        return format_indexes(self.failed_indexes)
