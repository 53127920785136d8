"""The sizes of a Deployment's ReplicaSets: proportional scaling, rolling update, recreate.

The functions are pure: they take sizes and availability and return the changes, in order.
The rules are those of Deployments' reference: "Rolling Update Deployment", "Proportional scaling", "Recreate".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kschedcore.api.machinery.types import Object
from kschedcore.api.percentages import scaled_value
from kschedcore.controllers.deployment.annotations import desired_of, maximum_of

__all__ = [
    "Size",
    "age",
    "available",
    "is_rolling",
    "max_surge",
    "max_unavailable",
    "new_size",
    "replicas",
    "rescaled",
    "rolled",
    "scaled_to_nothing",
]


class Size(NamedTuple):
    """The new number of replicas of a ReplicaSet."""

    replica_set: Object
    replicas: int


def replicas(obj: Object) -> int:
    """Return ``spec.replicas`` of a Deployment or ReplicaSet."""
    wanted: int = obj["spec"].get("replicas", 1)
    return wanted


def available(replica_set: Object) -> int:
    """Return the available replicas of a ReplicaSet."""
    count: int = replica_set.get("status", {}).get("availableReplicas", 0)
    return count


def age(replica_set: Object) -> tuple[str, str]:
    """Return the sort key of ReplicaSets by age, the oldest first."""
    metadata = replica_set["metadata"]
    return metadata["creationTimestamp"], metadata["name"]


def is_rolling(deployment: Object) -> bool:
    """Return whether the strategy is ``RollingUpdate``."""
    return bool(deployment["spec"].get("strategy", {}).get("type", "RollingUpdate") == "RollingUpdate")


def max_surge(deployment: Object) -> int:
    """Return the number of pods above ``spec.replicas`` allowed during a rolling update."""
    return _fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    """Return the number of pods that may be unavailable during a rolling update."""
    return min(_fenceposts(deployment)[1], replicas(deployment)) if is_rolling(deployment) else 0


def _fenceposts(deployment: Object) -> tuple[int, int]:
    given = deployment["spec"].get("strategy", {}).get("rollingUpdate", {})
    surge = scaled_value(given.get("maxSurge", 0), replicas(deployment), round_up=True)
    unavailable = scaled_value(given.get("maxUnavailable", 0), replicas(deployment), round_up=False)
    # If both are 0 (percentages of few replicas), no pod could be replaced.
    return surge, unavailable if surge or unavailable else 1


def new_size(deployment: Object, new: int, total: int) -> int:
    """Return the number of replicas that the new ReplicaSet may be scaled up to.

    Args:
        deployment: The Deployment.
        new: Its present number of replicas.
        total: The number of pods of all ReplicaSets, terminating ones included.
    """
    wanted = replicas(deployment)
    if not is_rolling(deployment):
        return wanted
    space = wanted + max_surge(deployment) - total
    return new + min(space, wanted - new) if space > 0 else new


def scaled_to_nothing(replica_sets: Iterable[Object]) -> list[Size]:
    """Return size 0 for every ReplicaSet that has replicas."""
    return [Size(each, 0) for each in replica_sets if replicas(each)]


def rescaled(deployment: Object, new: Object | None, old: Sequence[Object]) -> list[Size]:
    """Return the sizes after the Deployment was scaled or is paused, without a rollout step.

    Args:
        deployment: The Deployment.
        new: The ReplicaSet of its template, if there is one.
        old: The others.
    """
    everyone = [*old, *_present(new)]
    active = [each for each in everyone if replicas(each)]
    if len(active) <= 1:
        newest = sorted(old, key=age)[-1:]
        only = next(iter([*active, *_present(new), *newest]), None)
        wanted = replicas(deployment)
        return [] if only is None or replicas(only) == wanted else [Size(only, wanted)]
    if new is not None and _is_saturated(deployment, new):
        return scaled_to_nothing(old)
    return _in_proportion(deployment, active) if is_rolling(deployment) else []


def _present(new: Object | None) -> list[Object]:
    return [] if new is None else [new]


def _is_saturated(deployment: Object, new: Object) -> bool:
    wanted = replicas(deployment)
    return replicas(new) == desired_of(new) == available(new) == wanted


def _in_proportion(deployment: Object, active: Sequence[Object]) -> list[Size]:
    """Distribute added or removed replicas among the ReplicaSets; the largest gets the remainder."""
    wanted = replicas(deployment)
    allowed = wanted + max_surge(deployment) if wanted else 0
    change = allowed - sum(map(replicas, active))
    # Of equal sizes, the newer is scaled up first and the older scaled down first.
    ordered = sorted(active, key=age, reverse=change > 0)
    ordered.sort(key=replicas, reverse=True)
    sizes, rest = [], change
    for each in ordered:
        share = _share(deployment, each)
        part = min(share, rest) if change > 0 else max(share, rest) if change < 0 else 0
        sizes.append(Size(each, replicas(each) + part))
        rest -= part
    first = sizes[0]
    return [Size(first.replica_set, max(0, first.replicas + rest)), *sizes[1:]]


def _share(deployment: Object, replica_set: Object) -> int:
    """Return the change of a ReplicaSet that keeps its proportion of the Deployment."""
    size, wanted = replicas(replica_set), replicas(deployment)
    if not wanted:
        return -size
    before = maximum_of(replica_set) or deployment.get("status", {}).get("replicas", 0)
    if not before:
        return 0
    # Go's math.Round: halves away from zero.
    return math.floor(size * (wanted + max_surge(deployment)) / before + 0.5) - size


def rolled(deployment: Object, new: Object, old: Sequence[Object], leaving: int) -> list[Size]:
    """Return the next step of a rolling update: for the new ReplicaSet, or if there is none, for the old ones.

    Args:
        deployment: The Deployment.
        new: The ReplicaSet of its template.
        old: The others.
        leaving: Number of pods beyond the replicas of their ReplicaSets; they count until they are deleted.
    """
    wanted, total = replicas(deployment), sum(map(replicas, [*old, new])) + leaving
    if replicas(new) != wanted:
        size = wanted if replicas(new) > wanted else new_size(deployment, replicas(new), total)
        if size != replicas(new):
            return [Size(new, size)]
    return _old_rolled_down(deployment, new, [each for each in sorted(old, key=age) if replicas(each)])


def _old_rolled_down(deployment: Object, new: Object, old: Sequence[Object]) -> list[Size]:
    """Scale down unavailable replicas first, then as many available ones as ``maxUnavailable`` allows."""
    least = replicas(deployment) - max_unavailable(deployment)
    coming = replicas(new) - available(new)
    removable = sum(map(replicas, [*old, new])) - least - coming
    if removable <= 0:
        return []
    before = [Size(each, replicas(each)) for each in old]
    cleaned = _reduced(before, removable, [replicas(each) - available(each) for each in old])
    if any(available(each) > replicas(each) for each in old):
        # The status is from before the scale-down: the available replicas are not known yet.
        return _changed(before, cleaned)
    spare = sum(map(available, [*old, new])) - least
    after = _reduced(cleaned, spare, [size.replicas for size in cleaned])
    return [*_changed(before, cleaned), *_changed(cleaned, after)]


def _reduced(sizes: Sequence[Size], most: int, of_each: Sequence[int]) -> list[Size]:
    """Remove ``most`` replicas in total, and from each ReplicaSet at most its limit, in order."""
    reduced = []
    for size, limit in zip(sizes, of_each, strict=True):
        count = max(0, min(most, limit))
        reduced.append(size._replace(replicas=size.replicas - count))
        most -= count
    return reduced


def _changed(before: Iterable[Size], after: Iterable[Size]) -> list[Size]:
    return [new for old, new in zip(before, after, strict=True) if old.replicas != new.replicas]
