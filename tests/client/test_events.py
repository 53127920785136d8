"""Event correlation: repetitions are counted, similar events aggregated, and events of one object limited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.client.events import EventRecorder
from kschedcore.client.verbs import Client
from kschedcore.clock import SimulatedClock

Object = dict[str, Any]


class World:
    """An API server, and a component that records events of two objects."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.client = Client(APIServer(clock=self.clock), "tester")
        self.events = EventRecorder(self.client, self.clock, "tester")
        self.objects = [
            self.client.create("configmaps", DEFAULT_NAMESPACE, {"metadata": {"name": name}}) for name in "ab"
        ]

    def record(self, message: str, of: int = 0) -> None:
        self.events.event(self.objects[of], "Normal", "Happened", message)

    def wait(self, **time: float) -> None:
        self.clock.wait(self.clock.now() + timedelta(**time))

    def written(self) -> list[tuple[str, int]]:
        """Message and count of every event, the oldest first."""
        found = self.client.list("events", DEFAULT_NAMESPACE)
        found.sort(key=lambda event: event["metadata"]["name"])
        return [(event["message"], event["count"]) for event in found]


@pytest.fixture
def world() -> World:
    return World()


def test_the_same_once_more_is_counted(world: World) -> None:
    for _ in range(3):
        world.record("it happened")
    assert world.written() == [("it happened", 3)]


def test_ten_similar_ones_are_combined(world: World) -> None:
    for number in range(12):
        world.record(f"number {number}")
    *single, combined = world.written()
    assert single == [(f"number {number}", 1) for number in range(9)]
    assert combined == ("(combined from similar events): number 11", 3)


def test_similar_ones_that_are_far_apart_are_not_combined(world: World) -> None:
    for number in range(9):
        world.record(f"number {number}")
    world.wait(seconds=601)
    world.record("number 9")
    assert ("number 9", 1) in world.written()


def test_one_object_has_25_events_and_then_one_per_five_minutes(world: World) -> None:
    for _ in range(100):
        world.record("it happened")
    world.record("it happened here too", of=1)
    assert world.written() == [("it happened", 25), ("it happened here too", 1)]
    world.wait(seconds=299)
    world.record("it happened")
    assert ("it happened", 25) in world.written()
    world.wait(seconds=1)
    world.record("it happened")
    # Those that were not written are counted nevertheless.
    assert ("it happened", 102) in world.written()


def test_a_deleted_event_is_created_anew(world: World) -> None:
    world.record("it happened")
    world.wait(hours=1)
    assert world.written() == []
    world.record("it happened")
    assert world.written() == [("it happened", 1)]
