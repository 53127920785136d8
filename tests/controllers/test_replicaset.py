"""ReplicaSets through the real door: scaling, adoption, release, availability, refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kschedcore.apiserver import APIServer
from kschedcore.controllers.replicaset import ReplicaSetController
from kschedcore.controllers.serviceaccount import ServiceAccountController
from kschedcore.store.meta import FixedClock, timestamp
from kschedcore.store.objects import plain

KEY = ("default", "web")
SETS = "/apis/apps/v1/namespaces/default/replicasets"
PODS = "/api/v1/namespaces/default/pods"
TEMPLATE = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"note": "kept"}},
    "spec": {"containers": [{"name": "nginx", "image": "nginx"}]},
}


class World:
    def __init__(self) -> None:
        self.clock = FixedClock()
        self.server = APIServer(clock=self.clock)
        ServiceAccountController(self.server).reconcile("default")
        self.controller = ReplicaSetController(self.server, self.clock)

    def create(self, replicas: int, **spec: Any) -> None:
        selector = {"matchLabels": {"app": "web"}}
        body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}}
        self.send("POST", SETS, {**body, "spec": {
            "replicas": replicas, "selector": selector, "template": TEMPLATE, **spec}})  # fmt: skip

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        code, answer = self.server.request(method, path, body, kind)
        assert code < 300, answer
        return answer

    def settle(self) -> None:
        for _ in range(20):
            if not self.controller.reconcile(KEY):
                return
        raise AssertionError("never settles")

    def pods(self) -> list[dict[str, Any]]:
        return list(self.send("GET", PODS)["items"])

    def names(self) -> set[str]:
        return {pod["metadata"]["name"] for pod in self.pods()}

    def status(self) -> dict[str, Any]:
        return plain(self.send("GET", f"{SETS}/web")["status"])

    def make_ready(self, name: str) -> None:
        pod = plain(self.send("GET", f"{PODS}/{name}"))
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": timestamp(self.clock.now())}
        pod["status"] = {"phase": "Running", "conditions": [ready]}
        self.send("PUT", f"{PODS}/{name}/status", pod)


@pytest.fixture
def world() -> World:
    return World()


def test_it_makes_the_pods_of_its_template(world: World) -> None:
    world.create(3)
    world.settle()
    pods = world.pods()
    assert len(pods) == 3
    assert all(pod["metadata"]["labels"] == {"app": "web"} for pod in pods)
    assert all(pod["metadata"]["annotations"] == {"note": "kept"} for pod in pods)
    assert all(pod["metadata"]["ownerReferences"][0]["controller"] for pod in pods)
    assert world.status() == {"replicas": 3, "fullyLabeledReplicas": 3, "observedGeneration": 1}


def test_it_replaces_a_deleted_pod_and_forgets_an_ended_one(world: World) -> None:
    world.create(2)
    world.settle()
    gone, ended = sorted(world.names())
    world.send("DELETE", f"{PODS}/{gone}")
    pod = plain(world.send("GET", f"{PODS}/{ended}"))
    world.send("PUT", f"{PODS}/{ended}/status", {**pod, "status": {"phase": "Failed"}})
    world.settle()
    assert gone not in world.names()
    assert len(world.names()) == 3
    assert world.status()["replicas"] == 2


def test_scaling_down_spares_what_is_ready(world: World) -> None:
    world.create(4)
    world.settle()
    ready = sorted(world.names())[1]
    world.make_ready(ready)
    world.send("PATCH", f"{SETS}/web", {"spec": {"replicas": 1}})
    world.settle()
    assert world.names() == {ready}
    assert world.status()["readyReplicas"] == 1


def test_a_pod_is_available_after_min_ready_seconds(world: World) -> None:
    world.create(1, minReadySeconds=10)
    world.settle()
    world.make_ready(*world.names())
    world.settle()
    assert world.status()["readyReplicas"] == 1
    assert "availableReplicas" not in world.status()
    world.clock.time += timedelta(seconds=10)
    world.settle()
    assert world.status()["availableReplicas"] == 1


def test_it_adopts_an_orphan_and_releases_a_relabelled_pod(world: World) -> None:
    metadata = {"name": "orphan", "labels": {"app": "web"}}
    world.send(
        "POST", PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": TEMPLATE["spec"]}
    )
    world.create(1)
    world.settle()
    assert world.names() == {"orphan"}
    world.send("PATCH", f"{PODS}/orphan", {"metadata": {"labels": {"app": "other"}}})
    world.settle()
    assert len(world.names()) == 2
    assert not world.send("GET", f"{PODS}/orphan")["metadata"].get("ownerReferences")


def test_a_refused_pod_shows_as_replica_failure_until_it_is_let_in(world: World) -> None:
    quotas = "/api/v1/namespaces/default/resourcequotas"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
    world.send("POST", quotas, {**quota, "spec": {"hard": {"pods": "0"}}})
    created = plain(world.send("GET", f"{quotas}/few"))
    status = {"hard": {"pods": "0"}, "used": {"pods": "0"}}
    world.send("PUT", f"{quotas}/few/status", {**created, "status": status})
    world.create(1)
    world.settle()
    [condition] = world.status()["conditions"]
    assert (condition["type"], condition["reason"]) == ("ReplicaFailure", "FailedCreate")
    assert "exceeded quota" in condition["message"]
    world.send("DELETE", f"{quotas}/few")
    world.settle()
    assert "conditions" not in world.status()
    assert len(world.names()) == 1


def test_a_set_that_is_not_there_is_nothing_to_do(world: World) -> None:
    assert not world.controller.reconcile(("default", "nobody"))
