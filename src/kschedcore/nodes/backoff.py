"""Waiting longer and longer before trying again: kubelet's back-off of restarts and image pulls.

The first restart comes at once; after that, 10 s doubling to 5 min. A run that lasts longer than 10 min makes
the next failure a first one again (``kubelet.MaxContainerBackOff``, ``flowcontrol.Backoff``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["FIRST", "FORGOTTEN_AFTER", "LONGEST", "Backoff"]

FIRST = timedelta(seconds=10)
LONGEST = timedelta(seconds=300)
FORGOTTEN_AFTER = 2 * LONGEST
"""After so long without a failure the back-off begins anew."""


@dataclass(slots=True)
class Backoff:
    """The back-off of one thing that fails.

    Attributes:
        delay: How long to wait after a failure; None when nothing has failed lately.
        tried: When it was last tried again.
    """

    delay: timedelta | None = None
    tried: datetime | None = None

    @classmethod
    def after(cls, restarts: int, tried: datetime | None) -> Backoff:
        """Return the back-off after so many restarts, the last of them at a time, when nothing else is known."""
        if not restarts or tried is None:
            return cls()
        return cls(min(FIRST * 2 ** min(restarts - 1, 10), LONGEST), tried)

    @property
    def at_longest(self) -> bool:
        """Whether it has reached its end: a failure that has become a habit."""
        return self.delay == LONGEST

    def ends(self, failed: datetime) -> datetime | None:
        """When the wait after a failure is over; None when there is none."""
        if self.delay is None or self._forgotten(failed):
            return None
        return failed + self.delay

    def retried(self, failed: datetime, now: datetime) -> None:
        """It is tried again now after it has failed at a time."""
        if self.delay is None or self._forgotten(failed):
            self.delay = FIRST
        else:
            self.delay = min(2 * self.delay, LONGEST)
        self.tried = now

    def _forgotten(self, failed: datetime) -> bool:
        return self.tried is not None and failed - self.tried > FORGOTTEN_AFTER
