"""A work queue: deduplicated keys, with exponential back-off of failed keys."""

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
"""The back-off of an item (``DefaultTypedControllerRateLimiter``)."""


class WorkQueue(Generic[Key]):
    """Keys in the order in which they were added.

    Args:
        clock: The clock, for delayed keys.
        first_delay: The delay after the first failure; it doubles with each further failure.
        longest_delay: The maximum delay.
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
        """Add a key, unless it is queued already."""
        if key not in self._waiting:
            self._waiting.add(key)
            self._order.append(key)

    def add_at(self, key: Key, when: datetime, *, background: bool = False) -> None:
        """Add a key at a time; of several times the earliest counts."""
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
        """Add a key that failed, after its back-off."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # Beyond 2**20 the maximum delay is long reached.
        delay = min(self._first * 2 ** min(failures, 20), self._longest)
        self.add_at(key, self._clock.now() + delay)

    def forget(self, key: Key) -> None:
        """Reset the back-off of a key that was processed without error."""
        self._failures.pop(key, None)

    def pop(self) -> Key | None:
        """Pop the oldest key; None if the queue is empty."""
        if not self._order:
            return None
        key = self._order.popleft()
        self._waiting.remove(key)
        return key

    def drain(self) -> Iterator[Key]:
        """Pop the keys that are queued now, one after another, without keys added meanwhile."""
        for _ in range(len(self._order)):
            key = self.pop()
            if key is not None:
                yield key

    def close(self) -> None:
        """Drop all keys, delayed ones included."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._order.clear()
        self._waiting.clear()
        self._failures.clear()
