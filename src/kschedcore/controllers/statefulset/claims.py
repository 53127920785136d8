"""The claims of a StatefulSet's pods: created from templates, and retained or deleted by the retention policy.

A claim to be deleted with the set or with a pod that is scaled down has it as an owner, so that the garbage collector
deletes it (KEP-1847, ``spec.persistentVolumeClaimRetentionPolicy``).
"""

from __future__ import annotations

from collections.abc import Mapping

from kschedcore.api.machinery.types import Object
from kschedcore.controllers.refmanager import controller_reference
from kschedcore.controllers.statefulset.pods import ordinal_of, ordinals
from kschedcore.manifests.stateful_sets import claims_of_ordinal

__all__ = ["claims_of", "is_stale", "with_owners"]


def claims_of(stateful_set: Object, pod: Object) -> list[Object]:
    """Return the claims that a pod of the set needs, as they are created."""
    return claims_of_ordinal(stateful_set, ordinal_of(pod))


def is_stale(claim: Object, stateful_set: Object, pod: Object) -> bool:
    """Return whether the claim is about to be deleted with an earlier pod of the same name."""
    return _policy(stateful_set).get("whenScaled") == "Delete" and _is_anothers(claim, pod)


def with_owners(claim: Object, stateful_set: Object, pod: Object) -> Object:
    """Return the claim with the owners for the retention policy; the same object if it has them.

    Claims of another controller, and those of an earlier set or pod, are not changed.
    """
    if _is_anothers(claim, stateful_set) or _is_anothers(claim, pod):
        return claim
    ours = [each for each in _owners(claim) if _is_of(each, stateful_set) or _is_of(each, pod)]
    others = [each for each in _owners(claim) if each not in ours]
    owner = None if any(each.get("controller") for each in others) else _keeper(stateful_set, pod)
    wanted = [] if owner is None else [owner["metadata"]["uid"]]
    if [each["uid"] for each in ours if each.get("controller")] == wanted and len(ours) == len(wanted):
        return claim
    references = others + ([] if owner is None else [controller_reference(owner)])
    return {**claim, "metadata": {**claim["metadata"], "ownerReferences": references}}


def _keeper(stateful_set: Object, pod: Object) -> Object | None:
    """Return the object with which the claim is to be deleted; None to retain it."""
    policy = _policy(stateful_set)
    if policy.get("whenScaled") == "Delete" and ordinal_of(pod) not in ordinals(stateful_set):
        return pod
    return stateful_set if policy.get("whenDeleted") == "Delete" else None


def _policy(stateful_set: Object) -> Mapping[str, str]:
    policy: Mapping[str, str] = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy", {})
    return policy


def _is_anothers(claim: Object, owner: Object) -> bool:
    """Return whether the claim belongs to an earlier object of the owner's kind and name."""
    uid = owner["metadata"].get("uid", "")
    return any(_is_of(each, owner) and each["uid"] != uid for each in _owners(claim))


def _owners(claim: Object) -> list[Object]:
    owners: list[Object] = claim["metadata"].get("ownerReferences", [])
    return owners


def _is_of(reference: Object, owner: Object) -> bool:
    described = (owner["apiVersion"], owner["kind"], owner["metadata"]["name"])
    return (reference["apiVersion"], reference["kind"], reference["name"]) == described
