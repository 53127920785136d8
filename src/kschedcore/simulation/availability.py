"""How much of an app was there, and for how long too little of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

__all__ = ["Availability"]


@dataclass(slots=True)
class Availability:
    """The ready pods of one app over time.

    What an app has once reached it is expected to keep, up to the replicas it asks for: growing is no
    disruption, and neither is being scaled down.

    Attributes:
        since: Up to when this is accounted.
        desired: Replicas asked for; None where nobody says, and nothing is expected then.
        ready: Pods that are ready, by uid.
        reached: The most that were ready, capped by ``desired``.
        most_missing: The most that were missing at any one time.
        unavailable: For how long fewer were ready than had been reached.
        missing_seconds: Those that were missing, times how long they were.
        disruptions: Pods taken away, by reason of their condition ``DisruptionTarget``.
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
        """Account for the time up to now, in which nothing changed."""
        missing = self.reached - len(self.ready)
        if missing > 0:
            self.unavailable += now - self.since
            self.missing_seconds += missing * (now - self.since).total_seconds()
        self.since = now

    def want(self, replicas: int, now: datetime) -> None:
        """Take in how many replicas are asked for."""
        self.advance(now)
        self.desired = replicas
        self._look()

    def set_ready(self, uid: str, *, ready: bool, now: datetime) -> None:
        """Take in whether a pod is ready."""
        if ready == (uid in self.ready):
            return
        self.advance(now)
        if ready:
            self.ready.add(uid)
        else:
            self.ready.discard(uid)
        self._look()

    def disrupted(self, reason: str) -> None:
        """Count a pod that was taken away."""
        self.disruptions[reason] = self.disruptions.get(reason, 0) + 1

    def _look(self) -> None:
        if self.desired is None:
            return
        count = len(self.ready)
        self.reached = min(max(self.reached, count), self.desired)
        self.most_missing = max(self.most_missing, self.reached - count)
