"""Admission of pods by a node, and the reasons of rejections."""

from __future__ import annotations

from typing import Any

import pytest

from .world import World, container

SMALL = {"capacity": {"cpu": "2", "memory": "1Gi", "pods": "3", "example.com/gpu": "1"}}


def requesting(**requests: str) -> list[dict[str, Any]]:
    return [container(resources={"requests": requests, "limits": requests})]


@pytest.mark.parametrize(
    ("requests", "reason", "numbers"),
    [
        ({"cpu": "1500m"}, "OutOfcpu", "cpu, requested: 1500, used: 1000, capacity: 2000"),
        (
            {"memory": "1Gi"},
            "OutOfmemory",
            "memory, requested: 1073741824, used: 536870912, capacity: 1073741824",
        ),
        (
            {"example.com/gpu": "2"},
            "OutOfexample.com/gpu",
            "example.com/gpu, requested: 2, used: 0, capacity: 1",
        ),
    ],
)
def test_a_pod_that_does_not_fit_fails(requests: dict[str, str], reason: str, numbers: str) -> None:
    world = World(status=SMALL)
    world.run("first", containers=requesting(cpu="1", memory="512Mi"))
    world.run("second", containers=requesting(**requests))
    assert world.phase("second") == "Pending"
    world.settle()
    status = world.status("second")
    assert (status["phase"], status["reason"]) == ("Failed", reason)
    assert status["message"] == f"Pod was rejected: Node didn't have enough resource: {numbers}"
    assert "containerStatuses" not in status
    assert world.events(reason) == [f"Node didn't have enough resource: {numbers}"]


def test_a_node_takes_only_so_many_pods() -> None:
    world = World(status=SMALL)
    for name in ("a", "b", "c", "d"):
        world.run(name)
    world.settle()
    assert world.status("d")["reason"] == "OutOfpods"
    assert world.status("d")["message"].endswith("pods, requested: 1, used: 3, capacity: 3")


def test_terminated_pods_release_their_resources() -> None:
    world = World({"match": {"pod": "first"}, "runs": [{"seconds": 5}]}, status=SMALL)
    world.run("first", containers=requesting(cpu="2"), restartPolicy="Never")
    world.to(10)
    world.run("second", containers=requesting(cpu="2"))
    world.to(12)
    assert world.phase("second") == "Running"
    world.delete("second", gracePeriodSeconds=0)
    world.run("third", containers=requesting(cpu="2"))
    world.to(15)
    assert world.phase("third") == "Running"


def test_an_extended_resource_that_the_node_does_not_know_is_not_its_to_refuse() -> None:
    world = World(status=SMALL)
    world.run(containers=requesting(**{"example.com/licence": "1"}))
    world.to(1)
    assert world.phase() == "Running"


@pytest.mark.parametrize(
    "fields",
    [
        {"nodeSelector": {"disk": "ssd"}},
        {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}]}}}},
    ],
)  # fmt: skip
def test_a_pod_of_another_kind_of_node_fails(fields: dict[str, Any]) -> None:
    world = World()
    world.run(**fields)
    world.settle()
    assert world.status()["reason"] == "NodeAffinity"
    assert world.status()["message"] == (
        "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
    )


def test_a_host_port_is_taken_once() -> None:
    world = World()
    for name, ports in (("a", [{"hostPort": 80}]), ("b", [{"hostPort": 80, "hostIP": "127.0.0.1"}])):
        world.run(name, containers=[container(ports=[{"containerPort": 80, **each} for each in ports])])
    world.settle()
    assert world.status("b")["reason"] == "NodePorts"
    world.run("c", containers=[container(ports=[{"containerPort": 80, "hostPort": 80, "protocol": "UDP"}])])
    world.to(5)
    assert world.phase("c") == "Running"


@pytest.mark.parametrize(("effect", "phase"), [("NoExecute", "Failed"), ("NoSchedule", "Running")])
def test_only_no_execute_taints_count(effect: str, phase: str) -> None:
    world = World(nodes=0)
    world.add_node("node-1", taints=[{"key": "k", "value": "v", "effect": effect}])
    world.loop.run_ready()
    world.run()
    tolerant = [{"key": "k", "operator": "Exists"}]
    world.run("tolerant", tolerations=tolerant)
    world.to(1)
    assert world.phase() == phase
    assert world.phase("tolerant") == "Running"


def test_a_rejected_pod_that_was_deleted_goes() -> None:
    world = World(status=SMALL)
    world.run(containers=requesting(cpu="3"))
    world.delete()
    assert not world.exists()


def test_running_pods_are_not_admitted_again_when_the_agents_are_restarted() -> None:
    world = World(status=SMALL)
    world.run(containers=requesting(cpu="2"))
    world.to(5)
    node = world.get("node-1", "nodes")
    node["status"]["allocatable"]["cpu"] = "1"
    world.client.update_status(node, "nodes")
    world.restart()
    world.to(10)
    assert world.phase() == "Running"
