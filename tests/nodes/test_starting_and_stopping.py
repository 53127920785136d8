"""A pod's life from its binding to its end, when nothing goes wrong."""

from __future__ import annotations

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.nodes import agents

from .world import World, container


@pytest.fixture
def world() -> World:
    return World()


def test_a_bound_pod_runs_and_is_ready(world: World) -> None:
    world.run()
    assert world.phase() == "Pending"
    world.to(1)
    status = world.status()
    assert status["phase"] == "Running"
    assert status["hostIP"] == "10.0.0.1"
    assert status["podIPs"] == [{"ip": status["podIP"]}]
    assert world.after(status["startTime"]) == 0
    assert status["qosClass"] == "BestEffort"
    reported = world.container()
    assert world.after(reported["state"]["running"]["startedAt"]) == 1
    assert (reported["ready"], reported["started"], reported["restartCount"]) == (True, True, 0)
    conditions = [(each["type"], each["status"]) for each in status["conditions"]]
    assert conditions == [
        ("PodReadyToStartContainers", "True"), ("Initialized", "True"), ("Ready", "True"),
        ("ContainersReady", "True"), ("PodScheduled", "True"),
    ]  # fmt: skip


@pytest.mark.parametrize("names", ["a", "abc"])
def test_an_ordinary_start_costs_one_write(names: str) -> None:
    world = World()
    world.run(containers=[container(name) for name in names])
    before = int(world.get()["metadata"]["resourceVersion"])
    assert world.settle()
    assert int(world.get()["metadata"]["resourceVersion"]) == before + 1


def test_a_slow_start_is_reported_at_once() -> None:
    world = World({"start": {"seconds": 5, "jitter": 0}})
    world.run()
    assert world.state() == {"waiting": {"reason": "ContainerCreating"}}
    assert world.condition("ContainersReady") == "False"
    reported = next(each for each in world.status()["conditions"] if each["type"] == "Ready")
    assert (reported["reason"], reported["message"]) == (
        "ContainersNotReady", "containers with unready status: [app]"
    )  # fmt: skip
    world.to(5)
    assert world.phase() == "Running"


def test_a_pod_that_is_not_bound_is_not_run(world: World) -> None:
    world.run(node="")
    world.run("elsewhere", node="nowhere")
    world.to(60)
    assert world.phase() == world.phase("elsewhere") == "Pending"
    assert "startTime" not in world.status()


def test_pods_have_addresses_of_their_own_and_give_them_back(world: World) -> None:
    for name in ("a", "b"):
        world.run(name)
    world.run("host", hostNetwork=True)
    world.to(1)
    assert world.status("a")["podIP"] != world.status("b")["podIP"]
    assert world.status("host")["podIP"] == world.status("host")["hostIP"]


def test_a_pod_of_a_node_with_a_pod_cidr_gets_an_address_of_it() -> None:
    world = World(nodes=0)
    world.add_node("node-1", podCIDR="10.244.3.0/24", podCIDRs=["10.244.3.0/24"])
    world.loop.run_ready()
    world.run()
    world.to(1)
    assert world.status()["podIP"] == "10.244.3.1"


def test_a_deleted_pod_ends_in_its_own_time_and_goes() -> None:
    world = World({"stop": {"seconds": 7}})
    world.run()
    world.to(10)
    world.delete()
    world.to(16)
    assert world.phase() == "Running"
    assert world.condition("Ready") == "True"
    world.to(17)
    assert not world.exists()
    assert world.events("Killing") == ["Stopping container app"]


def test_a_pod_that_does_not_end_is_killed_when_its_grace_is_over() -> None:
    world = World({"stop": {"seconds": 3600}})
    world.run(terminationGracePeriodSeconds=20, metadata={"finalizers": ["example.com/keep"]})
    world.to(10)
    world.delete()
    world.to(29)
    assert world.phase() == "Running"
    world.to(30)
    reported = world.state()["terminated"]
    assert (reported["exitCode"], reported["reason"], world.after(reported["finishedAt"])) == (
        137,
        "Error",
        30,
    )
    assert world.phase() == "Failed"


def test_a_second_deletion_shortens_the_grace() -> None:
    world = World({"stop": {"seconds": 3600}})
    world.run()
    world.to(10)
    world.delete()
    world.to(15)
    world.delete(gracePeriodSeconds=8)
    world.to(17)
    assert world.exists()
    world.to(18)
    assert not world.exists()


