"""Timers: those that are over are let go."""

from __future__ import annotations

import gc

from kschedcore.clock import SimulatedClock, Timer


def test_foreground_timers_that_were_called_do_not_pile_up() -> None:
    clock = SimulatedClock()
    before = {id(each) for each in timers()}
    for _ in range(500):
        clock.call_after(1, lambda: None)
        due = clock.next
        assert due is not None
        clock.wait(due)
        assert clock.fire()
    assert len([each for each in timers() if id(each) not in before]) < 10


def timers() -> list[Timer]:
    return [each for each in gc.get_objects() if isinstance(each, Timer)]
