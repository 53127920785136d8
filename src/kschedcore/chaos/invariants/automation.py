"""Invariants of what starts and scales by itself: CronJobs and autoscalers."""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.chaos.chronicle import Objects, Write
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.client.informer import controller_of
from kschedcore.controllers.job.ending import is_finished

__all__ = ["AutoscalersStayWithinBounds", "CronJobsForbidWhatTheySay"]

_JOBS, _CRONJOBS = "jobs.batch", "cronjobs.batch"
_AUTOSCALERS = "horizontalpodautoscalers.autoscaling"


class CronJobsForbidWhatTheySay(Invariant):
    """A CronJob starts no Job beside another that is at work, unless its policy allows that.

    A controller that has not heard of everything may; it looks at the time when what it knew was true.
    """

    def written(self, write: Write, objects: Objects) -> Iterator[str]:
        """Look at the Jobs that a CronJob starts."""
        if write.resource != _JOBS or write.old is not None or write.new is None or write.late:
            return
        owner = controller_of(write.new)
        if owner is None or owner["kind"] != "CronJob":
            return
        namespace = write.new["metadata"]["namespace"]
        cronjob = objects.get(_CRONJOBS, {}).get((namespace, owner["name"]))
        if cronjob is None or cronjob["spec"].get("concurrencyPolicy") != "Forbid":
            return
        for job in objects[_JOBS].values():
            other = controller_of(job)
            if job is write.new or other is None or other["uid"] != owner["uid"] or is_finished(job):
                continue
            yield f"{job['metadata']['name']} is at work: {write}"


class AutoscalersStayWithinBounds(Invariant):
    """An autoscaler asks for no less than its ``minReplicas`` and no more than its ``maxReplicas``."""

    def written(self, write: Write, objects: Objects) -> Iterator[str]:
        """Look at what autoscalers change."""
        if write.by != "horizontal-pod-autoscaler" or write.late or write.old is None or write.new is None:
            return
        before, now = (each.get("spec", {}).get("replicas") for each in (write.old, write.new))
        if before == now:
            return
        bounds = [
            (spec.get("minReplicas", 1), spec["maxReplicas"])
            for (namespace, _), autoscaler in objects.get(_AUTOSCALERS, {}).items()
            if namespace == write.new["metadata"]["namespace"]
            and (spec := autoscaler["spec"])["scaleTargetRef"]["name"] == write.new["metadata"]["name"]
        ]
        if not any(least <= now <= most for least, most in bounds):
            yield f"{now} replicas, where there may be {bounds}: {write}"
