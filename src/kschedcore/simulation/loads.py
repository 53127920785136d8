"""Load curves: a runtime whose containers use what the time of day says, for autoscalers to follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from kschedcore.api.quantity import nanos
from kschedcore.cluster.durations import duration
from kschedcore.nodes.behaviours import Behaviours
from kschedcore.nodes.runtime import Instance, Object, Usage
from kschedcore.nodes.simulated import SimulatedRuntime
from kschedcore.simulation.scenario import Curve, Load

__all__ = ["LoadedRuntime", "amount_at"]

LOOKED_AT_EVERY = timedelta(minutes=1)
"""How long a load is taken to stay what it is."""

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_NANOS = 10**9


def amount_at(curve: Curve, since: timedelta) -> float:
    """A curve's value so long after the beginning, in whole units (cores, bytes)."""
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


class LoadedRuntime(SimulatedRuntime):
    """Simulated containers under load.

    Args:
        loads: The first that matches a container says what it uses.
        start: When the curves begin.
        pods: The pods there are, among which a load is shared.
        behaviours: How containers act otherwise.
        seed: For the jitter of their starts.
    """

    def __init__(
        self,
        loads: Iterable[Load],
        start: datetime,
        pods: Callable[[], Iterable[Object]],
        behaviours: Behaviours | None = None,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(behaviours, seed=seed)
        self._loads = tuple(loads)
        self._start = start
        self._pods = pods
        self._counted: dict[int, tuple[datetime, int]] = {}

    def usage(self, instance: Instance, now: datetime) -> Usage:
        """What the first matching load says, and of the rest what the behaviour does."""
        used = super().usage(instance, now)
        number = self._load_of(instance.pod, instance.spec)
        if number is None:
            return used
        load, sharers = self._loads[number], self._sharers(number, now)
        since = now - self._start
        cpu = used.cpu if load.cpu is None else round(amount_at(load.cpu, since) / sharers * 1000)
        memory = used.memory if load.memory is None else round(amount_at(load.memory, since) / sharers)
        return Usage(cpu, memory, now + LOOKED_AT_EVERY)

    def measures(self, pod: Object) -> bool:
        """Whether a load or a behaviour says what memory the pod uses."""
        numbers = [self._load_of(pod, spec) for spec in pod["spec"]["containers"]]
        loaded = any(number is not None and self._loads[number].memory is not None for number in numbers)
        return loaded or super().measures(pod)

    def _load_of(self, pod: Object, spec: Object) -> int | None:
        fitting = (number for number, load in enumerate(self._loads) if load.match.fits(pod, spec))
        return next(fitting, None)

    def _sharers(self, number: int, now: datetime) -> int:
        """Among how many running containers a load is shared; looked up once at any one time."""
        if self._loads[number].per_container:
            return 1
        when, count = self._counted.get(number, (None, 0))
        if when != now:
            count = sum(
                self._load_of(pod, spec) == number
                for pod in self._pods()
                if pod.get("status", {}).get("phase") == "Running"
                for spec in pod["spec"]["containers"]
            )
            self._counted[number] = (now, count)
        return max(count, 1)
