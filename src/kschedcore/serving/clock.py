"""Time that passes with the machine's, at a chosen speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from kschedcore.clock import Timers

__all__ = ["PacedClock"]


class PacedClock(Timers):
    """Time that begins at ``start`` and passes ``speed`` times as fast as the machine's.

    Args:
        start: The first time.
        speed: Seconds of the cluster per second of the machine; 0 stops time, which :meth:`advance` still moves.
        monotonic: Seconds of the machine, which never go back.
    """

    def __init__(
        self, start: datetime, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._base, self._since = start, monotonic()
        self._speed = speed

    @property
    def speed(self) -> float:
        """Seconds of the cluster per second of the machine."""
        return self._speed

    def now(self) -> datetime:
        """Return the time now, in UTC, to the microsecond."""
        return self._base + timedelta(seconds=(self._monotonic() - self._since) * self._speed)

    def set_speed(self, speed: float) -> None:
        """Let time pass at another speed from now on."""
        self._base, self._since = self.now(), self._monotonic()
        self._speed = speed

    def advance(self, until: datetime) -> None:
        """Move the time to ``until`` at once; never back."""
        if until > self.now():
            self._base, self._since = until, self._monotonic()

    def seconds_until(self, when: datetime) -> float:
        """Return how many seconds of the machine pass until ``when``; infinite while time stands still."""
        left = (when - self.now()).total_seconds()
        if left <= 0:
            return 0.0
        return left / self._speed if self._speed else float("inf")

    def wait(self, until: datetime) -> None:
        """Advance to ``until`` at once: whoever waits in this thread would stop the server."""
        self.advance(until)
