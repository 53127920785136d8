"""TTL after finished: deletes finished Jobs after their time to live (KEP-592)."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.times import later, parse_time
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects
from kschedcore.controllers.job.ending import holding

__all__ = ["TTLAfterFinishedController"]


class TTLAfterFinishedController(Controller):
    """Deletes Jobs ``ttlSecondsAfterFinished`` after they finished."""

    name = "ttl-after-finished-controller"

    def watches(self) -> Iterable[Watch]:
        """Return Jobs."""
        return (watch_objects("jobs.batch"),)

    def reconcile(self, key: Key) -> Requeue | None:
        """Delete a Job whose time to live has expired."""
        job = self.informers["jobs.batch"].get(*key)
        if job is None or job["metadata"].get("deletionTimestamp"):
            return None
        ended = holding(job, "Complete") or holding(job, "Failed")
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if ended is None or seconds is None:
            return None
        due = later(parse_time(ended.get("lastTransitionTime")) or self.clock.now(), seconds)
        if due > self.clock.now():
            return Requeue(due, background=True)
        namespace, name = key
        self.client.delete(
            "jobs.batch", namespace, name, uid=job["metadata"]["uid"], propagation="Foreground"
        )
        return None
