"""Nodes: what agents say of them, how they show that they are alive, and what becomes of failed ones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kschedcore.api.machinery.types import Namespace
from kschedcore.nodes.addresses import AddressPool
from kschedcore.nodes.heartbeats import LEASE_NAMESPACE, renewed_at

from .world import World


def lease_age(world: World, node: str = "node-1") -> float:
    """Return the seconds since the node's last heartbeat."""
    lease = world.client.get("leases.coordination.k8s.io", Namespace(LEASE_NAMESPACE), node)
    assert lease is not None
    renewed = renewed_at(lease, world.clock.now())
    assert renewed is not None
    return (world.clock.now() - renewed).total_seconds()


def ready_heartbeat(world: World) -> float:
    conditions = world.get("node-1", "nodes")["status"]["conditions"]
    [ready] = [each for each in conditions if each["type"] == "Ready"]
    return world.after(ready["lastHeartbeatTime"])


def test_an_agent_describes_its_node() -> None:
    world = World()
    node = world.get("node-1", "nodes")
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "node-1"
    conditions = {each["type"]: (each["status"], each["reason"]) for each in node["status"]["conditions"]}
    assert conditions == {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID"),
        "Ready": ("True", "KubeletReady"),
    }
    assert node["status"]["allocatable"] == node["status"]["capacity"]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.2"


def test_the_given_description_of_a_node_is_kept() -> None:
    addresses = [{"type": "InternalIP", "address": "192.168.7.7"}]
    given = {
        "capacity": {"cpu": "3", "pods": "5"},
        "allocatable": {"cpu": "2", "pods": "5"},
        "addresses": addresses,
    }
    world = World(status={**given, "nodeInfo": {"kernelVersion": "5.4"}})
    status = world.get("node-1", "nodes")["status"]
    assert {key: status[key] for key in given} == given
    assert status["nodeInfo"]["kernelVersion"] == "5.4"
    world.run()
    world.to(1)
    assert world.status()["hostIP"] == "192.168.7.7"


def test_heartbeats_are_written_every_ten_seconds_and_five_minutes() -> None:
    world = World(implied_heartbeats=False)
    for seconds in (9, 10, 19, 20, 125):
        world.to(seconds)
        assert lease_age(world) == seconds % 10
    assert ready_heartbeat(world) == 0
    world.to(301)
    assert ready_heartbeat(world) == 300


def test_written_heartbeats_do_not_keep_a_cluster_from_settling() -> None:
    world = World(implied_heartbeats=False)
    assert world.settle()


def test_implied_heartbeats_cost_nothing_and_count_as_of_now() -> None:
    world = World()
    before = world.server.store.backend.revision
    world.to(3600)
    assert world.server.store.backend.revision == before
    assert lease_age(world) == 0


def test_both_ways_report_a_failed_node_alike() -> None:
    for implied in (True, False):
        world = World(nodes=2, implied_heartbeats=implied)
        world.to(37)
        world.agents.fail("node-1")
        world.to(100)
        assert lease_age(world) == 70, implied
        assert lease_age(world, "node-2") == 0, implied
        world.agents.repair("node-1")
        world.to(103)
        assert lease_age(world) <= 3, implied


def test_a_failed_node_writes_nothing_and_receives_nothing() -> None:
    world = World({"match": {"pod": "short"}, "runs": [{"seconds": 20}]})
    world.run("short", restartPolicy="Never")
    world.run("long")
    world.to(5)
    world.agents.fail("node-1")
    world.run("late")
    world.delete("long")
    world.to(60)
    assert world.phase("short") == "Running"
    assert world.phase("late") == "Pending"
    assert world.exists("long")
    world.agents.repair("node-1")
    world.to(62)
    reported = world.state(pod="short")["terminated"]
    assert world.after(reported["finishedAt"]) == 21
    assert world.phase("short") == "Succeeded"
    assert world.phase("late") == "Running"
    assert not world.exists("long")


def test_a_failed_node_stays_so_when_the_agents_are_restarted() -> None:
    world = World()
    world.to(5)
    world.agents.fail("node-1")
    world.restart()
    world.run()
    world.to(60)
    assert world.phase() == "Pending"
    world.agents.repair("node-1")
    world.to(62)
    assert world.phase() == "Running"


@pytest.mark.parametrize("restarted", [False, True])
def test_what_ran_on_a_node_is_lost_when_it_is_rebooted(restarted: bool) -> None:
    world = World()
    world.run("service")
    world.run("batch", restartPolicy="Never", activeDeadlineSeconds=600)
    world.run("new")
    world.to(5)
    world.agents.fail("node-1")
    if restarted:
        world.restart()
    world.to(20)
    world.agents.repair("node-1", rebooted=True)
    world.to(22)
    reported = world.container(pod="service")
    assert reported["restartCount"] == 1
    assert "running" in reported["state"]
    last = reported["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"], world.after(last["finishedAt"])) == (255, "Unknown", 20)
    assert world.phase("batch") == "Failed"


def test_a_repaired_node_is_ready_again() -> None:
    world = World()
    world.agents.fail("node-1")
    node = world.get("node-1", "nodes")
    for each in node["status"]["conditions"]:
        each |= {"status": "Unknown", "reason": "NodeStatusUnknown"}
    world.client.update_status(node, "nodes")
    world.to(10)
    assert ready(world) == "Unknown"
    world.agents.repair("node-1")
    world.to(11)
    assert ready(world) == "True"


def ready(world: World) -> str:
    conditions = world.get("node-1", "nodes")["status"]["conditions"]
    return next(str(each["status"]) for each in conditions if each["type"] == "Ready")


def test_the_pods_of_a_deleted_node_are_left_as_they_are() -> None:
    world = World({"runs": [{"seconds": 20}]})
    world.run(restartPolicy="Never")
    world.to(5)
    world.send("DELETE", "/api/v1/nodes/node-1")
    world.to(60)
    assert world.phase() == "Running"
    assert world.settle()
    world.delete(gracePeriodSeconds=0)
    world.add_node("node-1")
    world.run()
    world.to(62)
    assert world.phase() == "Running"


def test_a_node_that_comes_under_the_name_of_a_failed_one_is_another() -> None:
    world = World()
    world.agents.fail("node-1")
    world.to(5)
    world.send("DELETE", "/api/v1/nodes/node-1")
    world.to(6)
    world.add_node("node-1")
    world.run()
    world.to(8)
    assert world.phase() == "Running"


def test_a_node_that_comes_later_is_taken_on() -> None:
    world = World(nodes=0)
    world.run()
    world.to(5)
    assert world.phase() == "Pending"
    world.add_node("node-1")
    world.to(7)
    assert world.phase() == "Running"


def test_the_lease_goes_with_the_node() -> None:
    world = World()
    lease = world.client.get("leases.coordination.k8s.io", Namespace(LEASE_NAMESPACE), "node-1")
    assert lease is not None
    [owner] = lease["metadata"]["ownerReferences"]
    assert owner["uid"] == world.get("node-1", "nodes")["metadata"]["uid"]
    assert world.loop.run_until_settled(timedelta(seconds=1))


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        ("255.255.255.255/32", ["255.255.255.255"]),
        ("10.0.0.0/32", ["10.0.0.0"]),
        ("10.0.0.0/31", ["10.0.0.1"]),
        ("10.0.0.0/30", ["10.0.0.1", "10.0.0.2"]),
        ("::/128", ["::"]),
    ],
)
def test_addresses_are_of_the_network(network: str, addresses: list[str]) -> None:
    pool = AddressPool(network)
    assert [pool.take() for _ in addresses] == addresses
    with pytest.raises(LookupError):
        pool.take()
