"""The next run of each CronJob: the Job that its controller creates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api.machinery.types import ReadOnlyObject

__all__ = ["next_runs"]


def next_runs(
    cron_jobs: Iterable[ReadOnlyObject], workloads: Iterable[ReadOnlyObject]
) -> Iterator[dict[str, Any]]:
    """Yield a Job for each CronJob that is not suspended and of which no Job is running.

    Args:
        cron_jobs: CronJobs, whole.
        workloads: Whole workload objects, Jobs among them.
    """
    running = {
        owner for each in workloads if each["kind"] == "Job" and not _is_over(each) for owner in _owners(each)
    }
    for cron_job in cron_jobs:
        metadata, spec = cron_job["metadata"], cron_job.get("spec") or {}
        namespace = metadata.get("namespace") or "default"
        if spec.get("suspend") is True or metadata.get("deletionTimestamp"):
            continue
        if (namespace, metadata["name"]) not in running:
            yield _run(cron_job, namespace)


def _run(cron_job: ReadOnlyObject, namespace: str) -> dict[str, Any]:
    """Return a Job; the controller would name it after the minute at which it starts."""
    metadata = cron_job["metadata"]
    template = (cron_job.get("spec") or {}).get("jobTemplate") or {}
    given = template.get("metadata") or {}
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": metadata["name"], "controller": True}
    if metadata.get("uid"):
        owner["uid"] = metadata["uid"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{metadata['name']}-run",
            "namespace": namespace,
            **{key: dict(given[key]) for key in ("labels", "annotations") if given.get(key)},
            "ownerReferences": [owner],
        },
        "spec": template.get("spec") or {},
    }


def _owners(job: ReadOnlyObject) -> Iterator[tuple[str, str]]:
    metadata = job["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller") and owner.get("kind") == "CronJob":
            yield metadata.get("namespace") or "default", owner.get("name", "")


def _is_over(job: ReadOnlyObject) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(
        each.get("type") in ("Complete", "Failed") and each.get("status") == "True" for each in conditions
    )
