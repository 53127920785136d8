"""Events live for an hour after their last write (``--event-ttl``)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kschedcore.apiserver import APIServer
from kschedcore.clock import SimulatedClock

EVENTS = "/api/v1/namespaces/default/events"


class Hours:
    """An API server and its clock."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.server = APIServer(clock=self.clock)

    def record(self, name: str) -> None:
        about = {"kind": "Pod", "namespace": "default", "name": "web"}
        body = {"metadata": {"name": name}, "involvedObject": about, "reason": "Started"}
        assert self.server.request("POST", EVENTS, body)[0] == 201

    def wait(self, **time: float) -> None:
        self.clock.wait(self.clock.now() + timedelta(**time))

    def names(self) -> list[str]:
        _, found = self.server.request("GET", EVENTS)
        return [event["metadata"]["name"] for event in found["items"]]


@pytest.fixture
def hours() -> Hours:
    return Hours()


def test_an_event_is_deleted_after_an_hour(hours: Hours) -> None:
    hours.record("first")
    hours.wait(minutes=30)
    hours.record("second")
    hours.wait(minutes=29, seconds=59)
    assert hours.names() == ["first", "second"]
    hours.wait(seconds=1)
    assert hours.names() == ["second"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_hour_counts_from_the_last_write(hours: Hours, method: str) -> None:
    hours.record("first")
    hours.wait(minutes=59)
    _, event = hours.server.request("GET", f"{EVENTS}/first")
    changed: dict[str, Any] = {**event, "count": 2} if method == "PUT" else {"count": 2}
    kind = "application/json" if method == "PUT" else "application/merge-patch+json"
    code, _ = hours.server.request(method, f"{EVENTS}/first", changed, kind)
    assert code == 200
    hours.wait(minutes=59)
    assert hours.names() == ["first"]
    hours.wait(minutes=1)
    assert hours.names() == []


def test_an_event_of_the_same_name_lives_its_own_hour(hours: Hours) -> None:
    hours.record("first")
    hours.wait(minutes=50)
    hours.server.request("DELETE", f"{EVENTS}/first")
    hours.record("first")
    hours.wait(minutes=10)
    assert hours.names() == ["first"]


def test_watchers_see_an_event_go(hours: Hours) -> None:
    hours.record("first")
    watch = hours.server.watch(EVENTS)
    hours.wait(hours=1)
    hours.server.expire()
    assert [(seen.type, seen.object["metadata"]["name"]) for seen in watch.poll()] == [("DELETED", "first")]
