"""Which volume suits a claim: ``FindMatchingVolume`` of ``component-helpers``' persistent volume helpers."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import LabelSelector, NodeSelector, decode
from kschedcore.api.quantity import value
from kschedcore.api.selectors import label_selector, node_selector
from kschedcore.engine.volumes import CLASS_ANNOTATION

__all__ = [
    "class_of",
    "find_volume",
    "is_reachable",
    "is_reserved_for",
    "requested",
    "suits",
]


def class_of(obj: Object) -> str:
    """The storage class of a claim or volume; the annotation of old comes first."""
    annotated = obj["metadata"].get("annotations", {}).get(CLASS_ANNOTATION)
    name: str = annotated or obj["spec"].get("storageClassName") or ""
    return name


def requested(claim: Object) -> int:
    """How many bytes a claim asks for."""
    return value(claim["spec"].get("resources", {}).get("requests", {}).get("storage", "0"))


def is_reserved_for(volume: Object, claim: Object) -> bool:
    """Whether the volume names the claim, by uid where it has one."""
    reference, metadata = volume["spec"].get("claimRef"), claim["metadata"]
    if not reference:
        return False
    same = (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
    return same and reference.get("uid") in (None, "", metadata["uid"])


def suits(volume: Object, claim: Object) -> bool:
    """Whether the claim can be bound to the volume: size, modes, class and labels."""
    spec, wanted = volume["spec"], claim["spec"]
    if value(spec.get("capacity", {}).get("storage", "0")) < requested(claim):
        return False
    if spec.get("volumeMode", "Filesystem") != wanted.get("volumeMode", "Filesystem"):
        return False
    if class_of(volume) != class_of(claim):
        return False
    return set(wanted.get("accessModes", ())) <= set(spec.get("accessModes", ()))


def is_reachable(volume: Object, node: Object) -> bool:
    """Whether the volume can be reached from the node (``spec.nodeAffinity``)."""
    required = volume["spec"].get("nodeAffinity", {}).get("required")
    if not required:
        return True
    metadata = node["metadata"]
    return node_selector(decode(NodeSelector, required)).matches(metadata.get("labels", {}), metadata["name"])


def find_volume(claim: Object, volumes: Iterable[Object], node: Object | None = None) -> Object | None:
    """The volume that was made for the claim, or else the smallest free one that suits it.

    Args:
        claim: An unbound claim.
        volumes: Every volume.
        node: The node that the claim is promised to, from which the volume must be reached.
    """
    selector = claim["spec"].get("selector")
    labels = None if selector is None else label_selector(decode(LabelSelector, selector))
    best: Object | None = None
    for volume in volumes:
        if volume["metadata"].get("deletionTimestamp") or not suits(volume, claim):
            continue
        if is_reserved_for(volume, claim):
            return volume
        if node is not None and not is_reachable(volume, node):
            continue
        if volume["spec"].get("claimRef") or volume.get("status", {}).get("phase") != "Available":
            continue
        if labels is not None and not labels.matches(volume["metadata"].get("labels", {})):
            continue
        if best is None or _order(volume) < _order(best):
            best = volume
    return best


def _order(volume: Object) -> tuple[int, str]:
    return value(volume["spec"].get("capacity", {}).get("storage", "0")), volume["metadata"]["name"]
