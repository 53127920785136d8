"""Events: repetitions are counted, similar ones combined, and nobody is told more than is bearable."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kschedcore.apiserver import APIServer
from kschedcore.client.events import EventRecorder
from kschedcore.client.verbs import Client
from kschedcore.clock import SimulatedClock

Object = dict[str, Any]


class Told:
    """An API server, and a component that tells about two of its objects."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.client = Client(APIServer(clock=self.clock), "tester")
        self.events = EventRecorder(self.client, self.clock, "tester")
        self.objects = [
            self.client.create("configmaps", "default", {"metadata": {"name": name}}) for name in "ab"
        ]

    def tell(self, message: str, of: int = 0) -> None:
        self.events.event(self.objects[of], "Normal", "Happened", message)

    def wait(self, **time: float) -> None:
        self.clock.wait(self.clock.now() + timedelta(**time))

    def written(self) -> list[tuple[str, int]]:
        """Message and count of every event, the oldest first."""
        found = self.client.list("events", "default")
        found.sort(key=lambda event: event["metadata"]["name"])
        return [(event["message"], event["count"]) for event in found]


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_same_once_more_is_counted(told: Told) -> None:
    for _ in range(3):
        told.tell("it happened")
    assert told.written() == [("it happened", 3)]


def test_ten_similar_ones_are_combined(told: Told) -> None:
    for number in range(12):
        told.tell(f"number {number}")
    *single, combined = told.written()
    assert single == [(f"number {number}", 1) for number in range(9)]
    assert combined == ("(combined from similar events): number 11", 3)


def test_similar_ones_that_are_far_apart_are_not_combined(told: Told) -> None:
    for number in range(9):
        told.tell(f"number {number}")
    told.wait(seconds=601)
    told.tell("number 9")
    assert ("number 9", 1) in told.written()


def test_one_object_is_told_about_25_times_and_then_once_in_five_minutes(told: Told) -> None:
    for _ in range(100):
        told.tell("it happened")
    told.tell("it happened here too", of=1)
    assert told.written() == [("it happened", 25), ("it happened here too", 1)]
    told.wait(seconds=299)
    told.tell("it happened")
    assert ("it happened", 25) in told.written()
    told.wait(seconds=1)
    told.tell("it happened")
    # Those that were not written are counted nevertheless.
    assert ("it happened", 102) in told.written()


def test_what_is_gone_is_told_anew(told: Told) -> None:
    told.tell("it happened")
    told.wait(hours=1)
    assert told.written() == []
    told.tell("it happened")
    assert told.written() == [("it happened", 1)]
