"""Shared by the volume plugins: the claims of a pod and the classes that they name."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.model.labels import Json
from tests.model.snapshot import Key, Objects, namespace_of

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


class ClaimVolume(NamedTuple):
    """A volume that stands for a claim; an ephemeral one's claim is created for the pod and owned by it."""

    claim: Key
    ephemeral: bool


def volumes_of(pod: Json) -> list[Json]:
    return pod["spec"].get("volumes") or []


def named_claims(pod: Json) -> Iterator[Key]:
    """Claims that volumes name outright."""
    for volume in volumes_of(pod):
        if volume.get("persistentVolumeClaim"):
            yield namespace_of(pod), volume["persistentVolumeClaim"]["claimName"]


def claim_volumes(pod: Json) -> Iterator[ClaimVolume]:
    """Claims that volumes name, or that generic ephemeral volumes get: `<pod>-<volume>`."""
    for volume in volumes_of(pod):
        if volume.get("persistentVolumeClaim"):
            yield ClaimVolume(
                (namespace_of(pod), volume["persistentVolumeClaim"]["claimName"]), ephemeral=False
            )
        elif volume.get("ephemeral"):
            yield ClaimVolume(
                (namespace_of(pod), f"{pod['metadata']['name']}-{volume['name']}"), ephemeral=True
            )


def class_name(obj: Json) -> str:
    """The storage class of a claim or a volume; the old annotation comes first."""
    annotations = obj["metadata"].get("annotations") or {}
    return annotations.get(CLASS_ANNOTATION) or (obj.get("spec") or {}).get("storageClassName") or ""


def waits_for_first_consumer(claim: Json, objects: Objects) -> bool:
    storage_class = objects.storage_classes.get(class_name(claim))
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def not_found(claim: Key) -> str:
    return f'persistentvolumeclaim "{claim[1]}" not found'
