"""Matching of volumes to claims: ``FindMatchingVolume`` of ``component-helpers``' persistent volume helpers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import LabelSelector, NodeSelector, decode
from kschedcore.api.quantity import value
from kschedcore.api.selectors import label_selector, node_selector
from kschedcore.api.volumes import CLASS_ANNOTATION

__all__ = [
    "class_of",
    "find_volume",
    "is_reachable",
    "is_reserved_for",
    "mismatch",
    "provisioned_volume",
    "requested",
]


PROVISIONED_BY: Final = "pv.kubernetes.io/provisioned-by"
_ZONE: Final = "topology.kubernetes.io/zone"


def class_of(obj: Object) -> str:
    """Return the storage class of a claim or volume; the deprecated annotation takes precedence."""
    annotated = obj["metadata"].get("annotations", {}).get(CLASS_ANNOTATION)
    name: str = annotated or obj["spec"].get("storageClassName") or ""
    return name


def requested(claim: Object) -> int:
    """Return the number of bytes that a claim requests."""
    return value(claim["spec"].get("resources", {}).get("requests", {}).get("storage", "0"))


def is_reserved_for(volume: Object, claim: Object) -> bool:
    """Return whether the volume is reserved for the claim (``claimRef``), by uid if it has one."""
    reference, metadata = volume["spec"].get("claimRef"), claim["metadata"]
    if not reference:
        return False
    same = (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
    return same and reference.get("uid") in (None, "", metadata["uid"])


def mismatch(volume: Object, claim: Object) -> str:
    """Return why a claim cannot be bound to the volume that it names; empty if it can.

    Rule: ``checkVolumeSatisfyClaim`` of the persistent volume controller.
    """
    if volume["metadata"].get("deletionTimestamp"):
        return "the volume is marked for deletion"
    if _capacity(volume) < requested(claim):
        return "requested PV is too small"
    if class_of(volume) != class_of(claim):
        return "storageClassName does not match"
    if not _same_mode(volume, claim):
        return "incompatible volumeMode"
    return "" if _has_modes(volume, claim) else "incompatible accessMode"


def _capacity(volume: Object) -> int:
    return value(volume["spec"].get("capacity", {}).get("storage", "0"))


def _same_mode(volume: Object, claim: Object) -> bool:
    return bool(
        volume["spec"].get("volumeMode", "Filesystem") == claim["spec"].get("volumeMode", "Filesystem")
    )


def _has_modes(volume: Object, claim: Object) -> bool:
    return set(claim["spec"].get("accessModes", ())) <= set(volume["spec"].get("accessModes", ()))


def is_reachable(volume: Object, node: Object) -> bool:
    """Return whether the volume can be reached from the node (``spec.nodeAffinity``)."""
    required = volume["spec"].get("nodeAffinity", {}).get("required")
    if not required:
        return True
    metadata = node["metadata"]
    return node_selector(decode(NodeSelector, required)).matches(metadata.get("labels", {}), metadata["name"])


def find_volume(
    claim: Object, volumes: Iterable[Object], node: Object | None = None, *, delayed: bool = False
) -> Object | None:
    """Return the volume that is reserved for the claim, or else the smallest free one that matches it.

    Volumes with fewer access modes come first; among those of one set of modes a reserved volume of any class comes
    first (``findByClaim`` of the persistent volume controller's index).

    Args:
        claim: An unbound claim.
        volumes: All volumes.
        node: The node that the scheduler selected for the claim, from which the volume must be reached.
        delayed: Whether the scheduler chooses the volume, so that only a reserved one is returned.
    """
    by_modes: dict[tuple[int, tuple[str, ...]], list[Object]] = {}
    for volume in volumes:
        if _has_modes(volume, claim):
            modes = tuple(sorted(volume["spec"].get("accessModes", ())))
            by_modes.setdefault((len(modes), modes), []).append(volume)
    found = (_best(claim, by_modes[modes], node, delayed) for modes in sorted(by_modes))
    return next((volume for volume in found if volume is not None), None)


def _best(claim: Object, volumes: Iterable[Object], node: Object | None, delayed: bool) -> Object | None:
    """Return the best volume of one set of access modes (``FindMatchingVolume``)."""
    selector = claim["spec"].get("selector")
    labels = None if selector is None else label_selector(decode(LabelSelector, selector))
    best: Object | None = None
    for volume in volumes:
        reserved = is_reserved_for(volume, claim)
        if volume["metadata"].get("deletionTimestamp") or (volume["spec"].get("claimRef") and not reserved):
            continue
        if _capacity(volume) < requested(claim) or not _same_mode(volume, claim):
            continue
        reachable = node is None or is_reachable(volume, node)
        if reserved:
            return volume if reachable else None
        if delayed or not reachable or volume.get("status", {}).get("phase") != "Available":
            continue
        if labels is not None and not labels.matches(volume["metadata"].get("labels", {})):
            continue
        if class_of(volume) != class_of(claim):
            continue
        if best is None or _order(volume) < _order(best):
            best = volume
    return best


def _order(volume: Object) -> tuple[int, str]:
    return _capacity(volume), volume["metadata"]["name"]


def provisioned_volume(name: str, claim: Object, storage_class: Object, zone: str | None = None) -> Object:
    """Return the volume that a class's provisioner creates for a claim.

    Args:
        name: The name of the volume.
        claim: The claim, with its uid.
        storage_class: Its class.
        zone: The zone of the node that was selected for the claim, to which the volume is restricted; without it, the
            class's ``allowedTopologies`` apply.
    """
    metadata, spec = claim["metadata"], claim["spec"]
    volume: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: storage_class["provisioner"]}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": list(spec.get("accessModes") or ()),
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
            "storageClassName": storage_class["metadata"]["name"],
            "claimRef": {
                "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": metadata["namespace"],
                "name": metadata["name"], "uid": metadata["uid"],
            },
            **_source(storage_class["provisioner"], name),
        },
    }  # fmt: skip
    if terms := _topology(storage_class, zone):
        volume["spec"]["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    return volume


def _source(provisioner: str, name: str) -> Object:
    """Return a new volume's source; a provisioner with a ``/`` in its name is no CSI driver, but a path on hosts."""
    if "/" in provisioner:
        return {"hostPath": {"path": f"/var/lib/{provisioner}/{name}"}}
    return {"csi": {"driver": provisioner, "volumeHandle": name}}


def _topology(storage_class: Object, zone: str | None) -> list[Object]:
    """Return a new volume's node affinity: the zone of the pod's node, or the class's ``allowedTopologies``."""
    if zone:
        return [{"matchExpressions": [{"key": _ZONE, "operator": "In", "values": [zone]}]}]
    return [
        {
            "matchExpressions": [
                {"key": each["key"], "operator": "In", "values": list(each["values"])}
                for each in term.get("matchLabelExpressions") or ()
            ]
        }
        for term in storage_class.get("allowedTopologies") or ()
    ]
