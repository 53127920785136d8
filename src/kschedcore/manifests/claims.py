"""The claims that the ephemeral volume controller creates for pods that are yet to be created (KEP-1698).

A pod with a generic ephemeral volume waits until its claim ``POD-VOLUME`` exists and belongs to it. The controller
creates the claim as soon as the pod exists, so pods of manifests are scheduled with their claims. A claim of that
name which the manifests hold is left as it is, whether or not it is the pod's own.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from kschedcore.api.objects import Pod
from kschedcore.api.volumes import IS_DEFAULT_CLASS
from kschedcore.manifests.creating import created_object
from kschedcore.rules.admission.default_classes import default_class

__all__ = ["ephemeral_claims"]


def ephemeral_claims(
    pods: Iterable[Pod], classes: Iterable[Mapping[str, Any]], existing: Container[tuple[str, str]]
) -> Iterator[Mapping[str, Any]]:
    """Yield the claims, whole, of pods' generic ephemeral volumes that do not exist.

    Args:
        pods: The pods.
        classes: The cluster's storage classes, whole; the default one is given to claims that name none.
        existing: (namespace, name) of the claims that exist.

    Raises:
        ManifestError: The API server would refuse a claim.
    """
    default = default_class(classes, IS_DEFAULT_CLASS)
    for pod in pods:
        namespace = pod.metadata.namespace or "default"
        for volume in pod.spec.volumes or ():
            name = f"{pod.metadata.name}-{volume.name}"
            template = volume.ephemeral.volume_claim_template if volume.ephemeral is not None else None
            if template is None or (namespace, name) in existing:
                continue
            spec = msgspec.json.decode(msgspec.json.encode(template.spec)) or {}
            if spec.get("storageClassName") is None and default:
                spec["storageClassName"] = default
            yield _claim(pod, namespace, name, spec)


def _claim(pod: Pod, namespace: str, name: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    owner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": pod.metadata.name,
        "uid": pod.metadata.uid,
        "controller": True,
    }
    metadata = {"name": name, "namespace": namespace}
    claim: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
    }
    stored = created_object(claim) or claim
    return {**stored, "metadata": {**stored["metadata"], "ownerReferences": [owner]}}
