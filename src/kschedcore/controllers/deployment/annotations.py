"""What a Deployment writes on its ReplicaSets: which revision one is, which it was, and the sizes it was made for.

By these annotations ``kubectl rollout`` shows and undoes revisions, and the controller knows that a Deployment
was scaled since it last looked.
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
"""So many characters of earlier revisions are kept at most."""

_OF_EACH_ITS_OWN = {
    REVISION,
    _DESIRED,
    _MAXIMUM,
    _HISTORY,
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
}
"""Annotations of a Deployment that its ReplicaSets do not take over."""

Annotations = dict[str, str]


def revision_of(obj: Object) -> int:
    """The revision that a Deployment or ReplicaSet is of; 0 when it does not say, or says no number."""
    return _number(obj, REVISION) or 0


def desired_of(replica_set: Object) -> int | None:
    """How many replicas its Deployment wanted when it last sized this ReplicaSet."""
    return _number(replica_set, _DESIRED)


def maximum_of(replica_set: Object) -> int | None:
    """How many replicas its Deployment could have had, surge included, when it last sized this ReplicaSet."""
    return _number(replica_set, _MAXIMUM)


def _number(obj: Object, annotation: str) -> int | None:
    text = obj["metadata"].get("annotations", {}).get(annotation, "")
    return int(text) if text.isascii() and text.isdecimal() else None


def highest_revision(replica_sets: Iterable[Object]) -> int:
    """The highest revision among some ReplicaSets, 0 among none."""
    return max(map(revision_of, replica_sets), default=0)


def of_new(replica_set: Object, deployment: Object, revision: int) -> Annotations:
    """The annotations of the ReplicaSet that is to be of the newest revision.

    Args:
        replica_set: As it is.
        deployment: Whose annotations it takes over, its change cause among them.
        revision: What it is to be of at least; a revision it had before goes into its history.
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
    """The history with the revision before now appended, the oldest dropped where it grows too long."""
    earlier = [each for each in annotations.get(_HISTORY, "").split(",") if each]
    history = [*earlier, annotations[REVISION]]
    while len(history) > 1 and len(",".join(history)) > _HISTORY_LIMIT:
        del history[0]
    return ",".join(history)


def for_size(annotations: Mapping[str, str], desired: int, maximum: int) -> Annotations:
    """The annotations after the ReplicaSet was sized for a Deployment of that size."""
    return {**annotations, _DESIRED: str(desired), _MAXIMUM: str(maximum)}
