"""Disruption budgets count what is healthy, and evictions spend what they allow."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.controllers.disruption import DisruptionController
from kschedcore.controllers.replicaset import ReplicaSetController

from .world import World

BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
SETS = "/apis/apps/v1/namespaces/default/replicasets"
LABELS = {"app": "web"}


@pytest.fixture
def world() -> World:
    world = World([ReplicaSetController, DisruptionController])
    world.settle()
    return world


def web(world: World, replicas: int, ready: int) -> list[str]:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
    world.send("POST", SETS, {"metadata": {"name": "web"}, "spec": spec})
    world.settle()
    names = sorted(world.names("pods"))
    for name in names[:ready]:
        world.make_ready(name)
    world.settle()
    return names


def budget(world: World, **spec: Any) -> dict[str, Any]:
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": LABELS}, **spec}}
    world.send("POST", BUDGETS, body)
    world.settle()
    return status(world)


def status(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.get("poddisruptionbudgets.policy", "web")["status"]
    return found


def evict(world: World, pod: str) -> int:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "default"}}
    path = f"/api/v1/namespaces/default/pods/{pod}/eviction"
    return world.server.request("POST", path, body)[0]


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [
        ({"minAvailable": 3}, 3, 1),
        ({"minAvailable": "50%"}, 3, 1),
        ({"maxUnavailable": 1}, 4, 0),
        ({"maxUnavailable": "30%"}, 3, 1),
        ({"minAvailable": "100%"}, 5, 0),
    ],
)
def test_it_allows_what_is_healthy_beyond_what_must_be(
    world: World, spec: dict[str, Any], desired: int, allowed: int
) -> None:
    web(world, 5, ready=4)
    found = budget(world, **spec)
    assert (found["expectedPods"], found["currentHealthy"]) == (5, 4)
    assert (found["desiredHealthy"], found["disruptionsAllowed"]) == (desired, allowed)
    [condition] = found["conditions"]
    assert condition["reason"] == ("SufficientPods" if allowed else "InsufficientPods")


def test_evictions_spend_it_until_new_pods_are_ready(world: World) -> None:
    names = web(world, 3, ready=3)
    budget(world, maxUnavailable=1)
    assert evict(world, names[0]) == 201
    assert evict(world, names[1]) == 429
    world.settle()
    assert evict(world, names[1]) == 429
    [new] = world.names("pods") - set(names)
    world.make_ready(new)
    world.settle()
    assert evict(world, names[1]) == 201


def test_a_pod_whose_eviction_came_to_nothing_counts_again(world: World) -> None:
    names = web(world, 2, ready=2)
    budget(world, minAvailable=1)
    before = world.get("poddisruptionbudgets.policy", "web")
    noted = {**before["status"], "disruptedPods": {names[0]: "2026-01-01T00:00:00Z"}, "disruptionsAllowed": 0}
    world.client.update_status({**before, "status": noted}, "poddisruptionbudgets.policy")
    world.ready()
    assert status(world)["disruptionsAllowed"] == 0
    world.run_for(minutes=2)
    assert status(world)["disruptionsAllowed"] == 1
    assert "disruptedPods" not in status(world)


def test_owners_that_do_not_scale_leave_it_uncounted(world: World) -> None:
    owner = {"apiVersion": "example.com/v1", "kind": "Thing", "name": "t", "uid": "u", "controller": True}
    metadata = {"name": "odd", "labels": LABELS, "ownerReferences": [owner]}
    spec = {"containers": [{"name": "c", "image": "i"}]}
    world.send("POST", "/api/v1/namespaces/default/pods", {"metadata": metadata, "spec": spec})
    found = budget(world, maxUnavailable=1)
    assert (found["conditions"][0]["reason"], found["disruptionsAllowed"]) == ("SyncFailed", 0)
