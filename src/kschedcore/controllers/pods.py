"""What controllers of pods ask of one pod, and how they make one of a template."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.times import later
from kschedcore.api.machinery.types import Object
from kschedcore.controllers.claims import controller_reference
from kschedcore.controllers.controller import Again
from kschedcore.controllers.victims import ready_since

__all__ = ["is_available", "is_of_ending_namespace", "next_available", "pod_from_template"]


def is_available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    """Whether the pod has been ready for so long (``IsPodAvailable``)."""
    since = ready_since(pod)
    return since is not None and later(since, min_ready_seconds) <= now


def next_available(pods: Iterable[Object], min_ready_seconds: int, now: datetime) -> Again | None:
    """When the next pod becomes available that is ready by now; None when none will."""
    if not min_ready_seconds:
        return None
    ready = (since for pod in pods if (since := ready_since(pod)) is not None)
    times = [due for since in ready if (due := later(since, min_ready_seconds)) > now]
    return Again(min(times)) if times else None


def pod_from_template(owner: Object, template: Object) -> Object:
    """A pod that ``owner`` controls, not yet named; its spec is the template's own object (``GetPodFromTemplate``)."""
    given = template.get("metadata", {})
    metadata = {key: given[key] for key in ("labels", "annotations", "finalizers") if given.get(key)}
    metadata["ownerReferences"] = [controller_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def is_of_ending_namespace(refusal: StatusError) -> bool:
    """Whether something was not created because its namespace is being deleted (``NamespaceTerminatingCause``)."""
    causes = (refusal.details or {}).get("causes", ())
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
