"""Nodes fall silent and come back; what is wrong with them shows as taints; zones fail together."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.controllers.nodelifecycle.controller import NodeLifecycleController
from kschedcore.controllers.tainteviction import TaintEvictionController
from kschedcore.nodes.heartbeats import Leases

from . import world as worlds


class World(worlds.World):
    def __init__(self, zones: dict[str, int] | None = None) -> None:
        super().__init__([NodeLifecycleController, TaintEvictionController])
        self.settle()
        self.leases = Leases(self.client, self.informers["leases.coordination.k8s.io"], implied=True)
        for zone, count in (zones or {"a": 3}).items():
            for number in range(count):
                labels = {"topology.kubernetes.io/zone": zone}
                self.send(
                    "POST", "/api/v1/nodes", {"metadata": {"name": f"{zone}{number}", "labels": labels}}
                )
                self.post(f"{zone}{number}")
        self.settle()

    def post(self, name: str, ready: str = "True", **conditions: str) -> None:
        """Say of a node what its agent would."""
        now = timestamp(self.clock.now())
        node = self.get("nodes", name, "")
        node["status"] = {
            **node.get("status", {}),
            "conditions": [
                {"type": kind, "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now}
                for kind, status in {"Ready": ready, "MemoryPressure": "False", **conditions}.items()
            ],
        }
        node = self.client.update_status(node, "nodes")
        self.leases.renew(node, self.clock.now())

    def fail(self, *names: str) -> None:
        for name in names:
            self.leases.lapse(self.get("nodes", name, ""), self.clock.now())

    def taints(self, name: str) -> set[str]:
        taints = self.get("nodes", name, "")["spec"].get("taints", ())
        return {f"{taint['key'].removeprefix('node.kubernetes.io/')}:{taint['effect']}" for taint in taints}

    def evicting(self) -> int:
        nodes = self.informers["nodes"].all()
        return sum("unreachable:NoExecute" in self.taints(node["metadata"]["name"]) for node in nodes)

    def pod(self, name: str, node: str) -> None:
        spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i"}], "nodeName": node}
        self.send("POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": name}, "spec": spec})
        self.make_ready(name)


UNREACHABLE = {"unreachable:NoSchedule", "unreachable:NoExecute"}


def test_a_node_lost_for_a_while_then_for_minutes_then_back() -> None:
    world = World()
    world.pod("web", "a0")
    world.fail("a0")
    world.run_for(seconds=40)
    assert world.taints("a0") == set()
    world.run_for(seconds=10)
    assert world.taints("a0") == UNREACHABLE
    [ready] = [c for c in world.get("nodes", "a0", "")["status"]["conditions"] if c["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
    [ready] = world.get("pods", "web")["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "NodeNotReady")
    world.run_for(seconds=299)
    assert "deletionTimestamp" not in world.get("pods", "web")["metadata"]
    world.run_for(seconds=1)
    assert "deletionTimestamp" in world.get("pods", "web")["metadata"]
    world.post("a0")
    world.ready()
    assert world.taints("a0") == set()


def test_a_node_back_in_time_keeps_its_pods() -> None:
    world = World()
    world.pod("web", "a0")
    world.fail("a0")
    world.run_for(minutes=4)
    world.post("a0")
    world.run_for(minutes=10)
    assert world.taints("a0") == set()
    assert "deletionTimestamp" not in world.get("pods", "web")["metadata"]


@pytest.mark.parametrize(
    ("condition", "taint"),
    [
        ("MemoryPressure", "memory-pressure:NoSchedule"),
        ("DiskPressure", "disk-pressure:NoSchedule"),
        ("PIDPressure", "pid-pressure:NoSchedule"),
        ("NetworkUnavailable", "network-unavailable:NoSchedule"),
    ],
)
def test_conditions_show_as_taints(condition: str, taint: str) -> None:
    world = World()
    world.post("a0", **{condition: "True"})
    world.ready()
    assert world.taints("a0") == {taint}
    world.post("a0")
    world.ready()
    assert world.taints("a0") == set()


def test_a_node_that_reports_not_ready_is_tainted() -> None:
    world = World()
    world.post("a0", ready="False")
    world.ready()
    assert world.taints("a0") == {"not-ready:NoSchedule", "not-ready:NoExecute"}
    world.fail("a0")
    world.run_for(minutes=1)
    assert world.taints("a0") == UNREACHABLE


def test_a_cordon_shows_as_a_taint_and_other_taints_stay() -> None:
    world = World()
    taints = [{"key": "mine", "effect": "NoSchedule"}]
    world.client.patch("nodes", CLUSTER_SCOPE, "a0", {"spec": {"unschedulable": True, "taints": taints}})
    world.ready()
    assert world.taints("a0") == {"mine:NoSchedule", "unschedulable:NoSchedule"}
    world.client.patch("nodes", CLUSTER_SCOPE, "a0", {"spec": {"unschedulable": None}})
    world.ready()
    assert world.taints("a0") == {"mine:NoSchedule"}


def test_nodes_of_a_zone_are_given_up_one_after_another() -> None:
    world = World({"a": 10})
    world.fail("a0", "a1", "a2")
    world.run_for(seconds=50)
    assert world.evicting() == 1
    world.run_for(seconds=10)
    assert world.evicting() == 2
    world.run_for(seconds=10)
    assert world.evicting() == 3


def test_a_small_zone_of_which_much_has_failed_gives_up_none() -> None:
    world = World({"a": 5, "b": 2})
    world.fail("a0", "a1", "a2", "a3")
    world.run_for(minutes=10)
    assert world.evicting() == 0
    world.post("a0")
    world.post("a1")
    world.run_for(minutes=1)
    assert world.evicting() == 2


def test_when_everything_is_silent_nothing_is_given_up() -> None:
    world = World({"a": 2, "b": 2})
    world.fail("a0", "a1", "b0", "b1")
    world.run_for(minutes=10)
    assert world.evicting() == 0
    assert world.taints("a0") == {"unreachable:NoSchedule"}


def test_a_node_that_was_never_heard_of_is_unknown_after_its_start() -> None:
    world = World()
    world.send("POST", "/api/v1/nodes", {"metadata": {"name": "mute"}})
    world.run_for(seconds=59)
    assert "unreachable:NoSchedule" not in world.taints("mute")
    world.run_for(seconds=1)
    assert "unreachable:NoSchedule" in world.taints("mute")
    [ready] = [c for c in world.get("nodes", "mute", "")["status"]["conditions"] if c["type"] == "Ready"]
    assert ready["reason"] == "NodeStatusNeverUpdated"
