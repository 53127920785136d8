"""The effect of a deletion on an object: finalizers, grace period, propagation, preconditions.

The functions are pure; the registry applies their results. Rules: ``registry/rest/delete.go`` and the generic
registry's ``Store.Delete``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.times import LATEST, later, parse_time, timestamp
from kschedcore.api.machinery.types import UID, Object, ResourceVersion
from kschedcore.api.phases import has_ended

__all__ = ["Deletion", "check_preconditions", "deletion_of", "ends_by_update", "marked"]

_ORPHAN = "orphan"
_FOREGROUND = "foregroundDeletion"
_POD_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Deletion:
    """The result of a deletion.

    Attributes:
        object: The object after the deletion, or its last state.
        now: Whether it is deleted immediately.
        changed: Whether the object was changed.
    """

    object: Object
    now: bool
    changed: bool


def check_preconditions(
    resource: Resource, obj: Object, uid: UID | None, version: ResourceVersion | None
) -> None:
    """Raise 409 if the preconditions (uid, resourceVersion) do not match."""
    metadata = obj["metadata"]
    if uid is not None and uid != metadata["uid"]:
        raise _unmet(
            resource, metadata["name"],
            f"the UID in the precondition ({uid}) does not match the UID in record ({metadata['uid']}). "
            "The object might have been deleted and then recreated",
        )  # fmt: skip
    if version is not None and version != metadata["resourceVersion"]:
        raise _unmet(
            resource, metadata["name"],
            f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in "
            f"record ({metadata['resourceVersion']}). The object might have been modified",
        )  # fmt: skip


def _unmet(resource: Resource, name: str, why: str) -> StatusError:
    subject = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = {"name": name, "kind": resource.kind}
    if resource.group:
        details = {"name": name, "group": resource.group, "kind": resource.kind}
    message = f'Operation cannot be fulfilled on {subject} "{name}": {why}'
    return StatusError(409, "Conflict", message, details)


def deletion_of(
    kind: Kind, obj: Object, now: datetime, *, grace_seconds: int | None, propagation: str | None
) -> Deletion:
    """Return the result of deleting ``obj``.

    Args:
        kind: The object's kind.
        obj: The stored object, which is not changed.
        now: The time.
        grace_seconds: The request's ``gracePeriodSeconds``; None for the object's default.
        propagation: ``Foreground``, ``Background``, ``Orphan``; None for the finalizers the object has, or
            the kind's default.
    """
    metadata = obj["metadata"]
    finalizers = _finalizers(kind, metadata.get("finalizers", []), propagation)
    if "deletionTimestamp" in metadata:
        return _again(kind, obj, finalizers, grace_seconds)
    if kind.graceful:
        grace = _pod_grace(obj, grace_seconds)
        deleted = marked(obj, now, grace, finalizers)
        return Deletion(deleted, grace == 0 and not finalizers, changed=True)
    if finalizers:
        return Deletion(marked(obj, now, 0, finalizers), now=False, changed=True)
    return Deletion(obj, now=True, changed=False)


def _again(kind: Kind, obj: Object, finalizers: list[str], grace_seconds: int | None) -> Deletion:
    """Return the result of deleting a terminating object: the deadline may only be shortened."""
    metadata = obj["metadata"]
    before = metadata.get("deletionGracePeriodSeconds")
    if not kind.graceful or before is None:
        changed = finalizers != metadata.get("finalizers", [])
        kept = {**metadata, "finalizers": finalizers} if changed else metadata
        return Deletion({**obj, "metadata": kept}, now=not finalizers, changed=changed)
    if grace_seconds is None or grace_seconds >= before:
        return Deletion(obj, now=False, changed=False)
    sooner = max(grace_seconds, 0)
    end = later(parse_time(metadata["deletionTimestamp"]) or LATEST, sooner - before)
    shortened = {
        **metadata,
        "deletionTimestamp": timestamp(end),
        "deletionGracePeriodSeconds": sooner,
    }
    return Deletion({**obj, "metadata": shortened}, sooner == 0 and not finalizers, changed=True)


def _pod_grace(pod: Object, grace_seconds: int | None) -> int:
    """Return a pod's grace period: 0 if it never ran or has terminated."""
    spec = pod["spec"]
    if not spec.get("nodeName") or has_ended(pod):
        return 0
    if grace_seconds is None:
        grace_seconds = spec.get("terminationGracePeriodSeconds", _POD_GRACE_SECONDS)
    return 1 if grace_seconds < 0 else int(grace_seconds)


def _finalizers(kind: Kind, before: list[str], propagation: str | None) -> list[str]:
    if propagation is None:
        wanted = _ORPHAN if kind.orphans and _FOREGROUND not in before else None
        wanted = next((each for each in (_ORPHAN, _FOREGROUND) if each in before), wanted)
    else:
        wanted = {"Orphan": _ORPHAN, "Foreground": _FOREGROUND}.get(propagation)
    kept = [each for each in before if each not in (_ORPHAN, _FOREGROUND) or each == wanted]
    return kept if wanted is None or wanted in kept else [*kept, wanted]


def marked(obj: Object, now: datetime, grace: int, finalizers: list[str]) -> Object:
    """Return the object as a terminating one."""
    metadata = dict(obj["metadata"])
    metadata["deletionTimestamp"] = timestamp(later(now, grace))
    metadata["deletionGracePeriodSeconds"] = grace
    metadata["finalizers"] = finalizers
    if not finalizers:
        del metadata["finalizers"]
    if metadata.get("generation"):
        metadata["generation"] += 1
    return {**obj, "metadata": metadata}


def ends_by_update(kind: Kind, new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Return whether an update removes the last finalizer of a terminating object."""
    metadata = new["metadata"]
    if "deletionTimestamp" not in old["metadata"] or metadata.get("finalizers"):
        return False
    if kind.resource.kind == "Namespace":
        return not new.get("spec", {}).get("finalizers")
    return metadata.get("deletionGracePeriodSeconds") in (None, 0)
