"""Pods leave nodes whose NoExecute taints they do not tolerate, or no longer do."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.controllers.tainteviction import TaintEvictionController

from .world import World

PODS = "/api/v1/namespaces/default/pods"
TAINT = {"key": "gone", "value": "yes", "effect": "NoExecute"}


@pytest.fixture
def world() -> World:
    world = World([TaintEvictionController])
    world.send("POST", "/api/v1/nodes", {"metadata": {"name": "node"}})
    world.settle()
    return world


def pod(world: World, name: str, *tolerations: dict[str, Any]) -> None:
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": "node", "tolerations": list(tolerations)}
    world.send("POST", PODS, {"metadata": {"name": name}, "spec": spec})


def for_seconds(seconds: int) -> dict[str, Any]:
    return {"key": "gone", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}


def taint(world: World, *taints: dict[str, Any]) -> None:
    world.client.patch("nodes", CLUSTER_SCOPE, "node", {"spec": {"taints": list(taints) or None}})


def leaving(world: World) -> set[str]:
    return {
        each["metadata"]["name"]
        for each in world.informers["pods"].all()
        if each["metadata"].get("deletionTimestamp")
    }


def test_a_pod_stays_for_its_toleration_seconds(world: World) -> None:
    pod(world, "none")
    pod(world, "always", {"key": "gone", "operator": "Exists"})
    pod(world, "minute", for_seconds(60))
    pod(
        world,
        "first",
        for_seconds(90),
        {"operator": "Exists"},
    )
    taint(world, TAINT)
    world.ready()
    assert leaving(world) == {"none"}
    condition = world.get("pods", "none")["status"]["conditions"][-1]
    assert (condition["type"], condition["reason"]) == ("DisruptionTarget", "DeletionByTaintManager")
    world.run_for(seconds=59)
    assert leaving(world) == {"none"}
    world.run_for(seconds=1)
    assert leaving(world) == {"none", "minute"}
    world.run_for(hours=1)
    assert leaving(world) == {"none", "minute", "first"}


def test_a_taint_removed_in_time_evicts_no_pod(world: World) -> None:
    pod(world, "minute", for_seconds(60))
    taint(world, TAINT)
    world.run_for(seconds=50)
    taint(world)
    world.run_for(minutes=5)
    assert leaving(world) == set()
    taint(world, TAINT)
    world.run_for(seconds=59)
    assert leaving(world) == set()


def test_toleration_seconds_count_from_the_observation_of_the_pod_not_from_the_taint(world: World) -> None:
    taint(world, {**TAINT, "timeAdded": "2026-01-01T00:00:00Z"})
    world.run_for(minutes=30)
    pod(world, "later", for_seconds(60))
    world.run_for(seconds=59)
    assert leaving(world) == set()
    world.run_for(seconds=1)
    assert leaving(world) == {"later"}


def test_a_restart_counts_anew(world: World) -> None:
    pod(world, "minute", for_seconds(60))
    taint(world, TAINT)
    world.run_for(seconds=40)
    world.restart(TaintEvictionController)
    world.run_for(seconds=59)
    assert leaving(world) == set()
    world.run_for(seconds=1)
    assert leaving(world) == {"minute"}


def test_a_scheduled_eviction_is_not_put_off_by_another_taint(world: World) -> None:
    pod(world, "pod", for_seconds(60), {**for_seconds(600), "key": "other"})
    taint(world, TAINT)
    world.run_for(seconds=50)
    taint(world, TAINT, {**TAINT, "key": "other"})
    world.run_for(seconds=10)
    assert leaving(world) == {"pod"}


def test_seconds_beyond_every_calendar_are_for_ever(world: World) -> None:
    pod(world, "pod", for_seconds(2**62))
    taint(world, TAINT)
    world.run_for(hours=24)
    assert leaving(world) == set()


def test_other_effects_evict_no_pod(world: World) -> None:
    pod(world, "none")
    taint(world, {**TAINT, "effect": "NoSchedule"})
    world.run_for(minutes=5)
    assert leaving(world) == set()


def test_a_pod_bound_to_a_tainted_node_leaves_it(world: World) -> None:
    taint(world, TAINT)
    world.settle()
    pod(world, "late")
    world.ready()
    assert leaving(world) == {"late"}
