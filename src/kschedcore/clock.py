"""Time: every timer of the cluster goes through one clock, wall time and simulated time alike.

A clock keeps timers in order of time, and among equals in the order in which they were set, so that the same
calls give the same history. Nothing happens by itself: whoever drives the cluster calls :meth:`Timers.fire`
for what is due and :meth:`Timers.wait` to come to the next timer. Simulated time jumps there; wall time sleeps.
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
"""When simulated time begins, unless told otherwise."""


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time now, in UTC."""


class FixedClock:
    """A clock that moves only when told.

    Args:
        start: The first time it shows.
    """

    def __init__(self, start: datetime = START) -> None:
        self.time = start

    def now(self) -> datetime:
        """The time it was last set to."""
        return self.time


@dataclass(order=True, slots=True)
class Timer:
    """A call to come.

    Attributes:
        when: At what time.
        number: How many timers were set before, which orders those of one time.
        call: What to call; None once it was called or cancelled.
        background: Whether the cluster counts as settled although this is still to come (a heartbeat,
            a schedule, a deadline that may never matter).
    """

    when: datetime
    number: int
    call: Callable[[], None] | None = field(compare=False)
    background: bool = field(compare=False, default=False)

    def cancel(self) -> None:
        """Make the timer do nothing."""
        self.call = None


class Timers(ABC):
    """A clock with timers; what time it is, and how time passes, is the subclass's to say."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._foreground: list[Timer] = []
        self._set = 0

    @abstractmethod
    def now(self) -> datetime:
        """The time now, in UTC."""

    @abstractmethod
    def wait(self, until: datetime) -> None:
        """Come to ``until``, unless it is past."""

    def call_at(self, when: datetime, call: Callable[[], None], *, background: bool = False) -> Timer:
        """Call at a time; at the next :meth:`fire` when that is past."""
        timer = Timer(when, self._set, call, background)
        self._set += 1
        heapq.heappush(self._heap, timer)
        if not background:
            heapq.heappush(self._foreground, timer)
        return timer

    def call_after(self, seconds: float, call: Callable[[], None], *, background: bool = False) -> Timer:
        """Call in so many seconds."""
        return self.call_at(self.now() + timedelta(seconds=seconds), call, background=background)

    @property
    def next(self) -> datetime | None:
        """When the next timer is due; None when none is set."""
        return _first(self._heap)

    @property
    def next_foreground(self) -> datetime | None:
        """When the next timer is due that a settled cluster would not have; None when there is none."""
        return _first(self._foreground)

    def fire(self) -> bool:
        """Call the first timer that is due; False when none is."""
        first = _first(self._heap)
        if first is None or first > self.now():
            return False
        timer = heapq.heappop(self._heap)
        call, timer.call = timer.call, None
        # Nobody may ever ask for the next of the foreground: those that are over must not pile up there.
        _first(self._foreground)
        if call is not None:
            call()
        return True


def _first(heap: list[Timer]) -> datetime | None:
    while heap and heap[0].call is None:
        heapq.heappop(heap)
    return heap[0].when if heap else None


class SimulatedClock(Timers):
    """Time that passes only by waiting, and then at once.

    Args:
        start: The first time it shows.
    """

    def __init__(self, start: datetime = START) -> None:
        super().__init__()
        self._now = start

    def now(self) -> datetime:
        """The time that was last waited for."""
        return self._now

    def wait(self, until: datetime) -> None:
        """Jump to ``until``; never back."""
        self._now = max(self._now, until)


class WallClock(Timers):
    """The time of the machine."""

    def now(self) -> datetime:
        """The time now."""
        return datetime.now(UTC)

    def wait(self, until: datetime) -> None:
        """Sleep until ``until``."""
        time.sleep(max(0.0, (until - self.now()).total_seconds()))