def test_a_pod_deleted_by_force_is_forgotten(world: World) -> None:
    world.run()
    world.to(1)
    world.delete(gracePeriodSeconds=0)
    assert not world.exists()
    assert world.settle()
    world.run()
    world.to(3)
    assert world.phase() == "Running"


def test_a_pod_deleted_before_it_ran_has_failed() -> None:
    world = World({"pull": {"seconds": 60}})
    world.run(metadata={"finalizers": ["example.com/keep"]})
    world.delete()
    world.loop.run_ready()
    assert world.phase() == "Failed"
    assert world.state()["terminated"]["reason"] == "ContainerStatusUnknown"


def test_the_pre_stop_hook_comes_before_the_signal_and_out_of_the_same_grace() -> None:
    world = World({"preStop": {"seconds": 5}, "stop": {"seconds": 3}})
    hook = {"preStop": {"exec": {"command": ["drain"]}}}
    world.run("hooked", containers=[container(lifecycle=hook)])
    world.run("cut", containers=[container(lifecycle=hook)], terminationGracePeriodSeconds=4)
    world.to(10)
    world.delete("hooked")
    world.delete("cut")
    world.to(15.9)
    assert world.exists("cut")
    world.to(16)  # the hook is cut short at 4 s, then there are 2 s to end in
    assert not world.exists("cut")
    world.to(17.9)
    assert world.exists("hooked")
    world.to(18)
    assert not world.exists("hooked")


def test_a_failing_pre_stop_hook_is_reported() -> None:
    world = World({"preStop": {"error": "no such file"}})
    world.run(containers=[container(lifecycle={"preStop": {"exec": {"command": ["x"]}}})])
    world.to(2)
    world.delete()
    assert world.events("FailedPreStopHook") == ["PreStopHook failed: no such file"]


def test_a_container_does_not_count_as_running_before_its_post_start_hook_is_done() -> None:
    world = World({"postStart": {"seconds": 4}})
    world.run(containers=[container(lifecycle={"postStart": {"exec": {"command": ["x"]}}})])
    world.to(4.9)
    assert "waiting" in world.state()
    world.to(5)
    assert "running" in world.state()


def test_start_events_are_written_when_enabled() -> None:
    world = World(start_events=True)
    world.run()
    world.to(1)
    assert world.events("Pulled", "Created", "Started") == [
        'Container image "nginx" already present on machine',
        "Created container: app",
        "Started container app",
    ]


def test_nothing_is_left_to_do_for_a_running_pod(world: World) -> None:
    world.run()
    assert world.settle()
    assert world.clock.next is None


def test_a_pod_waits_when_its_nodes_addresses_have_run_out() -> None:
    world = World(nodes=0)
    world.add_node("node-1", podCIDR="10.244.3.0/30", podCIDRs=["10.244.3.0/30"])
    world.loop.run_ready()
    for name in ("a", "b", "c"):
        world.run(name)
    world.to(5)
    assert world.phase("c") == "Pending"
    assert world.events("FailedCreatePodSandBox")
    world.delete("a", gracePeriodSeconds=0)
    world.to(12)
    assert world.phase("c") == "Running"
    assert world.status("c")["podIP"] != world.status("b")["podIP"]


def test_a_restarted_agent_gives_no_address_twice(world: World) -> None:
    world.add_node("node-2")
    world.run("new", node="")
    world.run("old")
    world.run("older", node="node-2")
    world.to(2)
    world.restart()
    target = {"kind": "Node", "name": "node-1"}
    world.client.subresource(
        "pods", DEFAULT_NAMESPACE, "new", "binding", {"metadata": {"name": "new"}, "target": target}
    )
    world.to(5)
    assert len({world.status(each)["podIP"] for each in ("old", "older", "new")}) == 3


@pytest.mark.parametrize("restarted", [False, True])
def test_the_address_of_a_pod_of_a_deleted_node_is_not_given_again(
    restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "PODS", "10.0.0.0/30")  # which is two addresses
    world = World(nodes=2)
    world.run("old", node="node-1")
    world.settle()
    world.send("DELETE", "/api/v1/nodes/node-1")
    world.loop.run_ready()
    if restarted:
        world.restart()
    world.run("new", node="node-2")
    world.run("waiting", node="node-2")
    world.settle()
    assert {world.status(each)["podIP"] for each in ("old", "new")} == {"10.0.0.1", "10.0.0.2"}
    assert world.phase("waiting") == "Pending"
    world.delete("old", gracePeriodSeconds=0)
    world.to(world.seconds + 30)
    assert world.status("waiting")["podIP"] == "10.0.0.1"
