"""Exponential back-off of container restarts and image pulls.

The first restart is immediate; later ones wait 10 s, doubling up to 5 min. A run of more than 10 min resets the
back-off (``kubelet.MaxContainerBackOff``, ``flowcontrol.Backoff``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["FIRST", "FORGOTTEN_AFTER", "LONGEST", "Backoff"]

FIRST = timedelta(seconds=10)
LONGEST = timedelta(seconds=300)
FORGOTTEN_AFTER = 2 * LONGEST
"""The back-off is reset after this time without a failure."""


@dataclass(slots=True)
class Backoff:
    """The back-off of one container or image pull.

    Attributes:
        delay: The delay after the next failure; None without recent failures.
        tried: Time of the last retry.
    """

    delay: timedelta | None = None
    tried: datetime | None = None

    @classmethod
    def after(cls, restarts: int, tried: datetime | None) -> Backoff:
        """Return the back-off after a number of restarts and the time of the last one, from a pod's status."""
        if not restarts or tried is None:
            return cls()
        return cls(min(FIRST * 2 ** min(restarts - 1, 10), LONGEST), tried)

    @property
    def at_longest(self) -> bool:
        """Whether the delay has reached its maximum."""
        return self.delay == LONGEST

    def ends(self, failed: datetime) -> datetime | None:
        """Return the end of the delay after a failure; None if there is no delay."""
        if self.delay is None or self._forgotten(failed):
            return None
        return failed + self.delay

    def retried(self, failed: datetime, now: datetime) -> None:
        """Record a retry after a failure."""
        if self.delay is None or self._forgotten(failed):
            self.delay = FIRST
        else:
            self.delay = min(2 * self.delay, LONGEST)
        self.tried = now

    def _forgotten(self, failed: datetime) -> bool:
        return self.tried is not None and failed - self.tried > FORGOTTEN_AFTER
