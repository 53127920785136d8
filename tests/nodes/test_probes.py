"""Liveness, readiness and startup probes, with all their thresholds and periods."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.nodes.runtimes.behaviour import Answer
from kschedcore.nodes.runtimes.probe_handlers import failure_of

from .world import World, container

EXEC = {"exec": {"command": ["check"]}}


def probed(kind: str, **fields: Any) -> list[dict[str, Any]]:
    return [{**container(), f"{kind}Probe": {**EXEC, **fields}}]


def test_a_container_is_ready_when_its_readiness_probe_succeeds() -> None:
    world = World({"readiness": [{"exitCode": 1}, {"from": 12}], "start": {"seconds": 0}})
    world.run(containers=probed("readiness", periodSeconds=5))
    world.to(14.9)
    assert (world.condition("Ready"), world.phase()) == ("False", "Running")
    world.to(15)
    assert world.condition("Ready") == "True"
    assert world.events("Unhealthy") == ["Readiness probe failed: command failed with exit code 1"]


def test_readiness_waits_for_the_initial_delay_and_enough_successes() -> None:
    world = World({"start": {"seconds": 0}})
    world.run(containers=probed("readiness", initialDelaySeconds=7, periodSeconds=4, successThreshold=3))
    world.to(14.9)
    assert world.condition("Ready") == "False"
    world.to(15)
    assert world.condition("Ready") == "True"
    assert world.settle()
    assert world.clock.next is None


def test_readiness_is_lost_after_enough_failures_and_comes_back() -> None:
    answers = [{}, {"from": 31, "exitCode": 1}, {"from": 71}]
    world = World({"readiness": answers, "start": {"seconds": 0}})
    world.run(containers=probed("readiness", periodSeconds=10, failureThreshold=3))
    world.to(59.9)
    assert world.condition("Ready") == "True"
    world.to(60)
    assert world.condition("Ready") == "False"
    assert world.container()["restartCount"] == 0
    world.to(80)
    assert world.condition("Ready") == "True"


def test_failing_liveness_restarts_the_container() -> None:
    world = World(
        {"liveness": [{}, {"from": 25, "exitCode": 1}], "start": {"seconds": 0}, "stop": {"seconds": 2}}
    )
    world.run(containers=probed("liveness", periodSeconds=10, failureThreshold=2))
    assert world.settle()
    world.to(39.9)
    assert "running" in world.state()
    world.to(42)
    reported = world.container()
    assert reported["restartCount"] == 1
    assert world.after(reported["lastState"]["terminated"]["finishedAt"]) == 42
    assert world.events("Killing") == ["Container app failed liveness probe, will be restarted"]


def test_failing_liveness_ends_a_pod_that_is_never_restarted() -> None:
    world = World({"liveness": [{"exitCode": 1}], "stop": {"seconds": 3600}, "runs": [{"seconds": 1000}]})
    world.run(containers=probed("liveness", periodSeconds=1, failureThreshold=1), restartPolicy="Never")
    world.to(40)
    assert world.phase() == "Failed"
    assert world.events("Killing") == ["Container app failed liveness probe"]


def test_the_probe_may_shorten_the_grace() -> None:
    world = World(
        {"liveness": [{"exitCode": 1}, {"from": 1}], "stop": {"seconds": 3600}, "start": {"seconds": 0}}
    )
    world.run(containers=probed("liveness", failureThreshold=1, terminationGracePeriodSeconds=4))
    world.to(4)
    assert world.container()["lastState"]["terminated"]["exitCode"] == 137


def test_other_probes_wait_for_the_startup_probe() -> None:
    answers = [{"exitCode": 1}, {"from": 20}]
    world = World({"startup": answers, "liveness": answers, "start": {"seconds": 0}})
    probes = {
        "startupProbe": {**EXEC, "periodSeconds": 5, "failureThreshold": 30},
        "livenessProbe": {**EXEC, "periodSeconds": 1, "failureThreshold": 1},
        "readinessProbe": {**EXEC, "periodSeconds": 1},
    }
    world.run(containers=[{**container(), **probes}])
    world.to(19.9)
    assert not world.container()["started"]
    assert world.condition("Ready") == "False"
    world.to(20)
    assert world.container()["started"]
    assert world.condition("Ready") == "True"
    world.to(60)
    assert world.container()["restartCount"] == 0


def test_a_startup_probe_that_never_succeeds_restarts_the_container() -> None:
    world = World({"startup": [{"succeeds": False}], "start": {"seconds": 0}, "stop": {"seconds": 0}})
    world.run(containers=probed("startup", periodSeconds=5, failureThreshold=3))
    world.to(10)
    assert world.container()["restartCount"] == 1
    assert world.events("Killing") == ["Container app failed startup probe, will be restarted"]


def test_a_pod_that_is_being_deleted_is_not_probed_for_liveness() -> None:
    world = World(
        {"liveness": [{}, {"from": 10, "exitCode": 1}], "stop": {"seconds": 20}, "start": {"seconds": 0}}
    )
    world.run(containers=probed("liveness", periodSeconds=1, failureThreshold=1))
    world.to(8)
    world.delete()
    world.to(27)
    assert world.container()["restartCount"] == 0
    world.to(28)
    assert not world.exists()


def test_readiness_gates_count_when_the_containers_are_ready() -> None:
    world = World()
    world.run(readinessGates=[{"conditionType": "example.com/lb"}])
    world.to(1)
    reported = next(each for each in world.status()["conditions"] if each["type"] == "Ready")
    assert (reported["status"], reported["reason"], reported["message"]) == (
        "False", "ReadinessGatesNotReady",
        'corresponding condition of pod readiness gate "example.com/lb" does not exist.',
    )  # fmt: skip
    pod = world.get()
    for status, ready in (("False", "False"), ("True", "True")):
        pod = world.get()
        others = [each for each in pod["status"]["conditions"] if each["type"] != "example.com/lb"]
        pod["status"]["conditions"] = [*others, {"type": "example.com/lb", "status": status}]
        world.client.update_status(pod, "pods")
        world.loop.run_ready()
        assert world.condition("Ready") == ready
        assert world.condition("example.com/lb") == status


@pytest.mark.parametrize(
    ("handler", "answer", "problem"),
    [
        ({"exec": {}}, {"exit_code": 0}, ""),
        ({"exec": {}}, {"exit_code": 2}, "command failed with exit code 2"),
        ({"httpGet": {}}, {"http_status": 200}, ""),
        ({"httpGet": {}}, {"http_status": 399}, ""),
        ({"httpGet": {}}, {"http_status": 400}, "HTTP probe failed with statuscode: 400"),
        ({"httpGet": {}}, {"http_status": 199}, "HTTP probe failed with statuscode: 199"),
        ({"tcpSocket": {"port": 80}}, {"port_open": True}, ""),
        ({"tcpSocket": {"port": 80}}, {"port_open": False}, "dial tcp :80: connect: connection refused"),
        ({"grpc": {"port": 80}}, {"grpc_status": "SERVING"}, ""),
        (
            {"grpc": {"port": 80}},
            {"grpc_status": "NOT_SERVING"},
            'service unhealthy (responded with "NOT_SERVING")',
        ),
        ({"httpGet": {}}, {"seconds": 1}, ""),
        ({"httpGet": {}, "timeoutSeconds": 5}, {"seconds": 5}, ""),
    ],
)
def test_what_counts_as_success(handler: dict[str, Any], answer: dict[str, Any], problem: str) -> None:
    assert failure_of(handler, Answer(**answer)) == problem


@pytest.mark.parametrize("kind", ["exec", "httpGet", "tcpSocket", "grpc"])
def test_an_answer_that_takes_too_long_is_none(kind: str) -> None:
    assert failure_of({kind: {}, "timeoutSeconds": 2}, Answer(seconds=2.1))
