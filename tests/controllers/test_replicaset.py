"""ReplicaSets through the API server: scaling, adoption, release, availability, refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.replicaset import ReplicaSetController

from . import world as worlds

SETS = "/apis/apps/v1/namespaces/default/replicasets"
PODS = "/api/v1/namespaces/default/pods"
TEMPLATE = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"note": "kept"}},
    "spec": {"containers": [{"name": "nginx", "image": "nginx"}]},
}


class World(worlds.World):
    def __init__(self) -> None:
        super().__init__([ReplicaSetController])
        self.settle()

    def create(self, replicas: int, **spec: Any) -> None:
        selector = {"matchLabels": {"app": "web"}}
        body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}}
        self.send("POST", SETS, {**body, "spec": {
            "replicas": replicas, "selector": selector, "template": TEMPLATE, **spec}})  # fmt: skip

    def pods(self) -> list[dict[str, Any]]:
        return self.informers["pods"].in_namespace(DEFAULT_NAMESPACE)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.get("replicasets.apps", "web")["status"]
        return status


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
    assert world.status() == {
        "replicas": 3, "fullyLabeledReplicas": 3, "observedGeneration": 1, "terminatingReplicas": 0,
    }  # fmt: skip


def test_it_replaces_a_deleted_pod_and_forgets_an_ended_one(world: World) -> None:
    world.create(2)
    world.settle()
    gone, ended = sorted(world.names("pods"))
    world.send("DELETE", f"{PODS}/{gone}")
    world.finish(ended, "Failed")
    world.settle()
    assert gone not in world.names("pods")
    assert len(world.names("pods")) == 3
    assert world.status()["replicas"] == 2


def test_scaling_down_spares_what_is_ready(world: World) -> None:
    world.create(4)
    world.settle()
    ready = sorted(world.names("pods"))[1]
    world.make_ready(ready)
    world.send("PATCH", f"{SETS}/web", {"spec": {"replicas": 1}})
    world.settle()
    assert world.names("pods") == {ready}
    assert world.status()["readyReplicas"] == 1


def test_a_pod_is_available_after_min_ready_seconds(world: World) -> None:
    world.create(1, minReadySeconds=10)
    world.settle()
    world.make_ready(*world.names("pods"))
    world.ready()
    assert world.status()["readyReplicas"] == 1
    assert "availableReplicas" not in world.status()
    world.run_for(seconds=10)
    assert world.status()["availableReplicas"] == 1


def test_it_adopts_an_orphan_and_releases_a_relabelled_pod(world: World) -> None:
    metadata = {"name": "orphan", "labels": {"app": "web"}}
    world.send(
        "POST", PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": TEMPLATE["spec"]}
    )
    world.create(1)
    world.settle()
    assert world.names("pods") == {"orphan"}
    world.send("PATCH", f"{PODS}/orphan", {"metadata": {"labels": {"app": "other"}}})
    world.settle()
    assert len(world.names("pods")) == 2
    assert not world.send("GET", f"{PODS}/orphan")["metadata"].get("ownerReferences")


def test_a_rejected_pod_is_a_replica_failure_until_it_is_admitted(world: World) -> None:
    quotas = "/api/v1/namespaces/default/resourcequotas"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}}
    world.send("POST", quotas, {**quota, "spec": {"hard": {"pods": "0"}}})
    status = {"hard": {"pods": "0"}, "used": {"pods": "0"}}
    world.send("PUT", f"{quotas}/few/status", {**world.get("resourcequotas", "few"), "status": status})
    world.create(1)
    world.ready()
    [condition] = world.status()["conditions"]
    assert (condition["type"], condition["reason"]) == ("ReplicaFailure", "FailedCreate")
    assert "exceeded quota" in condition["message"]
    world.send("DELETE", f"{quotas}/few")
    assert world.settle(timedelta(hours=1))
    assert "conditions" not in world.status()
    assert len(world.names("pods")) == 1


def test_pods_become_available_although_others_are_refused(world: World) -> None:
    """Rejected requests are retried with back-off, which does not delay the check of minReadySeconds."""
    world.create(1, minReadySeconds=10)
    world.settle()
    (pod,) = world.names("pods")
    world.refuse_pods()
    world.send("PATCH", f"{SETS}/web", {"spec": {"replicas": 2}})
    world.run_for(minutes=5)
    world.make_ready(pod)
    world.run_for(seconds=11)
    assert world.status()["conditions"][0]["reason"] == "FailedCreate"
    assert world.status()["availableReplicas"] == 1


def test_a_missing_set_is_ignored(world: World) -> None:
    assert ReplicaSetController(world.context).reconcile(("default", "missing")) is None
