"""Timers by key; keys due at the same time share one timer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kschedcore.clock import Timer, Timers

__all__ = ["Agenda"]

_Slot = tuple[datetime, bool]


class Agenda:
    """Times at which keys are due.

    Args:
        clock: The clock.
        due: Called with each key that is due.
    """

    def __init__(self, clock: Timers, due: Callable[[str], None]) -> None:
        self._clock = clock
        self._due = due
        self._keys: dict[_Slot, dict[str, None]] = {}
        self._timers: dict[_Slot, Timer] = {}
        self._times: dict[tuple[str, bool], datetime] = {}

    def set(self, key: str, foreground: datetime | None, background: datetime | None) -> None:
        """Schedule a key for these times; replaces its earlier times."""
        self._set(key, foreground, background=False)
        self._set(key, background, background=True)

    def _set(self, key: str, when: datetime | None, *, background: bool) -> None:
        before = self._times.get((key, background))
        if before == when:
            return
        if before is not None:
            self._remove(key, (before, background))
        if when is not None:
            self._add(key, (when, background))

    def _add(self, key: str, slot: _Slot) -> None:
        self._times[key, slot[1]] = slot[0]
        keys = self._keys.get(slot)
        if keys is not None:
            keys[key] = None
            return
        self._keys[slot] = {key: None}
        self._timers[slot] = self._clock.call_at(slot[0], lambda: self._fire(slot), background=slot[1])

    def _remove(self, key: str, slot: _Slot) -> None:
        del self._times[key, slot[1]]
        keys = self._keys[slot]
        del keys[key]
        if not keys:
            del self._keys[slot]
            self._timers.pop(slot).cancel()

    def _fire(self, slot: _Slot) -> None:
        del self._timers[slot]
        for key in self._keys.pop(slot):
            del self._times[key, slot[1]]
            self._due(key)

    def close(self) -> None:
        """Cancel all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._keys.clear()
        self._timers.clear()
        self._times.clear()
