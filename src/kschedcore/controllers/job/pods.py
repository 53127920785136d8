"""The pods of a Job: completion index, success and failure, creation and removal.

Rules: Kubernetes' Job reference, KEP-2214 (indexed Jobs), KEP-2307 (tracking with finalizers), KEP-3939
(``podReplacementPolicy``), KEP-3850 (back-off per index).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from kschedcore.api.machinery.times import EARLIEST, later, parse_time
from kschedcore.api.machinery.types import Object
from kschedcore.controllers.activepods import ready_since
from kschedcore.controllers.refmanager import controller_reference

__all__ = [
    "FINALIZER",
    "completion_index",
    "ended_at",
    "failure_counts",
    "has_failed",
    "has_succeeded",
    "is_indexed",
    "job_pod",
    "pods_to_remove",
    "tracked",
    "without_finalizer",
]

FINALIZER = "batch.kubernetes.io/job-tracking"
"""The finalizer of pods that have not been counted."""

_INDEX = "batch.kubernetes.io/job-completion-index"
_FAILURES = "batch.kubernetes.io/job-index-failure-count"
_IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def is_indexed(job: Object) -> bool:
    """Return whether the Job is indexed."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def completion_index(pod: Object, completions: int) -> int | None:
    """Return the pod's index; None if it has none below ``completions``."""
    text = pod["metadata"].get("annotations", {}).get(_INDEX, "")
    valid = text.isascii() and text.isdecimal() and len(text) <= 10
    return int(text) if valid and int(text) < completions else None


def tracked(pod: Object) -> bool:
    """Return whether the pod has the Job finalizer, that is, has not been counted."""
    return FINALIZER in pod["metadata"].get("finalizers", ())


def without_finalizer(pod: Object) -> list[str]:
    """Return the pod's finalizers without that of its Job."""
    return [each for each in pod["metadata"].get("finalizers", ()) if each != FINALIZER]


def has_succeeded(pod: Object) -> bool:
    """Return whether the pod succeeded."""
    return bool(pod.get("status", {}).get("phase") == "Succeeded")


def has_failed(pod: Object, job: Object) -> bool:
    """Return whether the pod counts as failed.

    A terminating pod does, since it may never report its phase, unless the Job replaces only failed pods or has a
    failure policy.
    """
    phase = pod.get("status", {}).get("phase")
    if phase == "Failed":
        return True
    spec = job["spec"]
    if spec.get("podReplacementPolicy") == "Failed" or spec.get("podFailurePolicy"):
        return False
    return bool(pod["metadata"].get("deletionTimestamp")) and phase != "Succeeded"


def ended_at(pod: Object) -> datetime:
    """Return when the pod finished, from its status."""
    metadata, status = pod["metadata"], pod.get("status", {})
    statuses = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    ends = [
        end
        for each in statuses
        if (end := parse_time(each.get("state", {}).get("terminated", {}).get("finishedAt")))
    ]
    if ends:
        return max(ends)
    for condition in status.get("conditions", ()):
        since = parse_time(condition.get("lastTransitionTime"))
        if condition["type"] == "Ready" and condition["status"] == "False" and since:
            return since
    if deleted := parse_time(metadata.get("deletionTimestamp")):
        return later(deleted, -metadata.get("deletionGracePeriodSeconds", 0))
    return _created(pod)


def _created(pod: Object) -> datetime:
    return parse_time(pod["metadata"]["creationTimestamp"]) or EARLIEST


def _count(text: str | None) -> int:
    """Return the count in an annotation; a value that is not an int32 counts as 0 (``getIndexFailureCount``)."""
    number = int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 10 else 0
    return number if number < 2**31 else 0


def failure_counts(pod: Object, *, ignored: bool | None) -> tuple[int, int]:
    """Return the failures of an index, the pod's included: those that count for the back-off, and ignored ones.

    Args:
        pod: The last pod of the index that failed.
        ignored: Whether this failure is ignored; None if the pod has not failed.
    """
    annotations = pod["metadata"].get("annotations", {})
    counted, passed = _count(annotations.get(_FAILURES)), _count(annotations.get(_IGNORED_FAILURES))
    return counted + (ignored is False), passed + (ignored is True)


def job_pod(job: Object, index: int | None, failures: tuple[int, int] | None) -> Object:
    """Return a new pod of the Job.

    Args:
        job: The Job.
        index: The completion index; None if the Job is not indexed.
        failures: The failures of the index, counted and ignored; None without a back-off per index.
    """
    template, owner = job["spec"]["template"], job["metadata"]
    given = template.get("metadata", {})
    labels, annotations = dict(given.get("labels", {})), dict(given.get("annotations", {}))
    spec, base = template["spec"], owner["name"]
    if index is not None:
        labels[_INDEX] = annotations[_INDEX] = str(index)
        spec = _indexed_spec(spec, f"{owner['name']}-{index}")
        base = f"{owner['name']}-{index}"
    if failures is not None:
        annotations[_FAILURES], annotations[_IGNORED_FAILURES] = str(failures[0]), str(failures[1])
    metadata: Object = {
        "generateName": f"{base}-",
        "labels": labels,
        "finalizers": [*given.get("finalizers", ()), FINALIZER],
        "ownerReferences": [controller_reference(job)],
    }
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _indexed_spec(spec: Object, hostname: str) -> Object:
    variable = {
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{_INDEX}']"}},
    }

    def with_index(containers: Iterable[Object]) -> list[Object]:
        return [
            container
            if any(each["name"] == variable["name"] for each in container.get("env", ()))
            else {**container, "env": [*container.get("env", ()), variable]}
            for container in containers
        ]

    changed: Object = {**spec, "hostname": hostname, "containers": with_index(spec["containers"])}
    if spec.get("initContainers"):
        changed["initContainers"] = with_index(spec["initContainers"])
    return changed


def pods_to_remove(job: Object, active: Sequence[Object], at_least: int) -> list[Object]:
    """Return the active pods to delete if there are too many.

    Those whose index is out of range or used by a better pod are always deleted.
    """
    surplus: list[Object] = []
    left = sorted(active, key=_worth)
    if is_indexed(job):
        completions, best = job["spec"].get("completions", 0), {}
        for pod in left:
            best[completion_index(pod, completions)] = pod
        kept = {pod["metadata"]["uid"] for index, pod in best.items() if index is not None}
        surplus = [pod for pod in left if pod["metadata"]["uid"] not in kept]
        left = [pod for pod in left if pod["metadata"]["uid"] in kept]
    return surplus + left[: max(0, at_least - len(surplus))]


def _worth(pod: Object) -> tuple[Any, ...]:
    """Return the sort key of Kubernetes' ``ActivePods``: pods that have progressed least first."""
    status = pod.get("status", {})
    since = ready_since(pod)
    restarts = max((each.get("restartCount", 0) for each in status.get("containerStatuses", ())), default=0)
    return (
        bool(pod["spec"].get("nodeName")),
        _PHASES.get(status.get("phase", "Pending"), 0),
        since is not None,
        -since.timestamp() if since else 0.0,
        -restarts,
        -_created(pod).timestamp(),
    )
