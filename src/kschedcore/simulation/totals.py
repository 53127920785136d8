"""Running totals of a simulation, in memory that does not grow with the length of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kschedcore.simulation.rows import PodRow, SampleRow

__all__ = ["Totals", "Utilisation", "Waits"]

_PERCENTILES = (50, 90, 99, 100)
_DIGITS = 4


class Waits:
    """Histogram of waiting times, rounded to milliseconds and four digits to bound its size."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, wait: timedelta) -> None:
        """Add one waiting time."""
        milliseconds = round(wait / timedelta(milliseconds=1))
        self._counts[round(milliseconds, _DIGITS - len(str(milliseconds)))] += 1

    def percentiles(self) -> dict[str, float]:
        """Return the percentiles 50, 90, 99 and 100 in seconds (nearest rank); empty without waits."""
        ordered, total = sorted(self._counts.items()), self._counts.total()
        found, below, place = {}, 0, -1
        for percent in _PERCENTILES if ordered else ():
            while below * 100 < total * percent:
                place += 1
                below += ordered[place][1]
            found[f"p{percent}"] = ordered[place][0] / 1000
        return found


@dataclass(slots=True)
class Utilisation:
    """Time-weighted utilisation of one resource in one zone.

    Attributes:
        allocatable: Amount times seconds, over all samples but the last.
        requested: Likewise.
        stranded: Likewise.
        most: The largest requested fraction of the allocatable amount in any sample.
        used: Whether any amount was ever requested.
        last: The last sample.
    """

    last: SampleRow
    allocatable: float = 0.0
    requested: float = 0.0
    stranded: float = 0.0
    most: float = 0.0
    used: bool = False

    def take(self, sample: SampleRow) -> None:
        """Add a sample; the previous one is weighted by the time up to this one."""
        self.allocatable, self.requested, self.stranded = self._sums(sample.time)
        self.last = sample
        self.most = max(self.most, _part(sample.requested, sample.allocatable))
        self.used |= sample.requested > 0

    def figures(self, now: datetime) -> dict[str, float]:
        """Return the means up to ``now`` and the maximum, as fractions of the allocatable amount."""
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


class Totals:
    """Totals of a run.

    Attributes:
        waits: Time from creation to binding of bound pods.
        disruptions: Number of disrupted pods by reason.
        quota_refusals: Number of requests that quotas rejected, retries included.
    """

    def __init__(self) -> None:
        self._created = self._scheduled = 0
        self._phases: Counter[str] = Counter()
        self._utilisation: dict[tuple[str, str], Utilisation] = {}
        self.waits = Waits()
        self.disruptions: Counter[str] = Counter()
        self.quota_refusals = 0

    @property
    def created(self) -> int:
        """Number of pods created."""
        return self._created

    def came(self) -> None:
        """Count a created pod."""
        self._created += 1

    def bound(self, wait: timedelta) -> None:
        """Count a bound pod."""
        self._scheduled += 1
        self.waits.add(wait)

    def ended(self, row: PodRow) -> None:
        """Count a pod that finished or was deleted."""
        self._phases[row.phase] += 1

    def sampled(self, sample: SampleRow) -> None:
        """Add a sample of a resource in a zone."""
        key = sample.zone, sample.resource
        if key not in self._utilisation:
            self._utilisation[key] = Utilisation(sample)
        self._utilisation[key].take(sample)

    def pods(self, live: Iterable[PodRow]) -> dict[str, int]:
        """Return counts of all pods; ``live`` are the unfinished ones."""
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
        """Return utilisation figures per zone and requested resource, up to ``now``."""
        zones: dict[str, dict[str, Mapping[str, float]]] = {}
        for (zone, resource), utilisation in sorted(self._utilisation.items()):
            if utilisation.used:
                zones.setdefault(zone, {})[resource] = utilisation.figures(now)
        return zones
