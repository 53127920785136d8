"""A work queue: keys to be looked at, each at most once at a time, those that failed later and later."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from kschedcore.clock import Timer, Timers

__all__ = ["WorkQueue"]

Key = TypeVar("Key", bound=Hashable)

FIRST_DELAY = timedelta(milliseconds=5)
LONGEST_DELAY = timedelta(seconds=1000)
"""The back-off of an item, as ``DefaultTypedControllerRateLimiter`` has it."""


class WorkQueue(Generic[Key]):
    """Keys in the order in which they were added.

    Args:
        clock: For what is added later.
        first_delay: How long an item that failed once waits; twice as long each further time.
        longest_delay: At most so long.
    """

    def __init__(
        self, clock: Timers, first_delay: timedelta = FIRST_DELAY, longest_delay: timedelta = LONGEST_DELAY
    ) -> None:
        self._clock = clock
        self._first, self._longest = first_delay, longest_delay
        self._order: deque[Key] = deque()
        self._waiting: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[tuple[Key, bool], Timer] = {}

    def __len__(self) -> int:
        return len(self._order)

    def add(self, key: Key) -> None:
        """Have the key looked at; once, however often it is added before."""
        if key not in self._waiting:
            self._waiting.add(key)
            self._order.append(key)

    def add_at(self, key: Key, when: datetime, *, background: bool = False) -> None:
        """Have the key looked at at a time; of several times the earliest stands."""
        slot = (key, background)
        timer = self._timers.get(slot)
        if timer is not None and timer.call is not None:
            if timer.when <= when:
                return
            timer.cancel()

        def due() -> None:
            self._timers.pop(slot, None)
            self.add(key)

        self._timers[slot] = self._clock.call_at(when, due, background=background)

    def retry(self, key: Key) -> None:
        """Have a key that failed looked at again, later each time."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # Beyond 2**20 the longest delay has long been reached.
        delay = min(self._first * 2 ** min(failures, 20), self._longest)
        self.add_at(key, self._clock.now() + delay)

    def forget(self, key: Key) -> None:
        """The key went well: its failures no longer count."""
        self._failures.pop(key, None)

    def pop(self) -> Key | None:
        """The key that waits longest; None when none does."""
        if not self._order:
            return None
        key = self._order.popleft()
        self._waiting.remove(key)
        return key

    def drain(self) -> Iterator[Key]:
        """Pop the keys that wait now, one after another; what is added meanwhile waits for the next time."""
        for _ in range(len(self._order)):
            key = self.pop()
            if key is not None:
                yield key

    def close(self) -> None:
        """Forget everything, also what was to come."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._order.clear()
        self._waiting.clear()
        self._failures.clear()
