"""Containers that end: restart policies, back-off, images that cannot be pulled."""

from __future__ import annotations

import pytest

from .world import World, container

CRASH = {"runs": [{"seconds": 1, "exitCode": 3}], "start": {"seconds": 0}}


def starts(world: World, until: int, step: float = 0.1) -> list[float]:
    """The times at which the container started, from its status, in whole seconds."""
    seen: list[float] = []
    while world.seconds < until:
        world.to(world.seconds + step)
        running = world.state().get("running")
        if running and world.after(running["startedAt"]) not in seen:
            seen.append(world.after(running["startedAt"]))
    return seen


def test_restarts_come_at_once_and_then_after_10_s_20_s_40_s_to_5_min() -> None:
    world = World(CRASH)
    world.run()
    gaps = [10, 20, 40, 80, 160, 300, 300]
    expected, at = [0.0, 1.0], 1.0
    for gap in gaps:
        at += 1 + gap
        expected.append(at)
    assert starts(world, int(at) + 1) == expected
    assert world.container()["restartCount"] == len(expected) - 1


def test_a_container_that_waits_for_its_restart_has_a_reason() -> None:
    world = World(CRASH)
    world.run()
    world.to(2)
    reported = world.container()
    uid = world.get()["metadata"]["uid"]
    assert reported["state"]["waiting"] == {
        "reason": "CrashLoopBackOff",
        "message": f"back-off 10s restarting failed container=app pod=pod_default({uid})",
    }
    last = reported["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")
    assert (reported["ready"], reported["started"], reported["restartCount"]) == (False, False, 1)
    assert world.phase() == "Running"
    assert world.condition("Ready") == "False"
    assert world.events("BackOff") == [f"Back-off restarting failed container app in pod pod_default({uid})"]


def test_ten_minutes_of_health_make_the_next_failure_a_first_one() -> None:
    runs = [{"seconds": 1, "exitCode": 1}, {"seconds": 1, "exitCode": 1}, {"seconds": 601, "exitCode": 1}]
    world = World({"runs": [*runs, {}], "start": {"seconds": 0}})
    world.run()
    world.to(2 + 10 + 601)
    assert world.container()["restartCount"] == 3
    assert "running" in world.state()


def test_just_under_ten_minutes_do_not() -> None:
    runs = [{"seconds": 1, "exitCode": 1}, {"seconds": 1, "exitCode": 1}, {"seconds": 600, "exitCode": 1}]
    world = World({"runs": [*runs, {}], "start": {"seconds": 0}})
    world.run()
    world.to(2 + 10 + 600)
    assert world.state()["waiting"]["reason"] == "CrashLoopBackOff"
    world.to(2 + 10 + 600 + 20)
    assert "running" in world.state()


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [
        ("Never", 0, "Succeeded"),
        ("Never", 1, "Failed"),
        ("OnFailure", 0, "Succeeded"),
        ("OnFailure", 1, "Running"),
        ("Always", 0, "Running"),
    ],
)
def test_the_restart_policy_decides_about_a_terminated_container(policy: str, code: int, phase: str) -> None:
    world = World({"runs": [{"seconds": 5, "exitCode": code}, {"seconds": 1000}]})
    world.run(restartPolicy=policy)
    world.to(30)
    assert world.phase() == phase
    assert world.container()["restartCount"] == (phase == "Running")


def test_a_terminated_pod_has_a_reason_for_not_being_ready() -> None:
    world = World({"runs": [{"seconds": 5}]})
    world.run(restartPolicy="Never")
    world.to(10)
    reasons = {each["type"]: (each["status"], each.get("reason")) for each in world.status()["conditions"]}
    assert reasons == {
        "PodReadyToStartContainers": ("False", None),
        "Initialized": ("True", "PodCompleted"),
        "Ready": ("False", "PodCompleted"),
        "ContainersReady": ("False", "PodCompleted"),
        "PodScheduled": ("True", None),
    }
    reported = world.state()["terminated"]
    assert (reported["exitCode"], reported["reason"]) == (0, "Completed")
    assert world.after(reported["finishedAt"]) - world.after(reported["startedAt"]) == 5


def test_a_pod_runs_until_all_of_its_containers_have_ended() -> None:
    world = World(
        {"match": {"container": "a"}, "runs": [{"seconds": 5}]}, {"runs": [{"seconds": 9, "exitCode": 2}]}
    )
    world.run(restartPolicy="Never", containers=[container("a"), container("b")])
    world.to(6)
    assert world.phase() == "Running"
    world.to(10)
    assert world.phase() == "Failed"


def test_what_runs_to_completion_does_so_by_default() -> None:
    world = World()
    world.run(restartPolicy="OnFailure")
    assert world.settle()
    assert world.phase() == "Succeeded"
    assert world.seconds == 11


def test_a_container_that_cannot_be_run() -> None:
    world = World({"start": {"seconds": 1, "error": "exec: no such file"}})
    world.run(restartPolicy="Never")
    world.to(1)
    reported = world.state()["terminated"]
    assert (reported["reason"], reported["exitCode"], reported["message"]) == (
        "ContainerCannotRun", 128, "exec: no such file"
    )  # fmt: skip
    assert world.phase() == "Failed"


def test_a_failing_post_start_hook_ends_the_container() -> None:
    world = World({"postStart": {"seconds": 1, "error": "no"}})
    world.run(
        restartPolicy="Never", containers=[container(lifecycle={"postStart": {"exec": {"command": ["x"]}}})]
    )
    world.to(2)
    assert world.state()["terminated"]["reason"] == "Error"
    assert world.events("FailedPostStartHook") == ["PostStartHook failed: no"]


def test_an_image_that_cannot_be_pulled_is_tried_again_later_and_later() -> None:
    world = World({"pull": {"error": "not found", "failsFor": 25}, "start": {"seconds": 0}})
    world.run()
    assert world.state()["waiting"] == {
        "reason": "ErrImagePull",
        "message": 'failed to pull and unpack image "nginx": not found',
    }
    assert world.phase() == "Pending"
    world.to(1)
    assert world.state()["waiting"] == {
        "reason": "ImagePullBackOff",
        "message": 'Back-off pulling image "nginx": ErrImagePull: '
        'failed to pull and unpack image "nginx": not found',
    }
    world.to(9.9)
    assert world.state()["waiting"]["reason"] == "ImagePullBackOff"
    world.to(10)
    assert world.state()["waiting"]["reason"] == "ErrImagePull"
    world.to(29.9)
    assert "waiting" in world.state()
    world.to(30)
    assert "running" in world.state()
    assert world.container()["restartCount"] == 0


def test_a_cluster_settles_when_a_failure_has_become_a_habit() -> None:
    world = World({"match": {"image": "gone"}, "pull": {"error": "not found"}}, CRASH)
    world.run("loop")
    world.run("gone", containers=[container(image="gone")])
    assert not world.settle(minutes=2)
    assert world.settle(minutes=15)
    assert world.state(pod="loop")["waiting"]["message"].startswith("back-off 5m0s ")
    assert world.state(pod="gone")["waiting"]["reason"] == "ImagePullBackOff"


def test_memory_beyond_the_limit_kills() -> None:
    world = World({"usage": [{"memory": "10Mi"}, {"from": 20, "memory": "2Gi"}]})
    world.run(containers=[container(resources={"limits": {"memory": "1Gi"}})])
    world.to(20.9)
    assert "running" in world.state()
    world.to(21.5)
    reported = world.state()["terminated"]
    assert (reported["reason"], reported["exitCode"]) == ("OOMKilled", 137)


def test_a_changed_image_replaces_the_container() -> None:
    world = World({"stop": {"seconds": 2}})
    world.run()
    world.to(5)
    world.send("PATCH", "/api/v1/namespaces/default/pods/pod", {"spec": {"containers": [
        {**world.get()["spec"]["containers"][0], "image": "nginx:2"}]}})  # fmt: skip
    world.to(10)
    reported = world.container()
    assert (reported["image"], reported["restartCount"]) == ("nginx:2", 1)
    assert "running" in reported["state"]
    assert world.events("Killing") == ["Container app definition changed, will be restarted"]


def test_the_deadline_of_a_pod() -> None:
    world = World({"stop": {"seconds": 2}})
    world.run(activeDeadlineSeconds=30)
    assert world.settle()
    world.to(29)
    assert world.phase() == "Running"
    world.to(32)
    status = world.status()
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert status["message"] == "Pod was active on the node longer than the specified deadline"
    world.to(300)
    assert world.container()["restartCount"] == 0
