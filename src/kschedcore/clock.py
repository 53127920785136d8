"""Clocks with timers, for wall-clock and simulated time.

A clock orders timers by time, and then by the order in which they were set, so that the same calls give the same
history. Timers are not called by themselves: the loop calls :meth:`Timers.fire` for timers that are due, and
:meth:`Timers.wait` to advance to the next one. Simulated time jumps there; wall-clock time sleeps.
"""

from __future__ import annotations

import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "FixedClock", "SimulatedClock", "Timer", "Timers", "WallClock"]

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Default start of simulated time."""


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> datetime:
        """The time now, in UTC."""


class FixedClock:
    """A clock that moves only when its time is set.

    Args:
        start: The first time it shows.
    """

    def __init__(self, start: datetime = START) -> None:
        self.time = start

    def now(self) -> datetime:
        """Return the time it was last set to."""
        return self.time


@dataclass(order=True, slots=True)
class Timer:
    """A scheduled call.

    Attributes:
        when: The time at which it is due.
        number: Sequence number, which orders timers that are due at the same time.
        call: The callback; None once it was called or cancelled.
        background: Whether the cluster counts as settled while the timer is pending (a heartbeat,
            a schedule, a deadline that may never matter).
    """

    when: datetime
    number: int
    call: Callable[[], None] | None = field(compare=False)
    background: bool = field(compare=False, default=False)

    def cancel(self) -> None:
        """Cancel the timer."""
        self.call = None


class Timers(ABC):
    """A clock with timers; subclasses define the current time and how time passes."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._foreground: list[Timer] = []
        self._set = 0

    @abstractmethod
    def now(self) -> datetime:
        """The time now, in UTC."""

    @abstractmethod
    def wait(self, until: datetime) -> None:
        """Wait until ``until``; return at once if it is past."""

    def call_at(self, when: datetime, call: Callable[[], None], *, background: bool = False) -> Timer:
        """Schedule a call at a time; a time in the past is due at the next :meth:`fire`."""
        timer = Timer(when, self._set, call, background)
        self._set += 1
        heapq.heappush(self._heap, timer)
        if not background:
            heapq.heappush(self._foreground, timer)
        return timer

    def call_after(self, seconds: float, call: Callable[[], None], *, background: bool = False) -> Timer:
        """Schedule a call after a number of seconds."""
        return self.call_at(self.now() + timedelta(seconds=seconds), call, background=background)

    @property
    def next(self) -> datetime | None:
        """Return when the next timer is due; None if there is none."""
        return _first(self._heap)

    @property
    def next_foreground(self) -> datetime | None:
        """Return when the next foreground timer is due; None if there is none."""
        return _first(self._foreground)

    def fire(self) -> bool:
        """Call the first timer that is due; return False if none is."""
        first = _first(self._heap)
        if first is None or first > self.now():
            return False
        timer = heapq.heappop(self._heap)
        call, timer.call = timer.call, None
        # Pop cancelled and fired timers here: next_foreground, which also pops them, may never be read.
        _first(self._foreground)
        if call is not None:
            call()
        return True


def _first(heap: list[Timer]) -> datetime | None:
    while heap and heap[0].call is None:
        heapq.heappop(heap)
    return heap[0].when if heap else None


class SimulatedClock(Timers):
    """Simulated time, which advances only in :meth:`wait`, and at once.

    Args:
        start: The first time it shows.
    """

    def __init__(self, start: datetime = START) -> None:
        super().__init__()
        self._now = start

    def now(self) -> datetime:
        """Return the simulated time."""
        return self._now

    def wait(self, until: datetime) -> None:
        """Advance to ``until``; never go back."""
        self._now = max(self._now, until)


class WallClock(Timers):
    """Wall-clock time."""

    def now(self) -> datetime:
        """Return the wall-clock time."""
        return datetime.now(UTC)

    def wait(self, until: datetime) -> None:
        """Sleep until ``until``."""
        time.sleep(max(0.0, (until - self.now()).total_seconds()))
