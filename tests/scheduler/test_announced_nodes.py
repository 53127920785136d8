"""``status.nominatedNodeName``: announced before Permit or PreBind work, cleared by binding and failures (KEP-5278)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scheduler.test_scheduler_component import World

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.api.versions import Release, release_of
from kschedcore.engine.events import Events
from kschedcore.engine.plugin import SKIP, Assumed, Plugin, Status, Wait

NEWEST = release_of("1.36")
OLD = release_of("1.34")


class Hold(Plugin):
    """Holds pods for ten seconds, but for one called ``free``."""

    name = "Hold"

    def events(self) -> Events:
        return {}

    def permit(self, assumed: Assumed) -> Status | Wait | None:
        return None if assumed.pod.metadata.name == "free" else Wait(10)


class Works(Plugin):
    """Has PreBind work for pods called ``busy``."""

    name = "Works"

    def pre_bind_pre_flight(self, assumed: Assumed) -> Status | None:
        return None if assumed.pod.metadata.name == "busy" else SKIP

    def pre_bind(self, assumed: Assumed) -> Status | None:
        assert assumed.pod.metadata.name == "busy"
        return None


def world(*plugins: type[Plugin], release: Release = NEWEST) -> World:
    enabled = [{"name": plugin.name} for plugin in plugins]
    made = World({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": {"multiPoint": {"enabled": enabled}}}],
    }, *plugins, release=release)  # fmt: skip
    made.node("a")
    made.ready()
    return made


def announced(world: World, name: str) -> list[str | None]:
    """Return the node names that the pod's status had, one after another."""
    seen: list[str | None] = []

    def listen(change: Any) -> None:
        if change.new is not None and change.new["metadata"]["name"] == name:
            node = change.new.get("status", {}).get("nominatedNodeName")
            if not seen or seen[-1] != node:
                seen.append(node)

    world.informers["pods"].listen(listen)
    return seen


def test_a_pod_that_waits_in_permit_is_announced_until_it_is_bound() -> None:
    made = world(Hold)
    made.pod("p")
    made.ready()
    assert (made.nominated("p"), made.node_of("p")) == ("a", None)
    made.scheduler.waiting["default", "p"].allow("Hold")
    made.ready()
    assert (made.nominated("p"), made.node_of("p")) == (None, "a")
    assert made.scheduler.engine.utilisation()["cpu"]["requested"] == 1000


def test_the_announcement_ends_when_permit_rejects_the_pod() -> None:
    made = world(Hold)
    made.pod("p")
    made.run_for(seconds=11)
    assert (made.nominated("p"), made.node_of("p")) == (None, None)
    assert made.condition("p")["reason"] == "Unschedulable"


@pytest.mark.parametrize(("name", "expected"), [("busy", [None, "a", None]), ("idle", [None])])
def test_only_work_of_pre_bind_is_announced(name: str, expected: list[str | None]) -> None:
    made = world(Works)
    seen = announced(made, name)
    made.pod(name)
    made.ready()
    assert made.node_of(name) == "a"
    assert seen == expected


@pytest.mark.parametrize(
    "release", [OLD, release_of("1.36", {"NominatedNodeNameForExpectation": False})], ids=["v1.34", "gate"]
)
def test_without_the_gate_nothing_is_announced(release: Release) -> None:
    made = world(Hold, release=release)
    made.pod("p")
    made.ready()
    assert made.nominated("p") is None


def test_a_restarted_scheduler_reserves_resources_for_an_announced_pod() -> None:
    made = world(Hold)
    made.pod("p", cpu="3")
    made.ready()
    made.start_again()
    made.pod("free", cpu="3")
    made.ready()
    assert (made.nominated("p"), made.node_of("free")) == ("a", None)


def preempted(release: Release) -> World:
    made = world(Hold, release=release)
    made.priority_class("high", 9)
    made.pod("p", cpu="3")
    made.ready()
    made.pod("free", cpu="3", priorityClassName="high")
    made.ready()
    assert made.node_of("free") == "a"
    return made


def test_a_held_victim_ends_in_back_off() -> None:
    made = preempted(NEWEST)
    condition = made.condition("p")
    assert made.attempts("p") == 1
    assert (condition["reason"], condition["message"]) == (
        "SchedulerError",
        "waiting on permit for pod: preempted",
    )
    assert "Preempted" in made.event_reasons("p")
    made.run_for(seconds=1)
    assert made.attempts("p") == 2


def test_a_held_victim_was_unschedulable_in_v134() -> None:
    made = preempted(OLD)
    condition = made.condition("p")
    assert (condition["reason"], condition["message"]) == (
        "Unschedulable",
        "0/1 nodes are available: 1 preemption.",
    )


@pytest.mark.parametrize("ends", ["deleted", "cleared"])
def test_pods_of_lower_priority_are_tried_when_a_nomination_ends(ends: str) -> None:
    made = world()
    made.occupied()
    made.pod("urgent", cpu="3", priorityClassName="high")
    made.pod("low", cpu="1")
    made.run_for(seconds=5)
    assert (made.nominated("urgent"), made.attempts("low")) == ("a", 1)
    if ends == "deleted":
        made.client.delete("pods", DEFAULT_NAMESPACE, "urgent", grace_seconds=0)
        made.run_for(seconds=1)
        assert made.node_of("low") == "a"
    else:
        cleared = {"status": {"nominatedNodeName": None}}
        made.client.patch("pods", DEFAULT_NAMESPACE, "urgent", cleared, subresource="status")
        made.run_for(seconds=1)
        # The more important pod is tried before, and nominated again.
        assert (made.nominated("urgent"), made.attempts("low")) == ("a", 2)
