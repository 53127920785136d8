"""Agents beside every controller: roll-outs become available, Jobs complete, and lost nodes lose their pods."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.controller import Context, Runner
from kschedcore.controllers.registry import CONTROLLERS

from .world import World, container


class Binder:
    """Binds each pod to the node with the fewest, of those that bear no taint."""

    def __init__(self, world: World) -> None:
        self.world = world

    def step(self) -> bool:
        pods, nodes = self.world.informers["pods"], self.world.informers["nodes"]
        waiting = [each for each in pods.all() if not each["spec"].get("nodeName")]
        fit = [each["metadata"]["name"] for each in nodes.all() if not each["spec"].get("taints")]
        if not waiting or not fit:
            return False
        bound = [each["spec"].get("nodeName") for each in pods.all()]
        target = {"kind": "Node", "name": min(fit, key=lambda name: (bound.count(name), name))}
        metadata = waiting[0]["metadata"]
        body = {"metadata": {"name": metadata["name"], "namespace": metadata["namespace"]}, "target": target}
        self.world.client.subresource("pods", metadata["namespace"], metadata["name"], "binding", body)
        return True

    def close(self) -> None:
        pass


class Cluster(World):
    def __init__(self, *behaviours: dict[str, Any], **options: Any) -> None:
        super().__init__(*behaviours, **options)
        context = Context(self.client, self.informers, self.clock)
        for make in CONTROLLERS:
            self.loop.add(make.name, Runner(make(context), context))
        self.loop.add("binder", Binder(self))
        assert self.settle()

    def apply(self, kind: str, spec: dict[str, Any], version: str = "apps/v1") -> None:
        path = f"/apis/{version}/namespaces/default/{kind.lower()}s"
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}}
        self.send("POST", path, {**body, "spec": spec})

    def nodes_of_running(self) -> list[str]:
        pods = self.informers["pods"].in_namespace(DEFAULT_NAMESPACE)
        running = [each for each in pods if not each["metadata"].get("deletionTimestamp")]
        return sorted(each["spec"].get("nodeName", "") for each in running)


def template(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container()], **spec}}


def deployment(replicas: int) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    return {"replicas": replicas, "selector": selector, "template": template()}


def test_a_deployment_becomes_available_and_rolls() -> None:
    cluster = Cluster(nodes=3)
    cluster.apply("Deployment", deployment(5))
    assert cluster.settle()
    status = cluster.get("web", "deployments.apps")["status"]
    assert (status["readyReplicas"], status["availableReplicas"]) == (5, 5)
    path = "/apis/apps/v1/namespaces/default/deployments/web"
    new = {**template(), "spec": {"containers": [container(image="nginx:2")]}}
    cluster.send("PATCH", path, {"spec": {"template": new}})
    assert cluster.settle()
    pods = cluster.informers["pods"].in_namespace(DEFAULT_NAMESPACE)
    assert [each["spec"]["containers"][0]["image"] for each in pods] == ["nginx:2"] * 5
    assert cluster.get("web", "deployments.apps")["status"]["updatedReplicas"] == 5


def test_a_job_completes() -> None:
    cluster = Cluster({"runs": [{"seconds": 5, "exitCode": 1}, {"seconds": 5}]})
    cluster.apply(
        "Job",
        {"completions": 3, "parallelism": 2, "template": template(restartPolicy="OnFailure")},
        "batch/v1",
    )
    assert cluster.settle(minutes=5)
    status = cluster.get("web", "jobs.batch")["status"]
    assert status["succeeded"] == 3


@pytest.mark.parametrize("implied", [True, False])
def test_the_pods_of_a_lost_node_are_replaced_after_five_minutes(implied: bool) -> None:
    cluster = Cluster(nodes=2, implied_heartbeats=implied)
    cluster.apply("Deployment", deployment(2))
    assert cluster.settle()
    assert cluster.nodes_of_running() == ["node-1", "node-2"]
    cluster.agents.fail("node-1")
    lost = cluster.seconds
    cluster.to(lost + 45)
    assert ready(cluster) == "True"
    cluster.to(lost + 75)
    assert ready(cluster) == "Unknown"
    assert cluster.nodes_of_running() == ["node-1", "node-2"]
    cluster.to(lost + 400)
    assert cluster.nodes_of_running() == ["node-2", "node-2"]
    assert cluster.get("web", "deployments.apps")["status"]["availableReplicas"] == 2
    cluster.agents.repair("node-1")
    cluster.to(lost + 460)
    assert ready(cluster) == "True"
    assert len(cluster.informers["pods"].in_namespace(DEFAULT_NAMESPACE)) == 2
    assert "taints" not in cluster.get("node-1", "nodes")["spec"]


def test_a_node_that_is_back_in_time_keeps_its_pods() -> None:
    cluster = Cluster(nodes=2)
    cluster.apply("Deployment", deployment(2))
    assert cluster.settle()
    before = {each["metadata"]["uid"] for each in cluster.informers["pods"].all()}
    cluster.agents.fail("node-1")
    cluster.loop.run_until(cluster.clock.now() + timedelta(seconds=200))
    cluster.agents.repair("node-1")
    cluster.loop.run_until(cluster.clock.now() + timedelta(seconds=600))
    assert {each["metadata"]["uid"] for each in cluster.informers["pods"].all()} == before
    assert cluster.get("web", "deployments.apps")["status"]["availableReplicas"] == 2


def ready(cluster: Cluster, node: str = "node-1") -> str:
    conditions = cluster.get(node, "nodes")["status"]["conditions"]
    return next(str(each["status"]) for each in conditions if each["type"] == "Ready")
