"""The pod identity of a StatefulSet: ordinal, name, labels and volumes.

Rules: "Pod Identity", "Start ordinal" and "Pod index label" in the StatefulSet's reference, KEP-3335, KEP-4017.
"""

from __future__ import annotations

import re

from kschedcore.api.machinery.types import Object
from kschedcore.controllers.activepods import ready_since
from kschedcore.controllers.controllerhistory import POD_LABEL
from kschedcore.controllers.podcontrol import pod_from_template
from kschedcore.manifests.stateful_sets import (
    NAME_LABEL,
    claim_name,
    identity_labels,
    template_name,
    with_claims,
)

__all__ = [
    "has_identity",
    "has_storage",
    "is_member",
    "is_running_and_ready",
    "is_terminating",
    "ordinal_of",
    "ordinals",
    "parent_of",
    "revision_of",
    "stateful_pod",
]

_NAME = re.compile(r"(.*)-([0-9]+)", re.DOTALL)


def parent_of(pod_name: str) -> str | None:
    """Return the name of the StatefulSet in a pod's name."""
    match = _NAME.fullmatch(pod_name)
    return match[1] if match else None


def ordinal_of(pod: Object) -> int:
    """Return the ordinal in a pod's name."""
    return int(pod["metadata"]["name"].rpartition("-")[2])


def is_member(stateful_set: Object, pod: Object) -> bool:
    """Return whether the pod belongs to the set, by its name."""
    name: str = stateful_set["metadata"]["name"]
    return parent_of(pod["metadata"]["name"]) == name


def ordinals(stateful_set: Object) -> range:
    """Return the ordinals of the set's replicas."""
    spec = stateful_set["spec"]
    start = spec.get("ordinals", {}).get("start", 0)
    return range(start, start + spec.get("replicas", 1))


def revision_of(pod: Object) -> str:
    """Return the name of a pod's ControllerRevision."""
    label: str = pod["metadata"].get("labels", {}).get(POD_LABEL, "")
    return label


def is_terminating(pod: Object) -> bool:
    """Return whether the pod is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_running_and_ready(pod: Object) -> bool:
    """Return whether the pod is running and ready, so that the next in order may be processed."""
    return pod.get("status", {}).get("phase") == "Running" and ready_since(pod) is not None


def stateful_pod(stateful_set: Object, template: Object, revision: str, ordinal: int) -> Object:
    """Return the pod of an ordinal.

    Args:
        stateful_set: The StatefulSet.
        template: The pod template of the revision.
        revision: The name of the ControllerRevision.
        ordinal: The ordinal.
    """
    pod = pod_from_template(stateful_set, template)
    name = f"{stateful_set['metadata']['name']}-{ordinal}"
    labels = {**pod["metadata"].get("labels", {}), POD_LABEL: revision, **identity_labels(name)}
    spec = {**pod["spec"], "hostname": name, **_subdomain(stateful_set)}
    if stateful_set["spec"].get("volumeClaimTemplates"):
        spec["volumes"] = with_claims(stateful_set, spec.get("volumes", ()), ordinal)
    return {**pod, "metadata": {**pod["metadata"], "name": name, "labels": labels}, "spec": spec}


def _subdomain(stateful_set: Object) -> dict[str, str]:
    service = stateful_set["spec"].get("serviceName")
    return {"subdomain": service} if service else {}


def has_identity(pod: Object) -> bool:
    """Return whether a pod has its name as a label."""
    name = pod["metadata"]["name"]
    return bool(pod["metadata"].get("labels", {}).get(NAME_LABEL) == name)


def has_storage(stateful_set: Object, pod: Object) -> bool:
    """Return whether a pod mounts its claims."""
    mounted = {
        volume["name"]: volume.get("persistentVolumeClaim", {}).get("claimName")
        for volume in pod["spec"].get("volumes", ())
    }
    return all(
        mounted.get(template_name(each)) == claim_name(stateful_set, each, ordinal_of(pod))
        for each in stateful_set["spec"].get("volumeClaimTemplates", ())
    )
