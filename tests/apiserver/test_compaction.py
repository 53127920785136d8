"""History is kept for five to ten minutes, and for watchers in the process that have not read it yet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kschedcore.api.machinery.status import StatusError
from kschedcore.apiserver import APIServer
from kschedcore.clock import SimulatedClock

MAPS = "/api/v1/namespaces/default/configmaps"


class History:
    """An API server that receives a request every minute."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.server = APIServer(clock=self.clock)
        self.made = 0

    def make(self) -> str:
        """Make an object; its version."""
        self.made += 1
        _, made = self.server.request("POST", MAPS, {"metadata": {"name": f"map-{self.made:02}"}})
        version: str = made["metadata"]["resourceVersion"]
        return version

    def minutes(self, count: int) -> None:
        for _ in range(count):
            self.clock.wait(self.clock.now() + timedelta(minutes=1))
            self.make()

    def seen_since(self, version: str) -> int:
        return len(self.server.watch(f"{MAPS}?resourceVersion={version}").poll())


@pytest.fixture
def history() -> History:
    return History()


def test_what_happened_five_minutes_ago_is_known(history: History) -> None:
    history.minutes(7)
    version = history.make()
    history.minutes(5)
    assert history.seen_since(version) == 5


def test_what_happened_ten_minutes_ago_is_not(history: History) -> None:
    version = history.make()
    history.minutes(11)
    with pytest.raises(StatusError) as refusal:
        history.seen_since(version)
    assert refusal.value.code == 410


def test_current_objects_are_kept(history: History) -> None:
    history.make()
    history.minutes(30)
    _, found = history.server.request("GET", MAPS)
    assert [each["metadata"]["name"] for each in found["items"]] == [f"map-{n:02}" for n in range(1, 32)]


def test_a_watch_that_is_held_misses_nothing(history: History) -> None:
    watch = history.server.watch(MAPS)
    history.minutes(30)
    assert len(watch.poll()) == 30
    del watch
    history.minutes(11)
    assert history.server.store.backend.oldest > 30
