"""The work queue: what waits now is one turn's work."""

from __future__ import annotations

from kschedcore.client.queue import WorkQueue
from kschedcore.clock import SimulatedClock


def test_what_is_added_meanwhile_waits_for_the_next_turn() -> None:
    queue: WorkQueue[str] = WorkQueue(SimulatedClock())
    for key in ("a", "b"):
        queue.add(key)
    done = []
    for key in queue.drain():
        done.append(key)
        queue.add(key)
        queue.add("c")
    assert done == ["a", "b"]
    # It was in the queue when "a" was done, and "b" was taken out and added again.
    assert list(queue.drain()) == ["a", "c", "b"]
