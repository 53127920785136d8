"""The Job controller: runs pods until enough of them have succeeded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import Change, controller_of, key_of
from kschedcore.controllers.controller import (
    Context,
    Controller,
    Key,
    Requeue,
    Watch,
    watch_objects,
    watch_owned,
)
from kschedcore.controllers.job.ending import (
    COMPLETED,
    Ending,
    deadline,
    ending_of,
    holding,
    is_finished,
    retry_at,
)
from kschedcore.controllers.job.podcounts import PodCounts
from kschedcore.controllers.job.pods import (
    failure_counts,
    has_failed,
    has_succeeded,
    job_pod,
    pods_to_remove,
    tracked,
    without_finalizer,
)
from kschedcore.controllers.job.policies import failure_verdict
from kschedcore.controllers.podcontrol import is_namespace_terminating

__all__ = ["JobController"]

_OWN_NAME = "kubernetes.io/job-controller"
_BURST = 500
"""Maximum number of pods created or deleted in one pass (``MaxPodCreateDeletePerSync``)."""


BATCH_PERIOD = timedelta(seconds=1)
"""Time for which changes of pods are batched (``syncJobBatchPeriod``)."""


class JobController(Controller):
    """Runs Jobs (``batch/v1``) to completion."""

    name = "job-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.informers["pods"].add_index("job", _job_name)

    def watches(self) -> Iterable[Watch]:
        """Return Jobs and their pods, orphaned ones included."""
        return (
            replace(watch_objects("jobs.batch"), delay=_batch_delay),
            replace(watch_owned("pods", "jobs.batch"), delay=lambda _change: BATCH_PERIOD),
            Watch("pods", _orphan),
        )

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile a Job, or release an orphaned pod from its finalizer."""
        if len(key) > 2:
            pod = self.informers["pods"].get(*key[:2])
            self._remove_finalizers([] if pod is None or controller_of(pod) is not None else [pod])
            return None
        job = self.informers["jobs.batch"].get(*key)
        if job is None or is_finished(job) or _is_managed_elsewhere(job):
            if job is None or is_finished(job):
                self._remove_finalizers(self.informers["pods"].by("job", key))
            return None
        if not job.get("status", {}).get("startTime") and not job["spec"].get("suspend"):
            job = self._written(job, {**_status(job), "startTime": timestamp(self.clock.now())})
        counts = PodCounts(job, self.informers["pods"].controlled_by(job))
        ending = ending_of(counts, self.clock.now())
        again = None
        if ending is not None:
            self._remove(counts.active, counted=True)
        elif counts.complete:
            ending = COMPLETED
            # Running pods are not counted any more.
            self._remove(counts.active, counted=False)
        elif not job["metadata"].get("deletionTimestamp"):
            again = self._scale(counts)
        self._track_finished(key, ending)
        return self._soonest(again, deadline(job))

    def _soonest(self, again: datetime | None, end: datetime | None) -> Requeue | None:
        if again is not None and (end is None or again <= end):
            return Requeue(again)
        return None if end is None else Requeue(end, background=True)

    def _scale(self, counts: PodCounts) -> datetime | None:
        """Create or delete pods; return when to continue to create them."""
        if counts.job["spec"].get("suspend"):
            self._remove(counts.active, counted=False)
            return None
        wanted, active = counts.wanted_active(), len(counts.active)
        surplus: list[Object] = []
        if counts.indexed or active > wanted:
            surplus = pods_to_remove(counts.job, counts.active, active - wanted)[:_BURST]
        if surplus:
            self._remove(surplus, counted=False)
            return None
        if counts.job["spec"].get("podReplacementPolicy") == "Failed" or counts.job["spec"].get(
            "podFailurePolicy"
        ):
            active += len(counts.terminating)
        missing = min(wanted - active, _BURST)
        return self._make(counts, missing) if missing > 0 else None

    def _make(self, counts: PodCounts, missing: int) -> datetime | None:
        now, again = self.clock.now(), None
        if counts.per_index_limit is None:
            again = retry_at(counts)
            if again is not None and again > now:
                return again
            again = None
        for index in self._places(counts, missing):
            if counts.per_index_limit is not None and index is not None:
                due = retry_at(counts, index)
                if due is not None and due > now:
                    again = due if again is None else min(again, due)
                    continue
            self._create(counts, index)
        return again

    def _places(self, counts: PodCounts, missing: int) -> Sequence[int | None]:
        if not counts.indexed:
            return [None] * missing
        return counts.pending_indexes(missing, [*counts.active, *counts.terminating])

    def _create(self, counts: PodCounts, index: int | None) -> None:
        job, failures = counts.job, None
        if counts.per_index_limit is not None and index is not None:
            last = counts.last_failed(index)
            failures = (0, 0)
            if last is not None:
                failures = failure_counts(last, ignored=failure_verdict(job, last).action == "Ignore")
        try:
            pod = self.client.create("pods", job["metadata"]["namespace"], job_pod(job, index, failures))
        except StatusError as refusal:
            if not is_namespace_terminating(refusal):
                self.events.event(job, "Warning", "FailedCreate", f"Error creating: {refusal.message}")
            raise
        self.events.event(job, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    def _remove(self, pods: Iterable[Object], *, counted: bool) -> None:
        """Delete pods; the finalizer of pods that need not be counted is removed first."""
        for pod in pods:
            metadata = pod["metadata"]
            if not counted:
                self._remove_finalizers([pod])
            self.client.delete("pods", metadata["namespace"], metadata["name"], uid=metadata["uid"])

    def _remove_finalizers(self, pods: Iterable[Object]) -> None:
        for pod in pods:
            metadata = pod["metadata"]
            if tracked(pod):
                patch = {"metadata": {"uid": metadata["uid"], "finalizers": without_finalizer(pod) or None}}
                self.client.patch("pods", metadata["namespace"], metadata["name"], patch)

    def _track_finished(self, key: Key, ending: Ending | None) -> None:
        """Count the finished pods, and write the Job's status."""
        job = self.informers["jobs.batch"].get(*key)
        if job is None:
            return
        counts = PodCounts(job, self.informers["pods"].controlled_by(job))
        job = self._written(job, self._noted(counts, ending))
        all_pods = ending is not None or job["metadata"].get("deletionTimestamp")
        # Pods recorded now or before a restart, or pods that do not count.
        self._remove_finalizers(
            pod for pod in counts.pods if all_pods or has_succeeded(pod) or has_failed(pod, job)
        )
        counts = PodCounts(job, self.informers["pods"].controlled_by(job))
        before, status = job, self._counted(counts)
        # The Job is finished once every finished pod is counted and no pod is terminating.
        over = ending is not None and "uncountedTerminatedPods" not in status and not counts.terminating
        if ending is not None and over:
            status = self._ended_status(status, ending)
        if self._written(before, status) is not before and ending is not None and over:
            self._record_ending(before, ending)

    def _noted(self, counts: PodCounts, ending: Ending | None) -> Object:
        """Return the status with the uids of finished pods, which is written before their finalizers are removed."""
        status = self._standing(counts)
        uncounted = [set(uids) for uids in counts.uncounted]
        failed = counts.new_failed(all_left=ending is not None and ending.condition == "Failed")
        for uids, pods in zip(uncounted, (counts.new_succeeded(), failed), strict=True):
            uids.update(pod["metadata"]["uid"] for pod in pods)
        if counts.indexed:
            # Completed indexes already record it, and are idempotent.
            uncounted[0].clear()
        _put(status, "uncountedTerminatedPods", _uncounted(*uncounted))
        if ending is not None and holding(counts.job, ending.interim) is None:
            now = timestamp(self.clock.now())
            _set_condition(status, ending.interim, ending.reason, ending.message, now)
        return status

    def _counted(self, counts: PodCounts) -> Object:
        """Return the status with the pods counted that have lost their finalizer."""
        status = self._standing(counts)
        held = {pod["metadata"]["uid"] for pod in counts.pods if tracked(pod)}
        succeeded, failed = counts.uncounted
        if not counts.indexed:
            _put(status, "succeeded", status.get("succeeded", 0) + len(succeeded - held))
        _put(status, "failed", status.get("failed", 0) + len(failed - held))
        _put(status, "uncountedTerminatedPods", _uncounted(succeeded & held, failed & held))
        return status

    def _standing(self, counts: PodCounts) -> Object:
        status = _status(counts.job)
        _put(status, "active", len(counts.active))
        status["ready"], status["terminating"] = counts.ready, len(counts.terminating)
        if counts.indexed:
            _put(status, "succeeded", counts.succeeded)
            _put(status, "completedIndexes", counts.completed_text())
        if counts.per_index_limit is not None:
            _put(status, "failedIndexes", counts.failed_text())
        self._suspension(counts.job, status)
        return status

    def _suspension(self, job: Object, status: Object) -> None:
        now = timestamp(self.clock.now())
        before = next((each for each in status.get("conditions", ()) if each["type"] == "Suspended"), None)
        if job["spec"].get("suspend"):
            if before is None or before["status"] != "True":
                _set_condition(status, "Suspended", "JobSuspended", "Job suspended", now)
                status.pop("startTime", None)
                self.events.event(job, "Normal", "Suspended", "Job suspended")
        elif before is not None and before["status"] == "True":
            _set_condition(status, "Suspended", "JobResumed", "Job resumed", now, holds=False)
            status["startTime"] = now
            self.events.event(job, "Normal", "Resumed", "Job resumed")

    def _ended_status(self, status: Object, ending: Ending) -> Object:
        now = timestamp(self.clock.now())
        _set_condition(status, ending.condition, ending.reason, ending.message, now)
        if ending.condition == "Complete":
            status["completionTime"] = now
        return status

    def _record_ending(self, job: Object, ending: Ending) -> None:
        if ending.condition == "Complete":
            self.events.event(job, "Normal", "Completed", "Job completed")
        else:
            self.events.event(job, "Warning", ending.reason, ending.message)

    def _written(self, job: Object, status: Object) -> Object:
        if status == job.get("status", {}):
            return job
        return self.client.update_status({**job, "status": status}, "jobs.batch")


def _batch_delay(change: Change) -> timedelta:
    """Return the batch delay of a change: none for a changed spec, the batch period for a changed status."""
    old, new = change.old, change.new
    if old is None or new is None or old["metadata"].get("generation") != new["metadata"].get("generation"):
        return timedelta()
    return BATCH_PERIOD


def _job_name(pod: Object) -> Iterable[Key]:
    reference = controller_of(pod)
    if reference is None or reference["kind"] != "Job":
        return ()
    return ((pod["metadata"]["namespace"], reference["name"]),)


def _orphan(change: Change) -> Iterable[Key]:
    """Return the key of an orphaned pod with the Job finalizer (``syncOrphanPod``); it has a third part."""
    pod = change.new
    if pod is None or controller_of(pod) is not None or not tracked(pod):
        return ()
    return ((*key_of(pod), "orphan"),)


def _is_managed_elsewhere(job: Object) -> bool:
    """Return whether another controller manages the Job (``spec.managedBy``, KEP-4368)."""
    manager: str = job["spec"].get("managedBy", _OWN_NAME)
    return manager != _OWN_NAME


def _status(job: Object) -> Object:
    return plain(job.get("status", {}))


def _put(status: Object, key: str, value: object) -> None:
    """Set a field unless the value is empty."""
    if value:
        status[key] = value
    else:
        status.pop(key, None)


def _uncounted(succeeded: Iterable[str], failed: Iterable[str]) -> Object:
    lists = {"succeeded": sorted(succeeded), "failed": sorted(failed)}
    return {name: uids for name, uids in lists.items() if uids}


def _set_condition(
    status: Object, kind: str, reason: str, message: str, now: str, *, holds: bool = True
) -> None:
    conditions = [each for each in status.get("conditions", ()) if each["type"] != kind]
    condition = {
        "type": kind,
        "status": "True" if holds else "False",
        "lastProbeTime": now,
        "lastTransitionTime": now,
    }
    _put(condition, "reason", reason)
    _put(condition, "message", message)
    status["conditions"] = [*conditions, condition]
