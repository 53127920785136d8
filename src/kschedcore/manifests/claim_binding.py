"""The binding of claims to volumes before any pod is scheduled.

The persistent volume controller binds a claim to a volume that suits it, and a provisioner creates a volume for a
claim whose class has one, unless the class waits for the first consumer: then the scheduler chooses. Claims of
manifests get the same volumes, by the same rules (:mod:`kschedcore.rules.claim_matching`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kschedcore.api.machinery.types import Object, ReadOnlyObject
from kschedcore.api.volumes import BIND_COMPLETED, IS_DEFAULT_CLASS, NO_PROVISIONER, SELECTED_NODE
from kschedcore.rules.admission.default_classes import default_class
from kschedcore.rules.claim_matching import (
    class_of,
    find_volume,
    is_reserved_for,
    mismatch,
    provisioned_volume,
)

__all__ = ["Binding", "bind_claims", "is_bound"]


class Binding(NamedTuple):
    """A claim and a volume, bound to each other."""

    claim: Object
    volume: Object


def is_bound(claim: ReadOnlyObject) -> bool:
    """Return whether a claim's binding is complete."""
    return BIND_COMPLETED in (claim["metadata"].get("annotations") or {})


def bind_claims(
    claims: Iterable[ReadOnlyObject], volumes: Iterable[ReadOnlyObject], classes: Iterable[ReadOnlyObject]
) -> list[Binding]:
    """Return the bindings that controllers make without a scheduler.

    Args:
        claims: PersistentVolumeClaims, whole, in the order in which they are bound.
        volumes: PersistentVolumes, whole.
        classes: StorageClasses, whole.
    """
    open_claims = [each for each in claims if not is_bound(each)]
    if not open_claims:
        return []
    by_name = {str(each["metadata"]["name"]): dict(each) for each in classes}
    default = default_class(by_name.values(), IS_DEFAULT_CLASS)
    known = {str(each["metadata"]["name"]): _available(each) for each in volumes}
    bindings = []
    for each in open_claims:
        claim = _with_class(each, default)
        volume = _volume_for(claim, known, by_name.get(class_of(claim)))
        if volume is not None:
            binding = _bound(claim, volume)
            known[volume["metadata"]["name"]] = binding.volume
            bindings.append(binding)
    return bindings


def _available(volume: ReadOnlyObject) -> Object:
    """Return a volume with the phase that the controller gives a new one."""
    status = volume.get("status") or {}
    known = status.get("phase") not in (None, "", "Pending")
    return {**volume, "status": status if known else {**status, "phase": "Available"}}


def _with_class(claim: ReadOnlyObject, default: str | None) -> Object:
    """Return a claim with a uid to match by and, if it names no class, the default one."""
    metadata = {**claim["metadata"], "uid": claim["metadata"].get("uid") or ""}
    metadata.setdefault("namespace", "default")
    spec = dict(claim.get("spec") or {})
    if spec.get("storageClassName") is None and default is not None and not class_of({**claim, "spec": spec}):
        spec["storageClassName"] = default
    return {**claim, "metadata": metadata, "spec": spec}


def _volume_for(claim: Object, volumes: Mapping[str, Object], storage_class: Object | None) -> Object | None:
    """Return the volume that a claim is bound to; None for one that waits."""
    named = claim["spec"].get("volumeName")
    if named:
        volume = volumes.get(named)
        if volume is None:
            return None
        reference = (volume.get("spec") or {}).get("claimRef")
        fits = is_reserved_for(volume, claim) if reference else not mismatch(volume, claim)
        return volume if fits else None
    mode = (storage_class or {}).get("volumeBindingMode")
    selected = SELECTED_NODE in (claim["metadata"].get("annotations") or {})
    delayed = mode == "WaitForFirstConsumer" and not selected
    found = find_volume(claim, volumes.values(), delayed=delayed)
    if found is not None or delayed or selected or storage_class is None:
        return found
    if storage_class.get("provisioner") == NO_PROVISIONER:
        return None
    metadata = claim["metadata"]
    return provisioned_volume(f"pvc-{metadata['namespace']}-{metadata['name']}", claim, storage_class)


def _bound(claim: Object, volume: Object) -> Binding:
    metadata = claim["metadata"]
    name = volume["metadata"]["name"]
    reference = {
        "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": metadata["namespace"],
        "name": metadata["name"], "uid": metadata["uid"],
    }  # fmt: skip
    annotations = {**(metadata.get("annotations") or {}), BIND_COMPLETED: "yes"}
    return Binding(
        {
            **claim,
            "metadata": {**metadata, "annotations": annotations},
            "spec": {**claim["spec"], "volumeName": name},
            "status": {**(claim.get("status") or {}), "phase": "Bound"},
        },
        {
            **volume,
            "spec": {**(volume.get("spec") or {}), "claimRef": reference},
            "status": {**(volume.get("status") or {}), "phase": "Bound"},
        },
    )
