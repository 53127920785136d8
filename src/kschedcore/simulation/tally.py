"""What a run comes to, counted while it goes on: of the same size however long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kschedcore.simulation.rows import PodRow, SampleRow

__all__ = ["Course", "Tally", "Waits"]

_PERCENTILES = (50, 90, 99, 100)
_DIGITS = 4


class Waits:
    """How long pods waited, to the millisecond and to four digits: so there are never many different ones."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, wait: timedelta) -> None:
        """Count one."""
        milliseconds = round(wait / timedelta(milliseconds=1))
        self._counts[round(milliseconds, _DIGITS - len(str(milliseconds)))] += 1

    def percentiles(self) -> dict[str, float]:
        """The percentiles 50, 90, 99 and 100 in seconds (nearest rank: each is one of the waits); empty without any."""
        ordered, total = sorted(self._counts.items()), self._counts.total()
        found, below, place = {}, 0, -1
        for percent in _PERCENTILES if ordered else ():
            while below * 100 < total * percent:
                place += 1
                below += ordered[place][1]
            found[f"p{percent}"] = ordered[place][0] / 1000
        return found


@dataclass(slots=True)
class Course:
    """One resource in one zone over time: every sample weighs as much as it held long.

    Attributes:
        allocatable: Amounts times seconds, of all samples but the last.
        requested: Likewise.
        stranded: Likewise.
        most: The largest part of what was allocatable that was requested at any one time.
        used: Whether any was ever requested.
        last: The last sample.
    """

    last: SampleRow
    allocatable: float = 0.0
    requested: float = 0.0
    stranded: float = 0.0
    most: float = 0.0
    used: bool = False

    def take(self, sample: SampleRow) -> None:
        """The last sample held until this one."""
        self.allocatable, self.requested, self.stranded = self._sums(sample.time)
        self.last = sample
        self.most = max(self.most, _part(sample.requested, sample.allocatable))
        self.used |= sample.requested > 0

    def figures(self, now: datetime) -> dict[str, float]:
        """Means over the time up to now, and the most, as parts of what was allocatable."""
        allocatable, requested, stranded = self._sums(now)
        return {
            "requestedMean": _part(requested, allocatable),
            "requestedMax": self.most,
            "strandedMean": _part(stranded, allocatable),
        }

    def _sums(self, until: datetime) -> tuple[float, float, float]:
        last, span = self.last, (until - self.last.time).total_seconds()
        return (
            self.allocatable + last.allocatable * span,
            self.requested + last.requested * span,
            self.stranded + last.stranded * span,
        )


def _part(amount: float, whole: float) -> float:
    return round(amount / whole, 4) if whole else 0.0


class Tally:
    """Counts of a run.

    Attributes:
        waits: From creation to binding, of the pods that were bound.
        disruptions: Pods that were taken away, by reason.
        quota_refusals: What quotas refused, each attempt counted.
    """

    def __init__(self) -> None:
        self._created = self._scheduled = 0
        self._phases: Counter[str] = Counter()
        self._courses: dict[tuple[str, str], Course] = {}
        self.waits = Waits()
        self.disruptions: Counter[str] = Counter()
        self.quota_refusals = 0

    @property
    def created(self) -> int:
        """How many pods there were."""
        return self._created

    def came(self) -> None:
        """A pod was created."""
        self._created += 1

    def bound(self, wait: timedelta) -> None:
        """A pod was bound."""
        self._scheduled += 1
        self.waits.add(wait)

    def ended(self, row: PodRow) -> None:
        """A pod has ended, or is gone."""
        self._phases[row.phase] += 1

    def sampled(self, sample: SampleRow) -> None:
        """A sample was taken."""
        key = sample.zone, sample.resource
        if key not in self._courses:
            self._courses[key] = Course(sample)
        self._courses[key].take(sample)

    def pods(self, live: Iterable[PodRow]) -> dict[str, int]:
        """Counts of all pods; ``live`` are those that have not ended."""
        there = list(live)
        return {
            "created": self._created,
            "scheduled": self._scheduled,
            "pending": sum(row.scheduled is None for row in there),
            "running": sum(row.phase == "Running" for row in there),
            "succeeded": self._phases["Succeeded"],
            "failed": self._phases["Failed"],
            "disrupted": self.disruptions.total(),
        }

    def zones(self, now: datetime) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
        """Per zone and resource that anything was requested of, the figures of its course up to now."""
        zones: dict[str, dict[str, Mapping[str, float]]] = {}
        for (zone, resource), course in sorted(self._courses.items()):
            if course.used:
                zones.setdefault(zone, {})[resource] = course.figures(now)
        return zones
