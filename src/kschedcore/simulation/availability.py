"""Availability of apps: ready pods over time, and missing ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["Availability"]


@dataclass(slots=True)
class Availability:
    """The ready pods of one app over time.

    The expected number of pods is the highest number that was ready, capped by the desired replicas: scaling up or
    down is not a disruption.

    Attributes:
        since: The time up to which this is accounted.
        desired: Desired replicas; None if unknown, and then no pods are expected.
        ready: The ready pods, by uid.
        reached: The highest number of ready pods, capped by ``desired``.
        most_missing: The highest number of missing pods.
        unavailable: Time with fewer ready pods than ``reached``.
        missing_seconds: Missing pods times seconds.
        disruptions: Disrupted pods, by reason of their condition ``DisruptionTarget``.
    """

    since: datetime
    desired: int | None = None
    ready: set[str] = field(default_factory=set)
    reached: int = 0
    most_missing: int = 0
    unavailable: timedelta = timedelta()
    missing_seconds: float = 0.0
    disruptions: dict[str, int] = field(default_factory=dict)

    def advance(self, now: datetime) -> None:
        """Account for the time up to now, without changes."""
        missing = self.reached - len(self.ready)
        if missing > 0:
            self.unavailable += now - self.since
            self.missing_seconds += missing * (now - self.since).total_seconds()
        self.since = now

    def want(self, replicas: int, now: datetime) -> None:
        """Set the desired replicas."""
        self.advance(now)
        self.desired = replicas
        self._look()

    def set_ready(self, uid: str, *, ready: bool, now: datetime) -> None:
        """Set whether a pod is ready."""
        if ready == (uid in self.ready):
            return
        self.advance(now)
        if ready:
            self.ready.add(uid)
        else:
            self.ready.discard(uid)
        self._look()

    def disrupted(self, reason: str) -> None:
        """Count a disrupted pod."""
        self.disruptions[reason] = self.disruptions.get(reason, 0) + 1

    def _look(self) -> None:
        if self.desired is None:
            return
        count = len(self.ready)
        self.reached = min(max(self.reached, count), self.desired)
        self.most_missing = max(self.most_missing, self.reached - count)
