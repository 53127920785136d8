"""Runs the components of a cluster between requests, in the thread of the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from time import perf_counter

from kschedcore.client.loop import Loop
from kschedcore.clock import Timers
from kschedcore.serving.clock import PacedClock

__all__ = ["Driver"]

SLICE_SECONDS = 0.004
"""Seconds for which components may work before pending requests are served."""
LONGEST_WAIT = 1.0
"""Seconds without writes after which the timers are checked again."""


class Driver:
    """Gives components their turns and lets time pass.

    Components work in slices of a few milliseconds, so that a long rollout does not keep requests waiting. With
    a :class:`~kschedcore.serving.clock.PacedClock` time passes with the machine's; any other clock stands still
    but for :meth:`run_until` and :meth:`run_until_settled`.

    Args:
        loop: The components.
        clock: The time of the cluster.
        eager: Whether time jumps to the next foreground timer whenever no component has work.
        worked: Called after every slice in which a component worked.
    """

    def __init__(self, loop: Loop, clock: Timers, worked: Callable[[], None], *, eager: bool = False) -> None:
        self._loop, self._clock, self._worked = loop, clock, worked
        self._eager = eager
        self._news = asyncio.Event()
        self._busy = asyncio.Lock()

    def wake(self) -> None:
        """Notify the driver of a write."""
        self._news.set()

    async def run(self) -> None:
        """Run the components until the task is cancelled."""
        while True:
            self._news.clear()
            async with self._busy:
                await self._work()
                if self._eager and (due := self._clock.next_foreground) is not None:
                    self._clock.wait(due)
                    continue
            await self._wait()

    async def run_until(self, when: datetime) -> None:
        """Advance the time to ``when``, with all the work that comes due on the way; requests are answered between."""
        async with self._busy:
            await self._work()
            while (due := self._clock.next) is not None and due <= when:
                self._clock.wait(due)
                await self._work()
            self._clock.wait(when)
            await self._work()

    async def run_until_settled(self, timeout: timedelta) -> bool:
        """Advance the time until no foreground work is left; see :meth:`kschedcore.Cluster.run_until_settled`."""
        end = self._clock.now() + timeout
        async with self._busy:
            await self._work()
            while (foreground := self._clock.next_foreground) is not None:
                if foreground > end:
                    return False
                due = self._clock.next
                self._clock.wait(foreground if due is None else min(due, foreground))
                await self._work()
        return True

    async def _work(self) -> None:
        """Run the components until no work is left at this time."""
        while True:
            end = perf_counter() + SLICE_SECONDS
            while (more := self._loop.turn()) and perf_counter() < end:
                pass
            self._worked()
            if not more:
                return
            await asyncio.sleep(0)

    async def _wait(self) -> None:
        """Wait for a write or for the next timer."""
        seconds = LONGEST_WAIT
        if isinstance(self._clock, PacedClock) and (due := self._clock.next) is not None:
            seconds = min(seconds, self._clock.seconds_until(due))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
