"""How a DaemonSet passes from one template to another: by replacing pods, or by surging beside them.

Rules: "Perform a Rolling Update on a DaemonSet", KEP-1591 (``maxSurge``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from kschedcore.api.machinery.types import Object
from kschedcore.api.percentages import scaled_value
from kschedcore.controllers.activepods import ready_since
from kschedcore.controllers.controllerhistory import POD_LABEL
from kschedcore.controllers.daemonset.places import Place

__all__ = ["Revision", "Work", "excess", "rolling_update", "surges"]

_GENERATION = "deprecated.daemonset.template.generation"
_GENERATION_LABEL = "pod-template-generation"

Available = Callable[[Object], bool]


@dataclass(slots=True)
class Work:
    """What is to be done: ``create`` names nodes, ``delete`` holds pods."""

    create: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.create or self.delete)


class Revision(NamedTuple):
    """What the pods of the present template carry.

    Attributes:
        hash: Of the ControllerRevision.
        generation: How often the template has changed; None when nothing says so.
    """

    hash: str
    generation: str | None

    @classmethod
    def of(cls, daemon_set: Object, revision: Object) -> Revision:
        """The present template's, whose ControllerRevision is ``revision``."""
        metadata = revision["metadata"]
        suffix = metadata.get("labels", {}).get(POD_LABEL, metadata["name"])
        return cls(suffix, daemon_set["metadata"].get("annotations", {}).get(_GENERATION))

    def labels(self) -> dict[str, str]:
        """The labels of a pod made now."""
        generation = {} if self.generation is None else {_GENERATION_LABEL: self.generation}
        return {**generation, POD_LABEL: self.hash}

    def has(self, pod: Object) -> bool:
        """Whether a pod is of the present template."""
        labels = pod["metadata"].get("labels", {})
        if self.generation is not None and labels.get(_GENERATION_LABEL) == self.generation:
            return True
        return bool(labels.get(POD_LABEL) == self.hash)


def surges(daemon_set: Object) -> bool:
    """Whether new pods may run beside the old ones."""
    strategy = daemon_set["spec"].get("updateStrategy", {})
    surge = strategy.get("rollingUpdate", {}).get("maxSurge", 0)
    return strategy.get("type") == "RollingUpdate" and scaled_value(surge, 1, round_up=True) > 0


def excess(pods: list[Object], revision: Revision, available: Available, *, surge: bool) -> list[Object]:
    """The running pods of one node that are too many there.

    Args:
        pods: The running ones, the senior first.
        revision: The present template's.
        available: Whether a pod is available.
        surge: Whether an old and a new pod may be there together: as long as the old one is ready and the new
            one not available.
    """
    if not surge:
        return pods[1:]
    new = [pod for pod in pods if pod["metadata"].get("labels", {}).get(POD_LABEL) == revision.hash]
    old = [pod for pod in pods if pod not in new]
    beyond = [*new[1:], *old[1:]]
    if new and old and (ready_since(old[0]) is None or available(new[0])):
        beyond.append(old[0])
    return beyond


def rolling_update(
    daemon_set: Object, found: Iterable[Place], revision: Revision, available: Available
) -> Work:
    """What a rolling update does next.

    Args:
        daemon_set: With ``updateStrategy.type`` RollingUpdate.
        found: Where its pods are and belong.
        revision: The present template's.
        available: Whether a pod is available.
    """
    ours = [place for place in found if place.verdict.runs or place.pods]
    desired = sum(place.verdict.runs for place in ours)
    limits = daemon_set["spec"].get("updateStrategy", {}).get("rollingUpdate", {})
    surge = scaled_value(limits.get("maxSurge", 0), desired, round_up=True)
    unavailable = scaled_value(limits.get("maxUnavailable", 1), desired, round_up=True)
    sides = [_Sides.of(place, revision) for place in ours]
    if surge:
        return _surge(sides, surge, desired, available)
    # Neither is allowed, which validation refuses: one at a time.
    return _replace(sides, unavailable or 1, available)


class _Sides(NamedTuple):
    """The pod of the present template and the one of an earlier template on a node."""

    place: Place
    new: Object | None
    old: Object | None
    crowded: bool

    @classmethod
    def of(cls, place: Place, revision: Revision) -> _Sides:
        staying = [pod for pod in place.pods if not pod["metadata"].get("deletionTimestamp")]
        new = [pod for pod in staying if revision.has(pod)]
        old = [pod for pod in staying if not revision.has(pod)]
        crowded = len(new) > 1 or len(old) > 1
        return cls(place, new[0] if new else None, old[0] if old else None, crowded)


def _replace(sides: Iterable[_Sides], limit: int, available: Available) -> Work:
    """Delete old pods: all that are not available, and of the others as many as ``limit`` leaves.

    An old pod that is not available costs nothing of the limit, and goes in the same pass.
    """
    down, broken, candidates = 0, [], []
    for place in sides:
        if place.old is None or place.new is not None or place.crowded:
            up = not place.crowded and place.old is None and place.new is not None and available(place.new)
            down += not up
        elif available(place.old):
            candidates.append(place.old)
        else:
            broken.append(place.old)
    return Work(delete=broken + candidates[: max(limit - down, 0)])


def _surge(sides: Iterable[_Sides], limit: int, desired: int, available: Available) -> Work:
    """Make new pods beside old ones, no more than ``limit`` at a time, and delete old ones that are replaced.

    An old pod on a node where none belongs any more goes when enough others are available.
    """
    work, up, surging = Work(), 0, 0
    candidates: list[_Sides] = []
    misplaced: list[Object] = []
    for place in sides:
        if place.crowded:
            surging += 1
            continue
        judged = place.old if place.old is not None else place.new
        up += judged is not None and available(judged)
        if place.old is None:
            continue
        if place.new is not None:
            if available(place.new):
                work.delete.append(place.old)
            else:
                surging += 1
        elif available(place.old):
            if place.place.verdict.runs:
                candidates.append(place)
            else:
                misplaced.append(place.old)
        elif place.place.verdict.runs:
            work.create.append(place.place.node)
        else:
            work.delete.append(place.old)
    work.delete += misplaced[: max(up - desired, 0)]
    work.create += [each.place.node for each in candidates[: max(limit - surging, 0)]]
    return work
