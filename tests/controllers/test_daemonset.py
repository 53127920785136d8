"""DaemonSets: one pod on every node that will have it, as nodes come, go and change; rolling updates; back-off."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import CLUSTER_SCOPE, DEFAULT_NAMESPACE
from kschedcore.controllers.daemonset.controller import DaemonSetController

from . import world as worlds

SETS = "/apis/apps/v1/namespaces/default/daemonsets"
LABELS = {"app": "agent"}


class World(worlds.World):
    def __init__(self, *nodes: str, **spec: Any) -> None:
        super().__init__([DaemonSetController])
        self.settle()
        for name in nodes:
            self.node(name)
        template = {
            "metadata": {"labels": LABELS},
            "spec": spec.pop("pod", {}) | {"containers": [self.image("1")]},
        }
        body = {"selector": {"matchLabels": LABELS}, "template": template, **spec}
        self.send("POST", SETS, {"metadata": {"name": "agent"}, "spec": body})
        self.settle()

    @staticmethod
    def image(tag: str) -> dict[str, Any]:
        return {"name": "c", "image": f"agent:{tag}"}

    def node(self, name: str, *taints: dict[str, Any], **labels: str) -> None:
        self.send("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": labels}})
        self.client.patch("nodes", CLUSTER_SCOPE, name, {"spec": {"taints": list(taints) or None}})
        self.settle()

    def pods(self) -> dict[str, dict[str, Any]]:
        """The pods by the node that each is for."""
        found = {}
        for pod in self.informers["pods"].in_namespace(DEFAULT_NAMESPACE):
            affinity = pod["spec"]["affinity"]["nodeAffinity"][
                "requiredDuringSchedulingIgnoredDuringExecution"
            ]
            [name] = affinity["nodeSelectorTerms"][0]["matchFields"][0]["values"]
            assert name not in found, f"two pods for {name}"
            found[name] = pod
        return found

    def run(self) -> None:
        """Have every pod run on its node and be ready."""
        for node, pod in self.pods().items():
            name = pod["metadata"]["name"]
            if not pod["spec"].get("nodeName"):
                target = {"apiVersion": "v1", "kind": "Node", "name": node}
                self.client.subresource(
                    "pods", DEFAULT_NAMESPACE, name, "binding", {"metadata": {"name": name}, "target": target}
                )
            if pod["status"].get("phase") == "Pending":
                self.make_ready(name)
        self.settle()

    def finish_deletions(self) -> None:
        for pod in self.informers["pods"].in_namespace(DEFAULT_NAMESPACE):
            if pod["metadata"].get("deletionTimestamp"):
                self.client.delete("pods", DEFAULT_NAMESPACE, pod["metadata"]["name"], grace_seconds=0)
        self.settle()

    def status(self, name: str) -> int:
        return int(self.get("daemonsets.apps", "agent")["status"].get(name, 0))

    def images(self) -> list[str]:
        return sorted(pod["spec"]["containers"][0]["image"] for pod in self.pods().values())


def test_every_node_has_one_and_so_do_those_that_come() -> None:
    world = World("a", "b")
    assert set(world.pods()) == {"a", "b"}
    world.node("c")
    assert set(world.pods()) == {"a", "b", "c"}
    world.run()
    assert (world.status("desiredNumberScheduled"), world.status("numberReady")) == (3, 3)
    world.node("d")
    for name in ("b", "d"):
        world.client.delete("nodes", CLUSTER_SCOPE, name)
    world.settle()
    # A pod that never ran is deleted; the pod garbage collector deletes one that did.
    assert set(world.pods()) == {"a", "b", "c"}
    assert world.status("desiredNumberScheduled") == 2


def test_selectors_and_taints_determine_the_nodes() -> None:
    world = World(pod={"nodeSelector": {"disk": "ssd"}})
    world.node("with", disk="ssd")
    world.node("without")
    world.node("tainted", {"key": "k", "effect": "NoSchedule"}, disk="ssd")
    world.node("silent", {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}, disk="ssd")
    assert set(world.pods()) == {"with", "silent"}
    world.client.patch("nodes", CLUSTER_SCOPE, "without", {"metadata": {"labels": {"disk": "ssd"}}})
    world.client.patch("nodes", CLUSTER_SCOPE, "with", {"metadata": {"labels": {"disk": "hdd"}}})
    world.settle()
    assert set(world.pods()) == {"without", "silent"}


def test_a_running_pod_leaves_a_node_only_for_what_may_not_stay() -> None:
    world = World("a", "b")
    world.run()
    for node, effect in (("a", "NoSchedule"), ("b", "NoExecute")):
        world.client.patch(
            "nodes", CLUSTER_SCOPE, node, {"spec": {"taints": [{"key": "k", "effect": effect}]}}
        )
    world.settle()
    world.finish_deletions()
    assert set(world.pods()) == {"a"}


def test_a_failed_pod_is_replaced_later_each_time() -> None:
    world = World("a")
    for pause in (0, 1, 2, 4):
        pod = world.pods()["a"]["metadata"]["name"]
        world.finish(pod, "Failed")
        world.ready()
        if pause:
            world.run_for(seconds=pause)
        assert world.pods()["a"]["metadata"]["name"] != pod


@pytest.mark.parametrize("unavailable", [1, 2])
def test_a_rolling_update_takes_so_many_at_a_time(unavailable: int) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable}}
    world = World("a", "b", "c", "d", updateStrategy=strategy)
    world.run()
    template = {"spec": {"containers": [world.image("2")]}}
    world.client.patch(
        "daemonsets.apps",
        DEFAULT_NAMESPACE,
        "agent",
        {"spec": {"template": template}},
        kind="strategic-merge",
    )
    for _ in range(20):
        world.ready()
        ready = world.status("numberAvailable")
        assert ready >= 4 - unavailable
        world.finish_deletions()
        world.run()
    assert world.images() == ["agent:2"] * 4
    assert world.status("updatedNumberScheduled") == 4


def test_on_delete_updates_what_a_person_deletes() -> None:
    world = World("a", "b", updateStrategy={"type": "OnDelete"})
    world.run()
    template = {"spec": {"containers": [world.image("2")]}}
    world.client.patch(
        "daemonsets.apps",
        DEFAULT_NAMESPACE,
        "agent",
        {"spec": {"template": template}},
        kind="strategic-merge",
    )
    world.settle()
    assert world.images() == ["agent:1", "agent:1"]
    world.client.delete("pods", DEFAULT_NAMESPACE, world.pods()["a"]["metadata"]["name"], grace_seconds=0)
    world.settle()
    assert world.images() == ["agent:1", "agent:2"]


def test_stopped_after_any_write_every_node_still_has_one() -> None:
    for writes in range(30):
        world = World("a")
        for name in ("b", "c"):
            world.send("POST", "/api/v1/nodes", {"metadata": {"name": name}})
            world.client.patch("nodes", CLUSTER_SCOPE, name, {"spec": {"taints": None}})
        stopped = world.settle_stopping_after(writes)
        assert set(world.pods()) == {"a", "b", "c"}
        if not stopped:
            return
    raise AssertionError("every attempt was stopped")


def test_pods_become_available_although_others_are_refused() -> None:
    """Rejected requests are retried with back-off, which does not delay the check of minReadySeconds."""
    world = World("a", minReadySeconds=10)
    world.refuse_pods()
    world.node("b")
    world.run_for(minutes=5)
    assert world.status("desiredNumberScheduled") == 2
    world.make_ready(world.pods()["a"]["metadata"]["name"])
    world.run_for(seconds=11)
    assert (world.status("numberReady"), world.status("numberAvailable")) == (1, 1)
    assert world.pods().keys() == {"a"}
