"""Pods that no kubelet will ever finish."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kschedcore.api.machinery.types import CLUSTER_SCOPE, DEFAULT_NAMESPACE
from kschedcore.controllers import podgc
from kschedcore.controllers.podgc import PodGarbageCollector

from .world import World

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def world() -> World:
    world = World([PodGarbageCollector])
    world.send("POST", "/api/v1/nodes", {"metadata": {"name": "node"}})
    world.settle()
    return world


def pod(world: World, name: str = "pod", node: str = "", **metadata: Any) -> None:
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i"}]}
    if node:
        spec["nodeName"] = node
    world.send("POST", PODS, {"metadata": {"name": name, **metadata}, "spec": spec})


def test_pods_go_when_their_node_has_been_away_for_a_while(world: World) -> None:
    pod(world, node="node")
    watch = world.server.watch(PODS)
    world.client.delete("nodes", CLUSTER_SCOPE, "node")
    world.run_for(seconds=39)
    assert world.names("pods") == {"pod"}
    world.run_for(seconds=1)
    assert world.names("pods") == set()
    last = watch.poll()[-1].object["status"]
    assert last["phase"] == "Failed"
    assert [c["reason"] for c in last["conditions"] if c["type"] == "DisruptionTarget"] == ["DeletionByPodGC"]


def test_a_node_that_comes_back_in_time_keeps_them(world: World) -> None:
    pod(world, node="node")
    world.client.delete("nodes", CLUSTER_SCOPE, "node")
    world.run_for(seconds=30)
    world.send("POST", "/api/v1/nodes", {"metadata": {"name": "node"}})
    world.run_for(minutes=5)
    assert world.names("pods") == {"pod"}


def test_a_deleted_pod_that_never_had_a_node_goes(world: World) -> None:
    pod(world, finalizers=["example.com/hold"])
    world.client.delete("pods", DEFAULT_NAMESPACE, "pod")
    world.client.patch("pods", DEFAULT_NAMESPACE, "pod", {"metadata": {"finalizers": None}})
    world.settle()
    assert world.names("pods") == set()


def test_the_oldest_of_too_many_ended_pods_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podgc, "THRESHOLD", 2)
    for number in range(4):
        pod(world, f"pod-{number}", node="node")
        world.run_for(seconds=1)
    for number in (3, 1, 0, 2):
        world.finish(f"pod-{number}")
    world.settle(timedelta(minutes=1))
    assert world.names("pods") == {"pod-2", "pod-3"}


def test_pods_on_their_way_out_go_at_once_from_a_node_out_of_service(world: World) -> None:
    pod(world, node="node")
    world.client.delete("pods", DEFAULT_NAMESPACE, "pod")
    world.settle()
    assert world.names("pods") == {"pod"}
    taint = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}
    world.client.patch("nodes", CLUSTER_SCOPE, "node", {"spec": {"taints": [taint]}})
    world.settle()
    assert world.names("pods") == set()
