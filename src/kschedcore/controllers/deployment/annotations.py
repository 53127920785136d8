"""The annotations of a Deployment's ReplicaSets: revision, earlier revisions, and the sizes they were scaled for.

``kubectl rollout`` shows and undoes revisions by these annotations, and the controller detects by them that a
Deployment was scaled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kschedcore.api.machinery.types import Object

__all__ = [
    "REVISION",
    "desired_of",
    "for_size",
    "highest_revision",
    "maximum_of",
    "of_new",
    "revision_of",
]

REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAXIMUM = "deployment.kubernetes.io/max-replicas"
_HISTORY = "deployment.kubernetes.io/revision-history"
_HISTORY_LIMIT = 2000
"""Maximum length of the revision history annotation."""

_OF_EACH_ITS_OWN = {
    REVISION,
    _DESIRED,
    _MAXIMUM,
    _HISTORY,
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
}
"""Annotations of a Deployment that are not copied to its ReplicaSets."""

Annotations = dict[str, str]


def revision_of(obj: Object) -> int:
    """Return the revision of a Deployment or ReplicaSet; 0 if the annotation is missing or not a number."""
    return _number(obj, REVISION) or 0


def desired_of(replica_set: Object) -> int | None:
    """Return the Deployment's replicas when this ReplicaSet was last scaled (``desired-replicas``)."""
    return _number(replica_set, _DESIRED)


def maximum_of(replica_set: Object) -> int | None:
    """Return the Deployment's replicas plus surge when this ReplicaSet was last scaled (``max-replicas``)."""
    return _number(replica_set, _MAXIMUM)


def _number(obj: Object, annotation: str) -> int | None:
    text = obj["metadata"].get("annotations", {}).get(annotation, "")
    return int(text) if text.isascii() and text.isdecimal() else None


def highest_revision(replica_sets: Iterable[Object]) -> int:
    """Return the highest revision of some ReplicaSets, 0 for none."""
    return max(map(revision_of, replica_sets), default=0)


def of_new(replica_set: Object, deployment: Object, revision: int) -> Annotations:
    """Return the annotations of the ReplicaSet that gets the newest revision.

    Args:
        replica_set: The ReplicaSet.
        deployment: The Deployment, whose annotations are copied.
        revision: Its minimum revision; an earlier revision is added to the history.
    """
    current = replica_set["metadata"].get("annotations", {})
    taken = deployment["metadata"].get("annotations", {})
    after = {**current, **{key: value for key, value in taken.items() if key not in _OF_EACH_ITS_OWN}}
    if revision_of(replica_set) < revision:
        after[REVISION] = str(revision)
        if REVISION in current:
            after[_HISTORY] = _history(current)
    return after


def _history(annotations: Mapping[str, str]) -> str:
    """Return the history with the previous revision appended, and the oldest dropped if it is too long."""
    earlier = [each for each in annotations.get(_HISTORY, "").split(",") if each]
    history = [*earlier, annotations[REVISION]]
    while len(history) > 1 and len(",".join(history)) > _HISTORY_LIMIT:
        del history[0]
    return ",".join(history)


def for_size(annotations: Mapping[str, str], desired: int, maximum: int) -> Annotations:
    """Return the annotations of a ReplicaSet that is scaled for a Deployment of a size."""
    return {**annotations, _DESIRED: str(desired), _MAXIMUM: str(maximum)}
