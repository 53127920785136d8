"""The state of a StatefulSet's rolling update: the next pod, and the status.

All decisions use the pods at the start of a pass, as does the status: so an update counts as complete once all
existing pods are updated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property

from kschedcore.api.machinery.types import Object
from kschedcore.controllers.podcontrol import is_available
from kschedcore.controllers.statefulset.pods import (
    is_running_and_ready,
    is_terminating,
    ordinal_of,
    ordinals,
    revision_of,
)

__all__ = ["Rollout"]


class Rollout:
    """A StatefulSet and its pods at one moment.

    Args:
        stateful_set: The set.
        pods: Its pods.
        current: The name of the current revision.
        update: The name of the update revision; the same when there is no update.
        now: The time, for ``minReadySeconds``.
    """

    def __init__(
        self, stateful_set: Object, pods: Sequence[Object], current: str, update: str, now: datetime
    ) -> None:
        self.set = stateful_set
        self._pods = pods
        self._current = current
        self._update = update
        self._now = now
        self._strategy: Object = stateful_set["spec"].get("updateStrategy", {})

    @property
    def ordered(self) -> bool:
        """Whether one pod has to be available before the next is processed (``OrderedReady``)."""
        return bool(self.set["spec"].get("podManagementPolicy") != "Parallel")

    @property
    def _partition(self) -> int:
        """The first ordinal that is updated (``partition``)."""
        partition: int = self._strategy.get("rollingUpdate", {}).get("partition", 0)
        return ordinals(self.set).start + partition

    @property
    def _rolling(self) -> bool:
        return bool(self._strategy.get("type", "RollingUpdate") == "RollingUpdate")

    @cached_property
    def _by_ordinal(self) -> dict[int, Object]:
        return {ordinal_of(pod): pod for pod in self._pods}

    def replicas(self, *, last_first: bool = False) -> Iterator[tuple[int, Object | None]]:
        """Yield the wanted ordinals, each with its pod if there is one; there may be billions."""
        wanted, pods = ordinals(self.set), self._by_ordinal
        for ordinal in reversed(wanted) if last_first else wanted:
            yield ordinal, pods.get(ordinal)

    @cached_property
    def condemned(self) -> list[Object]:
        """Return the pods beyond ``spec.replicas``, the highest ordinal first."""
        wanted = ordinals(self.set)
        beyond = [pod for pod in self._pods if ordinal_of(pod) not in wanted]
        return sorted(beyond, key=ordinal_of, reverse=True)

    def removable(self) -> list[Object]:
        """Return the pods beyond ``spec.replicas`` to delete now: all of them, or the last one when it may go.

        With ``OrderedReady``, an unavailable pod blocks those before it, unless it is the first unavailable one.
        """
        if not self.ordered:
            return [pod for pod in self.condemned if not is_terminating(pod)]
        last = self.condemned[:1]
        return [
            pod
            for pod in last
            if self.is_settled(pod) or (pod is self._first_unavailable and not is_terminating(pod))
        ]

    @property
    def _first_unavailable(self) -> Object | None:
        """Return the first unavailable pod in order, condemned pods last."""
        for _, pod in self.replicas():
            if pod is None or self._unavailable(pod):
                return pod
        return next((pod for pod in reversed(self.condemned) if self._unavailable(pod)), None)

    def is_settled(self, pod: Object) -> bool:
        """Return whether the next pod in order may be processed."""
        return is_running_and_ready(pod) and not self._unavailable(pod)

    def _available(self, pod: Object) -> bool:
        return is_available(pod, self.set["spec"].get("minReadySeconds", 0), self._now)

    def _unavailable(self, pod: Object) -> bool:
        return is_terminating(pod) or not self._available(pod)

    def revision_for(self, ordinal: int) -> str:
        """Return the revision of a missing pod."""
        return self._current if self._rolling and ordinal < self._partition else self._update

    def next_outdated(self) -> Object | None:
        """Return the pod to delete for the update: the last outdated one, if all after it are available."""
        for ordinal, pod in self.replicas(last_first=True) if self._rolling else ():
            if ordinal < self._partition or pod is None:
                return None
            if revision_of(pod) != self._update and not is_terminating(pod):
                return pod
            if self._unavailable(pod):
                return None
        return None

    def status(self, collisions: int, *, replaced: bool = False) -> Object:
        """Return the status of the set.

        Args:
            collisions: Number of name collisions of revisions.
            replaced: Whether the pass has deleted a pod to update it.
        """
        ready = [pod for pod in self._pods if is_running_and_ready(pod)]
        staying = [revision_of(pod) for pod in self._pods if not is_terminating(pod)]
        counts = {
            "readyReplicas": len(ready),
            "currentReplicas": max(staying.count(self._current) - replaced, 0),
            "updatedReplicas": staying.count(self._update),
        }
        current, total = self._current, len(self._pods)
        wanted = len(ordinals(self.set))
        if self._rolling and total == counts["updatedReplicas"] == counts["readyReplicas"] == wanted:
            current, counts["currentReplicas"] = self._update, counts["updatedReplicas"]
        before = self.set.get("status", {})
        return {
            **{key: before[key] for key in ("conditions",) if key in before},
            "observedGeneration": self.set["metadata"].get("generation", 0),
            "replicas": total,
            **{key: count for key, count in counts.items() if count},
            "currentRevision": current,
            "updateRevision": self._update,
            "collisionCount": collisions,
            "availableReplicas": sum(map(self._available, ready)),
        }
