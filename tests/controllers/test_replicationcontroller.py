"""ReplicationControllers: a ReplicaSet of old, whose selector is a map and may be left out."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.replicationcontroller import ReplicationControllerController

from . import world as worlds

PATH = "/api/v1/namespaces/default/replicationcontrollers"
LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}


class World(worlds.World):
    def __init__(self) -> None:
        super().__init__([ReplicationControllerController])
        self.settle()

    def create(self, replicas: int, **spec: Any) -> None:
        body = {"metadata": {"name": "web"}, "spec": {"replicas": replicas, "template": TEMPLATE, **spec}}
        self.send("POST", PATH, body)
        self.settle()

    def pods(self) -> list[dict[str, Any]]:
        return self.informers["pods"].in_namespace(DEFAULT_NAMESPACE)

    def scale(self, replicas: int) -> None:
        self.client.patch(
            "replicationcontrollers", DEFAULT_NAMESPACE, "web", {"spec": {"replicas": replicas}}
        )
        self.settle()


@pytest.fixture
def world() -> World:
    return World()


def test_the_selector_defaults_to_the_labels_of_the_template(world: World) -> None:
    world.create(3)
    found = world.get("replicationcontrollers", "web")
    assert found["spec"]["selector"] == LABELS
    assert found["status"]["replicas"] == 3
    owners = [pod["metadata"]["ownerReferences"] for pod in world.pods()]
    assert [(each["kind"], each["controller"]) for [each] in owners] == [("ReplicationController", True)] * 3


def test_it_is_scaled_both_ways_and_replaces_what_is_lost(world: World) -> None:
    world.create(1)
    world.scale(4)
    assert len(world.pods()) == 4
    world.scale(2)
    assert len(world.pods()) == 2
    [gone, _] = world.pods()
    world.client.delete("pods", DEFAULT_NAMESPACE, gone["metadata"]["name"])
    world.settle()
    assert len(world.pods()) == 2
    assert gone["metadata"]["uid"] not in {pod["metadata"]["uid"] for pod in world.pods()}


def test_it_takes_orphans_in_and_lets_go_of_what_no_longer_matches(world: World) -> None:
    orphan = {"metadata": {"name": "orphan", "labels": LABELS}, "spec": TEMPLATE["spec"]}
    world.send("POST", "/api/v1/namespaces/default/pods", orphan)
    world.create(2)
    assert "orphan" in world.names("pods")
    assert len(world.pods()) == 2
    assert world.get("pods", "orphan")["metadata"]["ownerReferences"][0]["name"] == "web"
    world.client.patch("pods", DEFAULT_NAMESPACE, "orphan", {"metadata": {"labels": {"app": "other"}}})
    world.settle()
    assert len(world.pods()) == 3
    assert "ownerReferences" not in world.get("pods", "orphan")["metadata"]


def test_its_status_follows_readiness(world: World) -> None:
    world.create(2)
    for pod in world.pods():
        world.make_ready(pod["metadata"]["name"])
    world.settle()
    status = world.get("replicationcontrollers", "web")["status"]
    assert (status["readyReplicas"], status["availableReplicas"], status["observedGeneration"]) == (2, 2, 1)


def test_stopped_after_any_write_it_goes_on() -> None:
    for writes in range(40):
        world = World()
        world.send("POST", PATH, {"metadata": {"name": "web"}, "spec": {"replicas": 3, "template": TEMPLATE}})
        stopped = world.settle_stopping_after(writes)
        assert len(world.pods()) == 3
        assert world.get("replicationcontrollers", "web")["status"]["replicas"] == 3
        if not stopped:
            assert writes > 3
            return
    raise AssertionError("every attempt was stopped")
