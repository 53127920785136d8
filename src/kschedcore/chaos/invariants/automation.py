"""Invariants of CronJobs and autoscalers."""

from __future__ import annotations

from collections.abc import Iterator

from kschedcore.chaos.invariants.base import Invariant
from kschedcore.chaos.writes import Objects, Write
from kschedcore.client.informer import controller_of
from kschedcore.controllers.job.ending import is_finished

__all__ = ["AutoscalersStayWithinBounds", "CronJobsRespectConcurrencyPolicy"]

_JOBS, _CRONJOBS = "jobs.batch", "cronjobs.batch"
_AUTOSCALERS = "horizontalpodautoscalers.autoscaling"


class CronJobsRespectConcurrencyPolicy(Invariant):
    """A CronJob with ``concurrencyPolicy: Forbid`` starts no Job while another one is running.

    Writes by a controller that had not received all events are not checked.
    """

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:
        """Check the Jobs that a CronJob creates."""
        if write.resource != _JOBS or write.old is not None or write.new is None or write.stale:
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
            yield f"{job['metadata']['name']} is still running: {write}"


class AutoscalersStayWithinBounds(Invariant):
    """An autoscaler sets ``replicas`` between its ``minReplicas`` and ``maxReplicas``."""

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:
        """Check the writes of the autoscaler."""
        if write.by != "horizontal-pod-autoscaler" or write.stale or write.old is None or write.new is None:
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
            yield f"{now} replicas, expected within {bounds}: {write}"
