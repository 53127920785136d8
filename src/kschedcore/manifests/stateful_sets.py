"""The identity of a StatefulSet's pods: labels, volumes and claims of each ordinal.

The StatefulSet controller creates pods and claims with these functions; pods of manifests get the same.
Rules: "Pod Identity" and "Stable Storage" in the StatefulSet's reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from kschedcore.api.machinery.types import ReadOnlyObject

__all__ = ["NAME_LABEL", "claim_name", "claims_of_ordinal", "identity_labels", "template_name", "with_claims"]


NAME_LABEL: Final = "statefulset.kubernetes.io/pod-name"
_INDEX_LABEL: Final = "apps.kubernetes.io/pod-index"


def identity_labels(pod_name: str) -> dict[str, str]:
    """Return the identity labels of a pod."""
    return {NAME_LABEL: pod_name, _INDEX_LABEL: pod_name.rpartition("-")[2]}


def template_name(template: ReadOnlyObject) -> str:
    """Return the name of a claim template, which is not validated; empty if it has none."""
    name: str = (template.get("metadata") or {}).get("name") or ""
    return name


def claim_name(stateful_set: ReadOnlyObject, template: ReadOnlyObject, ordinal: int) -> str:
    """Return the name of the claim that a pod gets from a claim template."""
    return f"{template_name(template)}-{stateful_set['metadata']['name']}-{ordinal}"


def with_claims(
    stateful_set: ReadOnlyObject, volumes: Iterable[ReadOnlyObject], ordinal: int
) -> list[ReadOnlyObject]:
    """Return the volumes of a pod: its claims, and the given volumes that no claim replaces.

    Args:
        stateful_set: The StatefulSet.
        volumes: The volumes of its pod template.
        ordinal: The ordinal of the pod.
    """
    claimed = {
        template_name(each): {"claimName": claim_name(stateful_set, each, ordinal)}
        for each in _templates(stateful_set)
    }
    mounted = [{"name": name, "persistentVolumeClaim": source} for name, source in claimed.items()]
    return mounted + [volume for volume in volumes if volume["name"] not in claimed]


def claims_of_ordinal(stateful_set: ReadOnlyObject, ordinal: int) -> list[dict[str, Any]]:
    """Return the claims that the pod of an ordinal needs, as the controller would create them."""
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": _claim_metadata(stateful_set, template, ordinal),
            "spec": template.get("spec") or {},
        }
        for template in _templates(stateful_set)
    ]


def _claim_metadata(stateful_set: ReadOnlyObject, template: ReadOnlyObject, ordinal: int) -> dict[str, Any]:
    given = template.get("metadata") or {}
    selected = (stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}
    return {
        **{key: given[key] for key in ("annotations", "finalizers") if given.get(key)},
        "name": claim_name(stateful_set, template, ordinal),
        "namespace": stateful_set["metadata"]["namespace"],
        "labels": {**(given.get("labels") or {}), **selected},
    }


def _templates(stateful_set: ReadOnlyObject) -> Sequence[ReadOnlyObject]:
    return (stateful_set.get("spec") or {}).get("volumeClaimTemplates") or ()
