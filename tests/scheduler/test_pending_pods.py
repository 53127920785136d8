"""The scheduling queue: order, back-off, and what happens to a pod while it is being decided about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kschedcore.api.objects import Pod, decode
from kschedcore.clock import SimulatedClock
from kschedcore.scheduler.pending_pods import PendingPods, QueuedPod

FIT = frozenset({"NodeResourcesFit"})


class Queue:
    def __init__(self, *, pop_early: bool = True) -> None:
        self.clock = SimulatedClock()
        self.queue = PendingPods(self.clock, lambda pod: -(pod.spec.priority or 0), pop_early=pop_early)

    def add(self, name: str, priority: int = 0, *, gated: bool = False) -> None:
        self.queue.add(pod(name, priority), gated=gated)

    def pop(self) -> QueuedPod:
        found = self.queue.pop()
        assert found is not None
        return found

    def names(self) -> list[str]:
        found = []
        while (queued := self.queue.pop()) is not None:
            found.append(queued.pod.metadata.name)
        return found

    def event(self, *helped: str, concerns: bool = True) -> None:
        self.queue.event(lambda _: concerns, lambda queued: queued.pod.metadata.name in helped)

    def wait(self, **time: float) -> None:
        self.clock.wait(self.clock.now() + timedelta(**time))
        while self.clock.fire():
            pass


def pod(name: str, priority: int = 0, **spec: Any) -> Pod:
    return decode(Pod, {"metadata": {"name": name, "uid": name}, "spec": {"priority": priority, **spec}})


def test_the_more_important_and_then_the_earlier_come_first() -> None:
    queue = Queue()
    for name, priority in (("a", 0), ("b", 5), ("c", 0)):
        queue.add(name, priority)
    assert queue.names() == ["b", "a", "c"]


def test_a_pod_that_was_tried_stands_behind_those_that_came_meanwhile() -> None:
    queue = Queue()
    queue.add("old")
    tried = queue.pop()
    queue.wait(seconds=1)
    queue.queue.put_back(tried, FIT)
    queue.add("new")
    queue.wait(seconds=1)
    queue.event("old")
    assert queue.names() == ["new", "old"]


def test_what_happens_while_a_pod_is_in_flight_is_not_lost() -> None:
    queue = Queue()
    queue.add("a")
    queue.add("b")
    first, second = queue.pop(), queue.pop()
    queue.event("b")
    queue.queue.put_back(first, FIT)
    queue.queue.put_back(second, FIT)
    queue.wait(seconds=2)
    assert queue.names() == ["b"]


def test_what_happened_before_a_pod_was_taken_out_is_no_news_to_it() -> None:
    queue = Queue()
    queue.add("a")
    queue.add("b")
    first = queue.pop()
    queue.event("b")
    second = queue.pop()
    queue.queue.put_back(second, FIT)
    queue.queue.put_back(first, FIT)
    queue.wait(minutes=1)
    assert queue.names() == []


def test_a_pod_changed_in_flight_is_tried_again() -> None:
    queue = Queue()
    queue.add("a")
    tried = queue.pop()
    queue.queue.update(pod("a", 0), gated=False, may_help=True)
    queue.queue.put_back(tried, FIT)
    queue.wait(seconds=2)
    assert queue.names() == ["a"]


def test_a_gated_pod_waits_for_its_gate_and_nothing_else() -> None:
    queue = Queue()
    queue.add("a", gated=True)
    queue.event("a")
    queue.wait(minutes=10)
    assert queue.names() == []
    queue.queue.update(pod("a"), gated=False, may_help=False)
    assert queue.names() == ["a"]


def test_an_event_that_concerns_no_rejecting_plugin_calls_no_hint() -> None:
    queue = Queue()
    queue.add("a")
    queue.queue.put_back(queue.pop(), FIT)
    queue.event("a", concerns=False)
    queue.wait(minutes=4)
    assert queue.names() == []
    queue.wait(minutes=1)
    assert queue.names() == ["a"]


def test_a_pod_removed_in_flight_does_not_come_back() -> None:
    queue = Queue()
    queue.add("a")
    tried = queue.pop()
    queue.queue.remove(("default", "a"))
    queue.add("a")
    queue.queue.put_back(tried, FIT)
    assert [each.attempts for each in queue.queue] == [0]
    assert queue.names() == ["a"]


def test_back_off_begins_when_the_pod_comes_back() -> None:
    queue = Queue()
    queue.add("a")
    tried = queue.pop()
    queue.wait(minutes=1)  # a plugin let it wait
    queue.queue.put_back(tried, frozenset())
    assert queue.names() == []
    queue.wait(seconds=1)
    assert queue.names() == ["a"]


def test_errors_in_a_row_are_counted_on_their_own() -> None:
    queue = Queue(pop_early=False)
    queue.add("a")
    for plugins, seconds in ((FIT, 1), (FIT, 2), (frozenset[str](), 1), (frozenset[str](), 2), (FIT, 4)):
        queue.queue.put_back(queue.pop(), plugins)
        queue.event("a")
        queue.wait(seconds=seconds - 0.5)
        assert queue.queue.pop() is None
        queue.wait(seconds=0.5)
    assert queue.names() == ["a"]


def rejected_and_helped(queue: Queue, *names: str) -> None:
    for name in names:
        queue.queue.put_back(queue.pop(), FIT)
        queue.event(name)


def test_rejected_pods_leave_back_off_when_no_pod_is_active() -> None:
    """KEP-5142, feature gate SchedulerPopFromBackoffQ."""
    queue = Queue()
    queue.add("a")
    rejected_and_helped(queue, "a")
    queue.add("b")
    assert queue.names() == ["b", "a"]


def test_pods_leave_back_off_by_the_second_and_then_in_queue_order() -> None:
    queue = Queue()
    queue.add("late")
    queue.add("early")
    late = queue.pop()
    late.rejections = 5
    queue.queue.put_back(late, FIT)
    queue.event("late")
    rejected_and_helped(queue, "early")
    queue.add("high", 9)
    rejected_and_helped(queue, "high")
    assert queue.names() == ["high", "early", "late"]


def test_without_the_gate_back_off_is_kept() -> None:
    queue = Queue(pop_early=False)
    queue.add("a")
    rejected_and_helped(queue, "a")
    assert queue.names() == []
    queue.wait(seconds=1)
    assert queue.names() == ["a"]


def test_pods_whose_cycle_failed_keep_their_back_off() -> None:
    queue = Queue()
    queue.add("a")
    queue.queue.put_back(queue.pop(), frozenset())
    assert queue.names() == []
    queue.wait(seconds=1)
    assert queue.names() == ["a"]


def test_a_pod_leaves_back_off_early_once_at_a_moment() -> None:
    queue = Queue()
    queue.add("a")
    rejected_and_helped(queue, "a")
    rejected_and_helped(queue, "a")
    assert queue.names() == []
    queue.wait(seconds=0.5)
    assert queue.names() == ["a"]
