"""Memory checks of nodes, and eviction under memory pressure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kschedcore.api.machinery.types import Object
from kschedcore.nodes.host import Host
from kschedcore.nodes.podworker import PodWorker
from kschedcore.nodes.pressure import (
    CALM_AFTER,
    CHECK_EVERY,
    GRACE_SECONDS,
    THRESHOLD,
    Candidate,
    eviction_message,
    victims,
)
from kschedcore.nodes.registration import with_condition
from kschedcore.nodes.runtimes.interface import Runtime, Usage
from kschedcore.nodes.stopping import Ending

__all__ = ["Finding", "MemoryWatch", "usage_of"]


_LOW = ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
_CALM = ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a memory check.

    Attributes:
        status: The new status of the node.
        victim: The pod to evict, if any.
        again: When to check next; None until the node's pods change.
    """

    status: Object
    victim: PodWorker | None
    again: datetime | None


class MemoryWatch:
    """Checks the memory of nodes.

    Args:
        runtime: The container runtime.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._low: dict[str, datetime] = {}

    def look(self, host: Host, workers: Iterable[PodWorker], now: datetime) -> Finding:
        """Check a node's memory, and choose the first pod in eviction order if it is low.

        Args:
            host: The node.
            workers: The node's pods.
            now: The time.
        """
        found = [(each, usage_of(each, self._runtime, now)) for each in workers]
        used = sum(each.memory for _, usages in found for each in usages.values())
        available = host.memory - used
        status = host.node.get("status", {})
        if available < THRESHOLD:
            self._low[host.name] = now
            victim = self._evict(host, found, available, now)
            low = with_condition(status, "MemoryPressure", *_LOW, now)
            return Finding(low, victim, now + CHECK_EVERY)
        times = [each.until for _, usages in found for each in usages.values() if each.until is not None]
        again = None if not times else _next_look(min(times), now)
        if not host.under_pressure:
            return Finding(dict(status), None, again)
        calm_at = self._low.setdefault(host.name, now) + CALM_AFTER
        if calm_at > now:
            return Finding(dict(status), None, calm_at if again is None else min(again, calm_at))
        del self._low[host.name]
        return Finding(with_condition(status, "MemoryPressure", *_CALM, now), None, again)

    def _evict(
        self, host: Host, found: list[tuple[PodWorker, dict[str, Usage]]], available: int, now: datetime
    ) -> PodWorker | None:
        if any(worker.evicted for worker, _ in found):
            # The pods that are terminating may free enough memory.
            return None
        running: dict[str, PodWorker] = {}
        candidates = []
        for worker, usages in found:
            if usages and worker.stopping is None:
                uid = worker.pod["metadata"]["uid"]
                running[uid] = worker
                requested = host.workers[uid].requests.get("memory", 0)
                memory = {name: each.memory for name, each in usages.items()}
                candidates.append(Candidate(worker.pod, requested, memory))
        ranked = victims(candidates)
        if not ranked:
            return None
        worker = running[ranked[0].pod["metadata"]["uid"]]
        message = eviction_message(ranked[0], available)
        worker.reports.warn("Evicted", message)
        worker.end(Ending("Evicted", message, disrupted=True), GRACE_SECONDS, now)
        return worker

    def forget(self, name: str) -> None:
        """Drop a deleted node."""
        self._low.pop(name, None)


def usage_of(worker: PodWorker, runtime: Runtime, now: datetime) -> dict[str, Usage]:
    """Return the usage of each running container of a pod."""
    return {
        each.name: runtime.usage(each.instance, now)
        for each in worker.containers
        if each.running and each.instance is not None
    }


def _next_look(change: datetime, now: datetime) -> datetime:
    """Return the first check at or after a change: the agent checks every ten seconds."""
    return now + CHECK_EVERY * max(-(-(change - now) // CHECK_EVERY), 1)
