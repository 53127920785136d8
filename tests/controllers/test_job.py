"""Jobs through the API server: counts under failures and restarts, indexes, policies, deadlines, suspension."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.job.controller import BATCH_PERIOD, JobController

from . import world as worlds

JOBS = "/apis/batch/v1/namespaces/default/jobs"
INDEX = "batch.kubernetes.io/job-completion-index"


class World(worlds.World):
    def __init__(self, **spec: Any) -> None:
        super().__init__([JobController])
        self.settle()
        template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}
        body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "work"}}
        self.send("POST", JOBS, {**body, "spec": {"template": template, **spec}})
        self.settle()

    def pods(self, phase: str = "Pending") -> list[dict[str, Any]]:
        found = self.informers["pods"].in_namespace(DEFAULT_NAMESPACE)
        return [pod for pod in found if pod["status"]["phase"] == phase]

    def end(self, phase: str = "Succeeded", *, index: int | None = None, code: int | None = None) -> None:
        """Have a pending pod end, the first or the one of an index."""
        pod = next(p for p in self.pods() if index is None or self.index(p) == index)
        status: dict[str, Any] = {"phase": phase}
        if code is not None:
            ended = timestamp(self.clock.now())
            state = {"terminated": {"exitCode": code, "reason": "Error", "finishedAt": ended}}
            status["containerStatuses"] = [
                {
                    "name": "c",
                    "image": "busybox",
                    "imageID": "",
                    "ready": False,
                    "restartCount": 0,
                    "state": state,
                }
            ]
        self.client.update_status({**plain(pod), "status": status}, "pods")

    def bind(self, name: str) -> None:
        """Give a pod a node, so that it is terminating once it is deleted."""
        target = {"kind": "Node", "name": "node"}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
        self.client.subresource("pods", DEFAULT_NAMESPACE, name, "binding", binding)

    @staticmethod
    def index(pod: dict[str, Any]) -> int:
        return int(pod["metadata"]["annotations"][INDEX])

    @property
    def job(self) -> dict[str, Any]:
        return self.get("jobs.batch", "work")

    def count(self, name: str) -> int:
        return int(self.job["status"].get(name, 0))

    def conditions(self) -> dict[str, str]:
        return {
            each["type"]: each.get("reason", "")
            for each in self.job["status"].get("conditions", ())
            if each["status"] == "True"
        }

    def change(self, **spec: Any) -> None:
        self.send("PATCH", f"{JOBS}/work", {"spec": spec})
        self.settle()


def test_it_runs_so_many_at_a_time_until_so_many_succeeded() -> None:
    world = World(completions=5, parallelism=2)
    for done in range(5):
        assert len(world.pods()) == min(2, 5 - done)
        world.end()
        world.settle()
    assert world.count("succeeded") == 5
    assert world.conditions() == {
        "SuccessCriteriaMet": "CompletionsReached",
        "Complete": "CompletionsReached",
    }
    assert world.job["status"]["completionTime"]
    assert not any(pod["metadata"].get("finalizers") for pod in world.pods("Succeeded"))


def test_ends_within_a_second_are_counted_together() -> None:
    world = World(completions=3, parallelism=3)
    world.ready()
    before = world.job["metadata"]["resourceVersion"]
    for _ in range(3):
        world.end()
        world.ready()
        assert world.job["metadata"]["resourceVersion"] == before
        world.run_for(seconds=0.3)
    world.run_for(seconds=0.1)
    assert world.count("succeeded") == 3
    assert world.conditions() == {
        "SuccessCriteriaMet": "CompletionsReached",
        "Complete": "CompletionsReached",
    }


def test_requested_changes_are_not_delayed() -> None:
    world = World(completions=3, parallelism=1)
    world.send("PATCH", f"{JOBS}/work", {"spec": {"parallelism": 3}})
    world.ready()
    assert len(world.pods()) == 3


def test_a_failed_pod_is_replaced_after_a_growing_pause() -> None:
    world = World(completions=1, backoffLimit=3)
    for pause in (10, 20, 40):
        world.end("Failed", code=1)
        world.run_for(seconds=pause - 1)
        assert world.count("failed") == len(world.pods("Failed"))
        assert not world.pods()
        world.run_for(seconds=1)
        assert len(world.pods()) == 1
    world.end("Failed")
    world.settle()
    assert world.conditions() == {"FailureTarget": "BackoffLimitExceeded", "Failed": "BackoffLimitExceeded"}
    assert world.count("failed") == 4


def test_pods_of_a_failed_job_are_deleted_and_counted() -> None:
    world = World(completions=4, parallelism=3, backoffLimit=0)
    world.end("Failed")
    world.settle()
    assert world.count("failed") == 3
    assert not world.pods()


@pytest.mark.parametrize("mode", ["NonIndexed", "Indexed"])
def test_no_end_is_counted_twice_or_missed_wherever_the_controller_is_stopped(mode: str) -> None:
    for writes in range(100):
        world = World(completions=4, parallelism=3, completionMode=mode)
        world.end()
        world.end("Failed")
        stopped = world.settle_stopping_after(writes)
        assert (world.count("succeeded"), world.count("failed"), world.count("active")) == (1, 1, 3)
        while world.pods():
            world.end()
            world.settle()
        assert (world.count("succeeded"), world.count("failed")) == (4, 1)
        assert world.conditions() == {
            "SuccessCriteriaMet": "CompletionsReached",
            "Complete": "CompletionsReached",
        }
        if not stopped:
            assert writes > 5
            return
    raise AssertionError("every attempt was stopped")


def test_each_index_succeeds_once() -> None:
    world = World(completions=6, parallelism=3, completionMode="Indexed")
    pod = world.pods()[0]
    assert pod["spec"]["hostname"] == "work-0"
    assert pod["metadata"]["labels"][INDEX] == "0"
    [variable] = [
        each for each in pod["spec"]["containers"][0]["env"] if each["name"] == "JOB_COMPLETION_INDEX"
    ]
    assert INDEX in variable["valueFrom"]["fieldRef"]["fieldPath"]
    world.end(index=1)
    world.end("Failed", index=0)
    world.settle()
    assert sorted(map(world.index, world.pods())) == [0, 2, 3]
    assert world.job["status"]["completedIndexes"] == "1"
    while world.pods():
        world.end()
        world.settle()
    assert world.job["status"]["completedIndexes"] == "0-5"


def test_a_backoff_limit_per_index_gives_up_on_that_index_alone() -> None:
    world = World(
        completions=3, parallelism=3, completionMode="Indexed", backoffLimitPerIndex=1, backoffLimit=10
    )
    world.end("Failed", index=1)
    world.settle()
    assert sorted(map(world.index, world.pods())) == [0, 1, 2]
    world.end("Failed", index=1)
    world.settle(timedelta(hours=1))
    assert world.job["status"]["failedIndexes"] == "1"
    assert sorted(map(world.index, world.pods())) == [0, 2]
    world.end(index=0)
    world.end(index=2)
    world.settle()
    assert world.conditions() == {"FailureTarget": "FailedIndexes", "Failed": "FailedIndexes"}
    assert world.job["status"]["completedIndexes"] == "0,2"


def test_too_many_failed_indexes_end_it() -> None:
    world = World(
        completions=4, parallelism=4, completionMode="Indexed",
        backoffLimitPerIndex=0, maxFailedIndexes=1, backoffLimit=10,
    )  # fmt: skip
    world.end("Failed", index=1)
    world.settle()
    assert not world.conditions()
    world.end("Failed", index=2)
    world.settle()
    reason = "MaxFailedIndexesExceeded"
    assert world.conditions() == {"FailureTarget": reason, "Failed": reason}


def test_a_pod_failure_policy_ignores_fails_or_counts() -> None:
    rules = [
        {"action": "FailJob", "onExitCodes": {"containerName": "c", "operator": "In", "values": [42]}},
        {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [7]}},
    ]
    world = World(completions=2, parallelism=1, backoffLimit=1, podFailurePolicy={"rules": rules})
    for code in (7, 7, 1):
        world.end("Failed", code=code)
        assert world.settle(timedelta(hours=1))
    assert world.count("failed") == 1
    world.end("Failed", code=42)
    world.settle()
    assert world.conditions() == {"FailureTarget": "PodFailurePolicy", "Failed": "PodFailurePolicy"}
    message = next(each["message"] for each in world.job["status"]["conditions"] if each["type"] == "Failed")
    assert message.endswith("failed with exit code 42 matching FailJob rule at index 0")


def test_a_success_policy_ends_it_early() -> None:
    policy = {"rules": [{"succeededIndexes": "0-1", "succeededCount": 1}]}
    world = World(completions=3, parallelism=3, completionMode="Indexed", successPolicy=policy)
    world.end(index=2)
    world.settle()
    assert not world.conditions()
    world.end(index=1)
    world.settle()
    assert world.conditions() == {"SuccessCriteriaMet": "SuccessPolicy", "Complete": "SuccessPolicy"}
    assert not world.pods()
    assert world.job["status"]["completedIndexes"] == "1,2"


def test_suspension_takes_the_pods_away_and_stops_the_deadline() -> None:
    world = World(completions=3, parallelism=2, activeDeadlineSeconds=100)
    world.change(suspend=True)
    assert not world.pods()
    assert world.conditions() == {"Suspended": "JobSuspended"}
    world.run_for(hours=1)
    world.change(suspend=False)
    assert len(world.pods()) == 2
    assert world.count("failed") == 0
    # What the controller wrote itself, it looked at a second later.
    world.run_for(seconds=99 - BATCH_PERIOD.seconds)
    assert not world.conditions()
    world.run_for(seconds=1)
    assert world.conditions() == {"FailureTarget": "DeadlineExceeded", "Failed": "DeadlineExceeded"}


def test_it_has_not_ended_while_a_pod_is_terminating() -> None:
    world = World(completions=2, parallelism=2, backoffLimit=0)
    running = world.pods()[1]["metadata"]["name"]
    world.bind(running)
    world.end("Failed")
    world.settle()
    assert world.conditions() == {"FailureTarget": "BackoffLimitExceeded"}
    assert world.job["status"]["terminating"] == 1
    world.client.delete("pods", DEFAULT_NAMESPACE, running, grace_seconds=0)
    world.settle()
    assert set(world.conditions()) == {"FailureTarget", "Failed"}
    assert world.job["status"]["terminating"] == 0


def test_less_parallelism_takes_those_that_got_least_far() -> None:
    world = World(completions=5, parallelism=3)
    ready = world.pods()[1]["metadata"]["name"]
    world.make_ready(ready)
    world.change(parallelism=1)
    assert world.names("pods") == {ready}
    assert world.count("failed") == 0


def test_pods_of_a_deleted_job_lose_their_finalizer() -> None:
    world = World(completions=2, parallelism=2)
    world.client.delete("jobs.batch", DEFAULT_NAMESPACE, "work", propagation="Orphan")
    job = world.client.get("jobs.batch", DEFAULT_NAMESPACE, "work")
    if job is not None:
        world.client.patch("jobs.batch", DEFAULT_NAMESPACE, "work", {"metadata": {"finalizers": None}})
    world.settle()
    assert len(world.pods()) == 2
    assert not any(pod["metadata"].get("finalizers") for pod in world.pods())


def test_a_job_of_another_controller_is_left_to_it() -> None:
    """KEP-4368: ``managedBy`` names the controller, and cannot change."""
    world = World(managedBy="example.com/other")
    assert world.pods() == []
    assert world.job["status"] == {}
    patch = {"spec": {"managedBy": "kubernetes.io/job-controller"}}
    code, answer = world.server.request("PATCH", f"{JOBS}/work", patch, "application/merge-patch+json")
    assert (code, answer["details"]["causes"][0]["field"]) == (422, "spec.managedBy")


@pytest.mark.parametrize(("policy", "pods"), [("TerminatingOrFailed", 2), ("Failed", 1)])
def test_the_replacement_policy_decides_when_a_pod_is_replaced(policy: str, pods: int) -> None:
    """KEP-3939: with ``Failed``, a pod on its way out is waited for."""
    world = World(podReplacementPolicy=policy)
    name = world.pods()[0]["metadata"]["name"]
    world.bind(name)
    world.client.delete("pods", DEFAULT_NAMESPACE, name)
    world.settle()
    assert (len(world.pods()), world.count("terminating")) == (pods, 1)
