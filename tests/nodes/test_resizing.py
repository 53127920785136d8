"""In-place resizes: what a node grants, defers and never grants (KEP-1287)."""

from __future__ import annotations

from typing import Any

import pytest

from .world import PODS, World, container

NODE = {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "10"}}


def requesting(cpu: str, **fields: Any) -> list[dict[str, Any]]:
    return [container(resources={"requests": {"cpu": cpu}}, **fields)]


@pytest.fixture
def world() -> World:
    world = World(status=NODE)
    world.run(containers=requesting("500m"))
    world.to(5)
    return world


def resize(world: World, cpu: str, pod: str = "pod") -> None:
    resources = {"requests": {"cpu": cpu}}
    body = {"spec": {"containers": [{"name": "app", "resources": resources}]}}
    path = f"{PODS}/{pod}/resize"
    code, answer = world.server.request("PATCH", path, body, "application/strategic-merge-patch+json")
    assert code == 200, answer
    world.loop.run_ready()


def pending(world: World, pod: str = "pod") -> str:
    conditions = world.status(pod)["conditions"]
    return next((each["reason"] for each in conditions if each["type"] == "PodResizePending"), "")


def test_what_the_node_has_is_granted_without_a_restart(world: World) -> None:
    resize(world, "1500m")
    found = world.container()
    assert found["resources"] == {"requests": {"cpu": "1500m"}}
    assert found["allocatedResources"] == {"cpu": "1500m"}
    assert found["restartCount"] == 0
    assert pending(world) == ""
    world.run("second", containers=requesting("1"))
    world.settle()
    assert world.status("second")["reason"] == "OutOfcpu"


def test_what_the_node_never_has_is_infeasible(world: World) -> None:
    resize(world, "3")
    assert pending(world) == "Infeasible"
    assert world.container()["resources"] == {"requests": {"cpu": "500m"}}
    resize(world, "1")
    assert pending(world) == ""
    assert world.container()["resources"] == {"requests": {"cpu": "1"}}


def test_a_resize_is_deferred_until_another_pod_ends(world: World) -> None:
    world.run("second", containers=requesting("1"))
    world.to(10)
    resize(world, "1500m")
    assert pending(world) == "Deferred"
    world.restart()
    world.to(12)
    assert pending(world) == "Deferred"
    world.delete("second", gracePeriodSeconds=0)
    assert pending(world) == ""
    assert world.container()["resources"] == {"requests": {"cpu": "1500m"}}


def test_a_container_is_restarted_by_its_resize_policy() -> None:
    world = World(status=NODE)
    policy = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
    world.run(containers=requesting("500m", resizePolicy=policy))
    world.to(5)
    resize(world, "1")
    world.to(60)
    assert world.container()["restartCount"] == 1
    assert world.container()["resources"] == {"requests": {"cpu": "1"}}


def test_status_and_conditions_have_observed_generations(world: World) -> None:
    resize(world, "1")
    pod = world.get()
    assert pod["metadata"]["generation"] == 2
    assert pod["status"]["observedGeneration"] == 2
    assert {each["observedGeneration"] for each in pod["status"]["conditions"]} == {2}
