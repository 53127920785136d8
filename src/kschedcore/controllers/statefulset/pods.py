"""What makes a pod one of a StatefulSet: its ordinal, its name, its labels and its volumes.

Rules: "Pod Identity", "Start ordinal" and "Pod index label" in the StatefulSet's reference, KEP-3335, KEP-4017.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kschedcore.api.machinery.types import Object
from kschedcore.controllers.activepods import ready_since
from kschedcore.controllers.controllerhistory import POD_LABEL
from kschedcore.controllers.podcontrol import pod_from_template

__all__ = [
    "claim_name",
    "has_identity",
    "has_storage",
    "identity_labels",
    "is_member",
    "is_running_and_ready",
    "is_terminating",
    "ordinal_of",
    "ordinals",
    "parent_of",
    "revision_of",
    "stateful_pod",
    "template_name",
    "with_claims",
]

_NAME = re.compile(r"(.*)-([0-9]+)", re.DOTALL)
_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
_INDEX_LABEL = "apps.kubernetes.io/pod-index"


def parent_of(pod_name: str) -> str | None:
    """The name of the StatefulSet that a pod of this name would be of."""
    match = _NAME.fullmatch(pod_name)
    return match[1] if match else None


def ordinal_of(pod: Object) -> int:
    """The number at the end of a member's name."""
    return int(pod["metadata"]["name"].rpartition("-")[2])


def is_member(stateful_set: Object, pod: Object) -> bool:
    """Whether the pod is of the set, by its name."""
    name: str = stateful_set["metadata"]["name"]
    return parent_of(pod["metadata"]["name"]) == name


def ordinals(stateful_set: Object) -> range:
    """The ordinals that the set asks for."""
    spec = stateful_set["spec"]
    start = spec.get("ordinals", {}).get("start", 0)
    return range(start, start + spec.get("replicas", 1))


def revision_of(pod: Object) -> str:
    """The name of the ControllerRevision that a pod was made of."""
    label: str = pod["metadata"].get("labels", {}).get(POD_LABEL, "")
    return label


def is_terminating(pod: Object) -> bool:
    """Return whether the pod is being deleted."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_running_and_ready(pod: Object) -> bool:
    """What a pod must be before the next in order is touched."""
    return pod.get("status", {}).get("phase") == "Running" and ready_since(pod) is not None


def template_name(template: Object) -> str:
    """Return the name of a claim template, which is not validated; empty if it has none."""
    name: str = template.get("metadata", {}).get("name", "")
    return name


def claim_name(stateful_set: Object, template: Object, ordinal: int) -> str:
    """The name of the claim that a pod gets of a claim template."""
    return f"{template_name(template)}-{stateful_set['metadata']['name']}-{ordinal}"


def stateful_pod(stateful_set: Object, template: Object, revision: str, ordinal: int) -> Object:
    """The pod of an ordinal.

    Args:
        stateful_set: Whose.
        template: The pod template of the revision.
        revision: The name of the ControllerRevision.
        ordinal: Which.
    """
    pod = pod_from_template(stateful_set, template)
    name = f"{stateful_set['metadata']['name']}-{ordinal}"
    labels = {**pod["metadata"].get("labels", {}), POD_LABEL: revision, **identity_labels(name)}
    spec = {**pod["spec"], "hostname": name, **_subdomain(stateful_set)}
    if stateful_set["spec"].get("volumeClaimTemplates"):
        spec["volumes"] = with_claims(stateful_set, spec.get("volumes", ()), ordinal)
    return {**pod, "metadata": {**pod["metadata"], "name": name, "labels": labels}, "spec": spec}


def identity_labels(pod_name: str) -> dict[str, str]:
    """The labels by which one pod is selected."""
    return {_NAME_LABEL: pod_name, _INDEX_LABEL: pod_name.rpartition("-")[2]}


def _subdomain(stateful_set: Object) -> dict[str, str]:
    service = stateful_set["spec"].get("serviceName")
    return {"subdomain": service} if service else {}


def with_claims(stateful_set: Object, volumes: Iterable[Object], ordinal: int) -> list[Object]:
    """The volumes of a pod: its claims, and what no claim takes the place of."""
    templates: Sequence[Object] = stateful_set["spec"].get("volumeClaimTemplates", ())
    claimed = {
        template_name(each): {"claimName": claim_name(stateful_set, each, ordinal)} for each in templates
    }
    mounted = [{"name": name, "persistentVolumeClaim": source} for name, source in claimed.items()]
    return mounted + [volume for volume in volumes if volume["name"] not in claimed]


def has_identity(pod: Object) -> bool:
    """Whether a member carries its own name as a label."""
    name = pod["metadata"]["name"]
    return bool(pod["metadata"].get("labels", {}).get(_NAME_LABEL) == name)


def has_storage(stateful_set: Object, pod: Object) -> bool:
    """Whether a member mounts its claims."""
    mounted = {
        volume["name"]: volume.get("persistentVolumeClaim", {}).get("claimName")
        for volume in pod["spec"].get("volumes", ())
    }
    return all(
        mounted.get(template_name(each)) == claim_name(stateful_set, each, ordinal_of(pod))
        for each in stateful_set["spec"].get("volumeClaimTemplates", ())
    )
