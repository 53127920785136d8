"""The claims that the ephemeral volume controller creates for pods that are yet to be created (KEP-1698).

A pod with a generic ephemeral volume waits until its claim ``POD-VOLUME`` exists and belongs to it. The controller
creates the claim as soon as the pod exists, so pods of manifests are scheduled with their claims. A claim of that
name which the manifests hold is left as it is, whether or not it is the pod's own.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from kschedcore.api.objects import PersistentVolumeClaim, Pod, StorageClass, decode
from kschedcore.manifests.creating import created_object

__all__ = ["ephemeral_claims"]

_IS_DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"


def ephemeral_claims(
    pods: Iterable[Pod], classes: Iterable[StorageClass], existing: Container[tuple[str, str]]
) -> Iterator[PersistentVolumeClaim]:
    """Yield the claims of pods' generic ephemeral volumes that do not exist.

    Args:
        pods: The pods.
        classes: The cluster's storage classes; the default one is given to claims that name none.
        existing: (namespace, name) of the claims that exist.

    Raises:
        ManifestError: The API server would refuse a claim.
    """
    default = _default_class(classes)
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
            yield decode(PersistentVolumeClaim, _claim(pod, namespace, name, spec))


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


def _default_class(classes: Iterable[StorageClass]) -> str:
    """Return the default class's name: the newest of several, the first by name among equals; or nothing."""
    marked = [each for each in classes if (each.metadata.annotations or {}).get(_IS_DEFAULT) == "true"]
    marked.sort(key=lambda each: each.metadata.name)
    marked.sort(key=lambda each: each.metadata.creation_timestamp or "", reverse=True)
    return marked[0].metadata.name if marked else ""
