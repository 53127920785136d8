"""How far a Job has come: its pods sorted into active, ended and counted (KEP-2307).

The end of a pod is counted exactly once. Its uid is first written to ``status.uncountedTerminatedPods``, then
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

__all__ = ["Tally"]


@dataclass
class Tally:
    """The pods of a Job at one moment.

    Args:
        job: The Job.
        pods: All of its pods.

    Attributes:
        active: Pods that have not ended and are not terminating.
        terminating: Pods that are being deleted and have not ended.
        succeeded_indexes: Of an indexed Job, what is done.
        failed_indexes: With a back-off per index, what will not be tried again.
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
        """Whether completions have indexes."""
        return is_indexed(self.job)

    @property
    def completions(self) -> int | None:
        """How many pods are to succeed; None for "any"."""
        wanted: int | None = self.job["spec"].get("completions")
        return wanted

    @property
    def per_index_limit(self) -> int | None:
        """``spec.backoffLimitPerIndex``."""
        limit: int | None = self.job["spec"].get("backoffLimitPerIndex")
        return limit

    @property
    def ready(self) -> int:
        """How many active pods are ready."""
        return sum(ready_since(pod) is not None for pod in self.active)

    @property
    def uncounted(self) -> tuple[set[str], set[str]]:
        """The uids written down but not in the counts yet: of the succeeded, and of the failed."""
        written = self.job.get("status", {}).get("uncountedTerminatedPods") or {}
        return set(written.get("succeeded", ())), set(written.get("failed", ()))

    def _valid(self, pod: Object) -> bool:
        return not self.indexed or completion_index(pod, self.completions or 0) is not None

    def new_succeeded(self) -> list[Object]:
        """Pods that have succeeded and are written down nowhere yet."""
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
        """Pods that have failed, count as failures and are written down nowhere yet.

        Args:
            all_left: The Job has ended: whatever did not succeed counts.
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
        """How many completions there are, those not counted yet among them."""
        if self.indexed:
            return len(self.succeeded_indexes)
        before = self.job.get("status", {}).get("succeeded", 0)
        return int(before) + len(self.new_succeeded()) + len(self.uncounted[0])

    @property
    def failed(self) -> int:
        """How many pods have failed, those not counted yet among them."""
        before = self.job.get("status", {}).get("failed", 0)
        return int(before) + len(self.new_failed()) + len(self.uncounted[1])

    @property
    def complete(self) -> bool:
        """Whether as many have succeeded as were asked for."""
        if self.completions is None:
            # Of a work queue: one pod has found it empty, and the others have left as well.
            return self.succeeded > 0 and not self.active
        return self.succeeded >= self.completions

    def wanted_active(self) -> int:
        """How many pods should be at work."""
        parallelism: int = self.job["spec"].get("parallelism", 1)
        if self.completions is None:
            # Once one has succeeded, none is added.
            return len(self.active) if self.succeeded > 0 else parallelism
        open_ = self.completions - self.succeeded - len(self.failed_indexes)
        return max(0, min(open_, parallelism))

    def pending_indexes(self, count: int, taken: Iterable[Object]) -> list[int]:
        """The first ``count`` indexes that are neither done, nor given up, nor ``taken`` by a pod."""
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
        """The pod of an index with the most failures behind it, of those that failed."""
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
