"""Availability of pods, and new pods made from a template (``controller_utils.go``)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.times import later
from kschedcore.api.machinery.types import Object
from kschedcore.controllers.activepods import ready_since
from kschedcore.controllers.controller import Requeue
from kschedcore.controllers.refmanager import controller_reference

__all__ = ["is_available", "is_namespace_terminating", "next_available", "pod_from_template"]


def is_available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    """Return whether the pod has been ready for ``min_ready_seconds`` (``IsPodAvailable``)."""
    since = ready_since(pod)
    return since is not None and later(since, min_ready_seconds) <= now


def next_available(pods: Iterable[Object], min_ready_seconds: int, now: datetime) -> Requeue | None:
    """Return when the next ready pod becomes available; None when none will."""
    if not min_ready_seconds:
        return None
    ready = (since for pod in pods if (since := ready_since(pod)) is not None)
    times = [due for since in ready if (due := later(since, min_ready_seconds)) > now]
    return Requeue(min(times)) if times else None


def pod_from_template(owner: Object, template: Object) -> Object:
    """Return an unnamed pod that ``owner`` controls; its spec is the template's own object (``GetPodFromTemplate``)."""
    given = template.get("metadata", {})
    metadata = {key: given[key] for key in ("labels", "annotations", "finalizers") if given.get(key)}
    metadata["ownerReferences"] = [controller_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def is_namespace_terminating(refusal: StatusError) -> bool:
    """Return whether a create was refused because the namespace is terminating (``NamespaceTerminatingCause``)."""
    causes = (refusal.details or {}).get("causes", ())
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
