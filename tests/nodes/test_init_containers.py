"""Init containers and sidecars: their order, their failures, and who goes first at the end."""

from __future__ import annotations

import pytest

from .world import Object, World, container

QUICK = {"start": {"seconds": 1, "jitter": 0}, "stop": {"seconds": 1}}


def sidecar(name: str, **fields: object) -> Object:
    return container(name, restartPolicy="Always", **fields)


def test_init_containers_run_to_completion_one_after_the_other() -> None:
    world = World({"match": {"container": "init-*"}, "runs": [{"seconds": 4}], **QUICK})
    world.run(initContainers=[container("init-1"), container("init-2")])
    world.to(1)
    assert world.phase() == "Pending"
    assert "running" in world.state("init-1")
    assert world.state("init-2") == world.state() == {"waiting": {"reason": "PodInitializing"}}
    reported = next(each for each in world.status()["conditions"] if each["type"] == "Initialized")
    assert (reported["status"], reported["reason"], reported["message"]) == (
        "False", "ContainersNotInitialized", "containers with incomplete status: [init-1 init-2]"
    )  # fmt: skip
    world.to(6)
    assert world.state("init-1")["terminated"]["reason"] == "Completed"
    assert world.container("init-1")["ready"]
    assert "running" in world.state("init-2")
    world.to(11)
    assert world.phase() == "Running"
    assert world.condition("Initialized") == "True"


@pytest.mark.parametrize("policy", ["Always", "OnFailure"])
def test_a_failed_init_container_is_tried_until_it_succeeds(policy: str) -> None:
    runs = [{"seconds": 1, "exitCode": 1}, {"seconds": 1, "exitCode": 1}, {"seconds": 1}]
    world = World({"match": {"container": "init"}, "runs": runs, **QUICK})
    world.run(initContainers=[container("init")], restartPolicy=policy)
    world.to(5)
    assert world.state("init")["waiting"]["reason"] == "CrashLoopBackOff"
    assert world.phase() == "Pending"
    world.to(20)
    assert world.phase() == "Running"
    assert world.container("init")["restartCount"] == 2


def test_a_failed_init_container_of_a_pod_that_is_never_restarted_fails_it() -> None:
    world = World({"match": {"container": "init"}, "runs": [{"seconds": 1, "exitCode": 9}], **QUICK})
    world.run(initContainers=[sidecar("proxy"), container("init")], restartPolicy="Never")
    world.to(3.1)
    assert world.phase() == "Pending"
    assert "running" in world.state("proxy")
    world.to(4)
    assert world.phase() == "Failed"
    assert "terminated" in world.state("proxy")
    assert world.state() == {"waiting": {"reason": "PodInitializing"}}


def test_a_sidecar_starts_before_later_containers_and_runs_beside_them() -> None:
    probe = {"exec": {"command": ["x"]}, "periodSeconds": 1, "failureThreshold": 30}
    world = World({"match": {"container": "proxy"}, "startup": [{"exitCode": 1}, {"from": 5}], **QUICK})
    world.run(initContainers=[sidecar("proxy", startupProbe=probe), container("init")])
    world.to(5.9)
    assert world.state("init") == {"waiting": {"reason": "PodInitializing"}}
    assert not world.container("proxy")["started"]
    world.to(6)
    assert world.container("proxy")["started"]
    world.to(9)
    assert world.phase() == "Running"
    assert "running" in world.state("proxy")


def test_a_sidecar_that_ends_is_always_restarted() -> None:
    world = World({"match": {"container": "proxy"}, "runs": [{"seconds": 5}, {}], **QUICK})
    world.run(initContainers=[sidecar("proxy")], restartPolicy="Never")
    world.to(6.5)
    assert world.phase() == "Running"
    assert world.condition("Ready") == "False"
    world.to(7)
    assert world.container("proxy")["restartCount"] == 1
    assert world.condition("Ready") == "True"


def test_sidecars_do_not_keep_a_pod_from_ending() -> None:
    world = World({"match": {"container": "proxy"}, **QUICK})
    world.run(initContainers=[sidecar("proxy")], restartPolicy="Never")
    world.to(12.5)
    assert "terminated" in world.state()
    assert world.phase() == "Running"
    world.to(13)
    assert world.phase() == "Succeeded"
    assert "terminated" in world.state("proxy")


def test_sidecars_are_stopped_last_and_in_reverse_order() -> None:
    world = World({"match": {"container": "app"}, "stop": {"seconds": 3}}, {**QUICK, "stop": {"seconds": 2}})
    world.run(
        initContainers=[sidecar("first"), sidecar("second")], metadata={"finalizers": ["example.com/keep"]}
    )
    world.to(10)
    world.delete()
    world.to(60)
    ends = {
        each: world.after(world.state(each)["terminated"]["finishedAt"])
        for each in ("app", "second", "first")
    }
    assert ends == {"app": 13, "second": 15, "first": 17}


def test_the_grace_is_one_for_all() -> None:
    world = World({"stop": {"seconds": 3600}})
    world.run(initContainers=[sidecar("proxy")], terminationGracePeriodSeconds=10)
    world.to(5)
    world.delete()
    world.to(14)
    assert world.exists()
    world.to(15)
    assert not world.exists()


def test_of_a_pod_that_goes_before_it_began_the_first_container_counts_as_lost() -> None:
    world = World({"pull": {"seconds": 60}})
    world.run(
        initContainers=[container("init-1"), container("init-2")],
        metadata={"finalizers": ["example.com/keep"]},
    )
    world.delete()
    world.to(1)
    assert world.phase() == "Failed"
    assert world.state("init-1")["terminated"]["reason"] == "ContainerStatusUnknown"
    assert world.state("init-2") == world.state() == {"waiting": {"reason": "PodInitializing"}}
