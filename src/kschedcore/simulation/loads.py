"""Load curves: a runtime whose resource usage depends on the time of day."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from kschedcore.api.durations import duration
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.quantity import nanos
from kschedcore.cluster import Cluster
from kschedcore.nodes.runtimes.behaviours import Behaviours
from kschedcore.nodes.runtimes.interface import Instance, Usage
from kschedcore.nodes.runtimes.simulated import SimulatedRuntime
from kschedcore.simulation.scenario import Curve, Load

__all__ = ["LoadedRuntime", "amount_at"]

CHECK_EVERY = timedelta(minutes=1)
"""Interval in which a load counts as constant."""

_REMEMBERED = 100_000
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_NANOS = 10**9


def amount_at(curve: Curve, since: timedelta) -> float:
    """Return a curve's value at a time since the beginning, in whole units (cores, bytes)."""
    growth: float = (1 + curve.growth_percent_per_week / 100) ** (since / _WEEK)
    return _base(curve, since) * growth


def _base(curve: Curve, since: timedelta) -> float:
    if curve.day is not None:
        low, high = nanos(curve.day.low) / _NANOS, nanos(curve.day.high) / _NANOS
        turn = (since - duration(curve.day.peak)) / _DAY
        return low + (high - low) * (1 + math.cos(2 * math.pi * turn)) / 2
    if curve.constant is not None:
        return nanos(curve.constant) / _NANOS
    begun = [step for step in curve.steps if duration(step.from_) <= since]
    return nanos(begun[-1].amount) / _NANOS if begun else 0.0


class _Loads:
    """The loads of containers: the first that matches applies.

    Args:
        loads: The loads, in order.
    """

    def __init__(self, loads: Iterable[Load]) -> None:
        self._loads = tuple(loads)
        # Loads are indexed by one of their labels, so that many loads do not slow down each lookup.
        self._by_label: dict[tuple[str, str], list[int]] = {}
        self._of_any: list[int] = []
        for number, load in enumerate(self._loads):
            label = next(iter(load.match.labels.items()), None)
            (self._of_any if label is None else self._by_label.setdefault(label, [])).append(number)

        self._amounts: dict[int, tuple[timedelta, float | None, float | None]] = {}

    def __getitem__(self, number: int) -> Load:
        return self._loads[number]

    def amounts(self, number: int, since: timedelta) -> tuple[float | None, float | None]:
        """Return cores and bytes of a load at a time since the beginning; None for what it does not set."""
        known = self._amounts.get(number)
        if known is None or known[0] != since:
            cpu, memory = (
                None if curve is None else amount_at(curve, since)
                for curve in (self._loads[number].cpu, self._loads[number].memory)
            )
            known = self._amounts[number] = (since, cpu, memory)
        return known[1:]

    def of(self, pod: ReadOnlyObject, spec: ReadOnlyObject) -> int | None:
        """Return the index of a container's load; None if there is none."""
        possible = list(self._of_any)
        for label in pod["metadata"].get("labels", {}).items():
            possible += self._by_label.get(label, ())
        return min((each for each in possible if self._loads[each].match.fits(pod, spec)), default=None)


class _Sharers:
    """The number of running containers of each load, updated by a watch.

    Args:
        loads: The loads of containers.
        cluster: The cluster of the pods.
    """

    def __init__(self, loads: _Loads, cluster: Cluster) -> None:
        self._loads = loads
        self._watch = cluster.watch("pods", all_namespaces=True)
        self._counted: dict[str, Counter[int]] = {}
        self._totals: Counter[int] = Counter()
        for pod in cluster.list("pods", all_namespaces=True):
            self._count(pod, gone=False)

    def look(self) -> None:
        """Read the events since the last call."""
        for event in self._watch.poll():
            self._count(event.object, gone=event.type == "DELETED")

    def of(self, number: int) -> int:
        """Return the number of containers that share a load."""
        self.look()
        return self._totals[number]

    def _count(self, pod: ReadOnlyObject, *, gone: bool) -> None:
        uid = pod["metadata"]["uid"]
        now: Counter[int] = Counter()
        if not gone and pod.get("status", {}).get("phase") == "Running":
            numbers = (self._loads.of(pod, spec) for spec in pod["spec"]["containers"])
            now.update(number for number in numbers if number is not None)
        self._totals.subtract(self._counted.pop(uid, Counter()))
        if now:
            self._counted[uid] = now
            self._totals.update(now)


class LoadedRuntime(SimulatedRuntime):
    """Simulated containers under load.

    Args:
        loads: The first that matches a container sets its usage.
        start: When the curves begin.
        behaviours: The behaviours of containers otherwise.
        seed: Seed of the jitter of starts.
    """

    def __init__(
        self, loads: Iterable[Load], start: datetime, behaviours: Behaviours | None = None, *, seed: int = 0
    ) -> None:
        super().__init__(behaviours, seed=seed)
        self._loads = _Loads(loads)
        self._start = start
        self._sharers: _Sharers | None = None
        self._numbers: dict[str, int | None] = {}

    def share(self, cluster: Cluster) -> None:
        """Share the loads among the running containers of a cluster; before, each container has the whole load."""
        self._sharers = _Sharers(self._loads, cluster)

    def look(self) -> None:
        """Read the pod events since the last call; cheap if there are none."""
        if self._sharers is not None:
            self._sharers.look()

    def usage(self, instance: Instance, now: datetime) -> Usage:
        """Return the usage of the first matching load, and of the behaviour for other resources."""
        used = super().usage(instance, now)
        number = self._load_of(instance)
        if number is None:
            return used
        since = (now - self._start) // CHECK_EVERY * CHECK_EVERY
        cpu, memory = self._loads.amounts(number, since)
        sharers = self._sharers_of(number)
        return Usage(
            used.cpu if cpu is None else round(cpu / sharers * 1000),
            used.memory if memory is None else round(memory / sharers),
            self._start + since + CHECK_EVERY,
        )

    def _load_of(self, instance: Instance) -> int | None:
        """Return the index of a running container's load, fixed when the container started."""
        if instance.id not in self._numbers:
            if len(self._numbers) >= _REMEMBERED:
                self._numbers.clear()
            self._numbers[instance.id] = self._loads.of(instance.pod, instance.spec)
        return self._numbers[instance.id]

    def measures(self, pod: ReadOnlyObject) -> bool:
        """Return whether a load or a behaviour sets the pod's memory usage."""
        numbers = [self._loads.of(pod, spec) for spec in pod["spec"]["containers"]]
        loaded = any(number is not None and self._loads[number].memory is not None for number in numbers)
        return loaded or super().measures(pod)

    def _sharers_of(self, number: int) -> int:
        if self._sharers is None or self._loads[number].per_container:
            return 1
        return max(self._sharers.of(number), 1)
