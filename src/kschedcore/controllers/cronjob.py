"""The CronJob controller: a Job at each time of a schedule (``batch/v1``)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from kschedcore.api.cron import Schedule, parse_schedule
from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.times import later, parse_time, timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects, watch_owned
from kschedcore.controllers.job.ending import holding, is_finished
from kschedcore.controllers.refmanager import controller_reference

__all__ = ["CronJobController"]

TOO_MANY_MISSED = 100
"""With more missed times a warning is recorded; the last of them is started nevertheless."""

_SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_MINUTE = 60
_CRONJOBS, _JOBS = "cronjobs.batch", "jobs.batch"


class CronJobController(Controller):
    """Creates Jobs on schedule, tracks the active ones, and deletes old ones (``batch/v1``)."""

    name = "cronjob-controller"

    def watches(self) -> Iterable[Watch]:
        """Return CronJobs and their Jobs."""
        return watch_objects(_CRONJOBS), watch_owned(_JOBS, _CRONJOBS)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one CronJob: its active Jobs, the next run, and old Jobs."""
        cronjob = self.informers[_CRONJOBS].get(*key)
        if cronjob is None:
            return None
        cronjob = self._noted(cronjob)
        self._clear(cronjob)
        if cronjob["metadata"].get("deletionTimestamp") or cronjob["spec"].get("suspend"):
            return None
        try:
            schedule = _schedule(cronjob)
        except (ValueError, KeyError, OSError) as fault:
            text = cronjob["spec"]["schedule"]
            self.events.event(
                cronjob, "Warning", "UnparseableSchedule", f"unparseable schedule {text!r}: {fault}"
            )
            return None
        due = self._last_missed(cronjob, schedule)
        if due is not None:
            self._start(cronjob, due)
        coming = schedule.after(self.clock.now())
        return None if coming is None else Requeue(coming, background=True)

    def _jobs(self, cronjob: Object) -> list[Object]:
        return self.informers[_JOBS].controlled_by(cronjob)

    def _noted(self, cronjob: Object) -> Object:
        """Return the updated status: the active Jobs, and the time of the last success."""
        jobs = self._jobs(cronjob)
        status = plain(cronjob.get("status", {}))
        known = {each.get("uid") for each in status.get("active", ())}
        running = [job for job in jobs if not is_finished(job)]
        for job in jobs:
            metadata = job["metadata"]
            if metadata["uid"] in known and is_finished(job):
                outcome = "Complete" if holding(job, "Complete") else "Failed"
                message = f"Saw completed job: {metadata['name']}, condition: {outcome}"
                self.events.event(cronjob, "Normal", "SawCompletedJob", message)
            elif metadata["uid"] not in known and not is_finished(job):
                message = f"Saw a job that the controller did not create or forgot: {metadata['name']}"
                self.events.event(cronjob, "Warning", "UnexpectedJob", message)
        present = {job["metadata"]["uid"] for job in jobs}
        for each in status.get("active", ()):
            if each.get("uid") not in present:
                message = f"Active job went missing: {each.get('name', '')}"
                self.events.event(cronjob, "Normal", "MissingJob", message)
        ends = [
            job["status"]["completionTime"] for job in jobs if job.get("status", {}).get("completionTime")
        ]
        last = max([*ends, status.get("lastSuccessfulTime", "")])
        if last:
            status["lastSuccessfulTime"] = last
        return self._written(cronjob, status, running)

    def _written(self, cronjob: Object, status: Object, running: list[Object]) -> Object:
        active = [_reference(job) for job in running]
        known = {each.get("uid"): each for each in status.get("active", ())}
        status["active"] = [known.get(each["uid"], each) for each in active]
        if not active:
            del status["active"]
        if status == cronjob.get("status", {}):
            return cronjob
        return self.client.update_status({**cronjob, "status": status}, _CRONJOBS)

    def _last_missed(self, cronjob: Object, schedule: Schedule) -> datetime | None:
        """Return the latest scheduled time that has passed and was not started yet."""
        spec, status, now = cronjob["spec"], cronjob.get("status", {}), self.clock.now()
        since = (
            parse_time(status.get("lastScheduleTime"))
            or parse_time(cronjob["metadata"]["creationTimestamp"])
            or now
        )
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None:
            since = max(since, later(now, -deadline))
        last, missed, time = None, 0, schedule.after(since)
        while time is not None and time <= now:
            last, missed = time, missed + 1
            if missed > TOO_MANY_MISSED:
                message = (
                    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
                    "clock skew"
                )
                self.events.event(cronjob, "Warning", "TooManyMissedTimes", message)
                return self._latest(schedule, time, now)
            time = schedule.after(time)
        return last

    @staticmethod
    def _latest(schedule: Schedule, time: datetime, now: datetime) -> datetime:
        """Return the latest scheduled time up to ``now``, by binary search."""
        low, high = time, now
        while high - low > timedelta(minutes=1):
            middle = low + (high - low) / 2
            found = schedule.after(middle)
            if found is not None and found <= now:
                low = found
            else:
                high = middle
        found = schedule.after(low)
        return found if found is not None and found <= now else low

    def _start(self, cronjob: Object, due: datetime) -> None:
        spec = cronjob["spec"]
        running = [job for job in self._jobs(cronjob) if not is_finished(job)]
        policy = spec.get("concurrencyPolicy", "Allow")
        if running and policy == "Forbid":
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.events.event(cronjob, "Normal", "JobAlreadyActive", message)
            return
        if policy == "Replace":
            for job in running:
                self._delete(cronjob, job)
            running = []
        name = f"{cronjob['metadata']['name']}-{int(due.timestamp()) // _MINUTE}"
        made = self._create(cronjob, name, due)
        if made is None:
            return
        status = plain(cronjob.get("status", {}))
        status["lastScheduleTime"] = timestamp(due)
        self._written(cronjob, status, [*running, made])

    def _create(self, cronjob: Object, name: str, due: datetime) -> Object | None:
        namespace = cronjob["metadata"]["namespace"]
        try:
            job = self.client.create(_JOBS, namespace, _job(cronjob, name, due))
        except StatusError as refusal:
            if refusal.code != 409:
                raise
            # Created by this controller before it wrote the status, or by another client.
            found = self.informers[_JOBS].get(namespace, name)
            return found if found in self._jobs(cronjob) else None
        self.events.event(cronjob, "Normal", "SuccessfulCreate", f"Created job {name}")
        return job

    def _delete(self, cronjob: Object, job: Object) -> None:
        metadata = job["metadata"]
        self.client.delete(
            _JOBS, metadata["namespace"], metadata["name"], uid=metadata["uid"], propagation="Background"
        )
        self.events.event(cronjob, "Normal", "SuccessfulDelete", f"Deleted job {metadata['name']}")

    def _clear(self, cronjob: Object) -> None:
        """Delete finished Jobs beyond the history limits."""
        for condition, field in (
            ("Complete", "successfulJobsHistoryLimit"),
            ("Failed", "failedJobsHistoryLimit"),
        ):
            limit = cronjob["spec"].get(field)
            if limit is None:
                continue
            ended = [job for job in self._jobs(cronjob) if holding(job, condition)]
            ended.sort(key=lambda job: (job["status"].get("startTime", ""), job["metadata"]["name"]))
            for job in ended[: max(0, len(ended) - limit)]:
                self._delete(cronjob, job)


def _schedule(cronjob: Object) -> Schedule:
    zone: tzinfo = UTC
    if cronjob["spec"].get("timeZone"):
        zone = ZoneInfo(cronjob["spec"]["timeZone"])
    return parse_schedule(cronjob["spec"]["schedule"], zone)


def _job(cronjob: Object, name: str, due: datetime) -> Object:
    template = plain(cronjob["spec"]["jobTemplate"])
    given = template.get("metadata", {})
    zone = ZoneInfo(cronjob["spec"]["timeZone"]) if cronjob["spec"].get("timeZone") else UTC
    at = due.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": given.get("labels", {}),
            "annotations": {**given.get("annotations", {}), _SCHEDULED_AT: at},
            "ownerReferences": [controller_reference(cronjob)],
        },
        "spec": template["spec"],
    }


def _reference(job: Object) -> Object:
    metadata = job["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }
