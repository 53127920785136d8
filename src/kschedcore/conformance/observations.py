"""The observations of controller histories: workloads' statuses and counts of their pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.client.informer import Informers, controller_of
from kschedcore.conformance.agents import is_ready

__all__ = ["observation"]

_REVISION = "deployment.kubernetes.io/revision"
_INDEX = "batch.kubernetes.io/job-completion-index"
_OF_A_JOB = ("active", "ready", "succeeded", "failed", "completedIndexes")
_NOT_OBSERVED = ("observedGeneration", "conditions")
_REVISION_NAMES = ("currentRevision", "updateRevision", "collisionCount")


def observation(informers: Informers, namespace: Namespace) -> dict[str, Any]:
    """Return the workloads and pods of a namespace, in the form of the recordings."""

    def named(resource: str, observed: Callable[[Object], Any]) -> dict[str, Any]:
        objects = informers[resource].in_namespace(namespace)
        return {obj["metadata"]["name"]: observed(obj) for obj in objects}

    replica_sets = map(_replica_set, informers["replicasets.apps"].in_namespace(namespace))
    return {
        "deployments": named("deployments.apps", _deployment),
        "replicaSets": sorted(replica_sets, key=lambda each: (each["image"], int(each["revision"] or 0))),
        "statefulsets": named("statefulsets.apps", _status),
        "daemonsets": named("daemonsets.apps", _status),
        "jobs": named("jobs.batch", _job),
        "pods": dict(Counter(map(_pod, informers["pods"].in_namespace(namespace)))),
        "claims": sorted(named("persistentvolumeclaims", lambda _: None)),
    }


def _status(obj: Object) -> Object:
    omitted = (*_NOT_OBSERVED, *_REVISION_NAMES)
    return {key: value for key, value in obj.get("status", {}).items() if key not in omitted}


def _conditions(obj: Object) -> list[list[str]]:
    conditions = obj.get("status", {}).get("conditions", ())
    return sorted([each["type"], each["status"], each.get("reason", "")] for each in conditions)


def _deployment(deployment: Object) -> Object:
    return {
        "revision": deployment["metadata"].get("annotations", {}).get(_REVISION),
        "replicas": deployment["spec"]["replicas"],
        "status": _status(deployment),
        "conditions": _conditions(deployment),
    }


def _replica_set(replica_set: Object) -> Object:
    return {
        "image": replica_set["spec"]["template"]["spec"]["containers"][0]["image"],
        "revision": replica_set["metadata"].get("annotations", {}).get(_REVISION),
        "replicas": replica_set["spec"]["replicas"],
        "status": _status(replica_set),
    }


def _job(job: Object) -> Object:
    status = job.get("status", {})
    counts = {key: status[key] for key in _OF_A_JOB if key in status}
    return {**counts, "conditions": _conditions(job)}


def _pod(pod: Object) -> str:
    metadata, status = pod["metadata"], pod.get("status", {})
    kind = (controller_of(pod) or {}).get("kind")
    image = pod["spec"]["containers"][0]["image"]
    if kind == "Job":
        description = f"Job {metadata.get('annotations', {}).get(_INDEX, '')}"
    elif kind == "StatefulSet":
        description = f"{metadata['name']} {image}"
    else:
        description = f"DaemonSet {image}" if kind == "DaemonSet" else image
    return f"{description} {status.get('phase', 'Pending')} {'ready' if is_ready(pod) else 'unready'}"
