"""Timers: those that are over are let go."""

from __future__ import annotations

import gc

from kschedcore.clock import SimulatedClock, Timer


def test_foreground_timers_that_were_called_do_not_pile_up() -> None:
    clock = SimulatedClock()
    for _ in range(500):
        clock.call_after(1, lambda: None)
        due = clock.next
        assert due is not None
        clock.wait(due)
        assert clock.fire()
    assert sum(isinstance(each, Timer) for each in gc.get_objects()) < 500
