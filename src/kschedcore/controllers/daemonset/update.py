"""Rolling updates of DaemonSets: by replacing pods, or by surging.

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
from kschedcore.controllers.daemonset.nodepods import NodePods

__all__ = ["Revision", "Work", "excess", "rolling_update", "surges"]

_GENERATION = "deprecated.daemonset.template.generation"
_GENERATION_LABEL = "pod-template-generation"

Available = Callable[[Object], bool]


@dataclass(slots=True)
class Work:
    """Pods to create (by node name) and to delete."""

    create: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.create or self.delete)


class Revision(NamedTuple):
    """The identity of the current template, in the labels of its pods.

    Attributes:
        hash: The hash of the ControllerRevision.
        generation: The template's generation from the deprecated annotation; None without it.
    """

    hash: str
    generation: str | None

    @classmethod
    def of(cls, daemon_set: Object, revision: Object) -> Revision:
        """Return the revision of the current template, stored as the ControllerRevision ``revision``."""
        metadata = revision["metadata"]
        suffix = metadata.get("labels", {}).get(POD_LABEL, metadata["name"])
        return cls(suffix, daemon_set["metadata"].get("annotations", {}).get(_GENERATION))

    def labels(self) -> dict[str, str]:
        """Return the revision labels of a new pod."""
        generation = {} if self.generation is None else {_GENERATION_LABEL: self.generation}
        return {**generation, POD_LABEL: self.hash}

    def has(self, pod: Object) -> bool:
        """Return whether a pod has the current template."""
        labels = pod["metadata"].get("labels", {})
        if self.generation is not None and labels.get(_GENERATION_LABEL) == self.generation:
            return True
        return bool(labels.get(POD_LABEL) == self.hash)


def surges(daemon_set: Object) -> bool:
    """Return whether new pods may run together with old ones (``maxSurge`` above zero)."""
    strategy = daemon_set["spec"].get("updateStrategy", {})
    surge = strategy.get("rollingUpdate", {}).get("maxSurge", 0)
    return strategy.get("type") == "RollingUpdate" and scaled_value(surge, 1, round_up=True) > 0


def excess(pods: list[Object], revision: Revision, available: Available, *, surge: bool) -> list[Object]:
    """Return the surplus running pods of one node.

    Args:
        pods: The running pods, the oldest first.
        revision: The revision of the current template.
        available: Whether a pod is available.
        surge: Whether an old and a new pod may run together: as long as the old one is ready and the new
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
    daemon_set: Object, found: Iterable[NodePods], revision: Revision, available: Available
) -> Work:
    """Return the next step of a rolling update.

    Args:
        daemon_set: With ``updateStrategy.type`` RollingUpdate.
        found: The DaemonSet's pods by node.
        revision: The revision of the current template.
        available: Whether a pod is available.
    """
    ours = [node_pods for node_pods in found if node_pods.decision.should_run or node_pods.pods]
    desired = sum(node_pods.decision.should_run for node_pods in ours)
    limits = daemon_set["spec"].get("updateStrategy", {}).get("rollingUpdate", {})
    surge = scaled_value(limits.get("maxSurge", 0), desired, round_up=True)
    unavailable = scaled_value(limits.get("maxUnavailable", 1), desired, round_up=True)
    generations = [_Generations.of(node_pods, revision) for node_pods in ours]
    if surge:
        return _surge(generations, surge, desired, available)
    # Both limits are zero, which validation rejects: replace one at a time.
    return _replace(generations, unavailable or 1, available)


class _Generations(NamedTuple):
    """The pod of the current template and the pod of an earlier template on a node."""

    node: NodePods
    new: Object | None
    old: Object | None
    crowded: bool

    @classmethod
    def of(cls, node_pods: NodePods, revision: Revision) -> _Generations:
        staying = [pod for pod in node_pods.pods if not pod["metadata"].get("deletionTimestamp")]
        new = [pod for pod in staying if revision.has(pod)]
        old = [pod for pod in staying if not revision.has(pod)]
        crowded = len(new) > 1 or len(old) > 1
        return cls(node_pods, new[0] if new else None, old[0] if old else None, crowded)


def _replace(generations: Iterable[_Generations], limit: int, available: Available) -> Work:
    """Delete old pods: all unavailable ones, and available ones up to ``limit``.

    An unavailable old pod does not count against the limit.
    """
    down, broken, candidates = 0, [], []
    for pods in generations:
        if pods.old is None or pods.new is not None or pods.crowded:
            up = not pods.crowded and pods.old is None and pods.new is not None and available(pods.new)
            down += not up
        elif available(pods.old):
            candidates.append(pods.old)
        else:
            broken.append(pods.old)
    return Work(delete=broken + candidates[: max(limit - down, 0)])


def _surge(generations: Iterable[_Generations], limit: int, desired: int, available: Available) -> Work:
    """Create new pods in addition to old ones, at most ``limit`` at a time, and delete replaced old pods.

    An old pod on a node that should not run one any more is deleted when enough others are available.
    """
    work, up, surging = Work(), 0, 0
    candidates: list[_Generations] = []
    misplaced: list[Object] = []
    for pods in generations:
        if pods.crowded:
            surging += 1
            continue
        senior = pods.old if pods.old is not None else pods.new
        up += senior is not None and available(senior)
        if pods.old is None:
            continue
        if pods.new is not None:
            if available(pods.new):
                work.delete.append(pods.old)
            else:
                surging += 1
        elif available(pods.old):
            if pods.node.decision.should_run:
                candidates.append(pods)
            else:
                misplaced.append(pods.old)
        elif pods.node.decision.should_run:
            work.create.append(pods.node.node)
        else:
            work.delete.append(pods.old)
    work.delete += misplaced[: max(up - desired, 0)]
    work.create += [each.node.node for each in candidates[: max(limit - surging, 0)]]
    return work
