"""CronJobs: on time, over a change of clocks, with missed times, and what concurrent Jobs may do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.cronjob import CronJobController
from kschedcore.controllers.garbagecollector import GarbageCollector
from kschedcore.controllers.job.controller import BATCH_PERIOD, JobController
from kschedcore.controllers.ttlafterfinished import TTLAfterFinishedController

from . import world as worlds

CRONJOBS = "/apis/batch/v1/namespaces/default/cronjobs"


class World(worlds.World):
    def __init__(self, schedule: str = "* * * * *", start: str = "2026-01-01T00:00:30", **spec: Any) -> None:
        super().__init__([CronJobController, JobController, TTLAfterFinishedController, GarbageCollector])
        self.clock.wait(datetime.fromisoformat(start).replace(tzinfo=UTC))
        self.ready()
        job: dict[str, Any] = spec.pop("job", {})
        template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
        body = {"schedule": schedule, "jobTemplate": {"spec": {"template": template, **job}}, **spec}
        self.send("POST", CRONJOBS, {"metadata": {"name": "tick"}, "spec": body})
        self.ready()

    def jobs(self) -> list[str]:
        """The scheduled times of the existing Jobs, in order."""
        mark = "batch.kubernetes.io/cronjob-scheduled-timestamp"
        jobs = self.informers["jobs.batch"].in_namespace(DEFAULT_NAMESPACE)
        return sorted(job["metadata"]["annotations"][mark] for job in jobs)

    def end_pods(self, phase: str = "Succeeded") -> None:
        for pod in self.informers["pods"].in_namespace(DEFAULT_NAMESPACE):
            if pod["status"]["phase"] == "Pending":
                self.finish(pod["metadata"]["name"], phase)
        self.run_for(seconds=BATCH_PERIOD.seconds)

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("cronjobs.batch", "tick")["status"]
        return found


def test_a_job_starts_at_each_time() -> None:
    world = World("*/2 * * * *")
    assert world.jobs() == []
    world.run_for(minutes=1, seconds=30)
    assert world.jobs() == ["2026-01-01T00:02:00Z"]
    assert world.names("jobs.batch") == {
        f"tick-{int(datetime(2026, 1, 1, 0, 2, tzinfo=UTC).timestamp()) // 60}"
    }
    assert world.status["lastScheduleTime"] == "2026-01-01T00:02:00Z"
    assert len(world.status["active"]) == 1
    world.end_pods()
    assert "active" not in world.status
    assert world.status["lastSuccessfulTime"] == "2026-01-01T00:02:01Z"


def test_over_a_change_of_clocks() -> None:
    world = World("30 2 * * *", "2026-03-27T12:00:00", timeZone="Europe/Berlin")
    world.run_for(days=3)
    assert world.jobs() == ["2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"]


@pytest.mark.parametrize(
    ("policy", "running"),
    [("Allow", ["01", "02", "03"]), ("Forbid", ["01"]), ("Replace", ["03"])],
)
def test_what_happens_while_a_job_runs(policy: str, running: list[str]) -> None:
    world = World(concurrencyPolicy=policy)
    world.run_for(minutes=3)
    assert world.jobs() == [f"2026-01-01T00:{minute}:00Z" for minute in running]
    assert len(world.status["active"]) == len(running)


def test_what_was_forbidden_is_made_up_for_when_the_job_ends() -> None:
    world = World("*/10 * * * *", concurrencyPolicy="Forbid")
    world.run_for(minutes=25)
    world.end_pods()
    assert world.jobs() == ["2026-01-01T00:10:00Z", "2026-01-01T00:20:00Z"]


def test_of_missed_times_only_the_last_is_started() -> None:
    world = World(suspend=True)
    world.run_for(hours=5)
    world.client.patch("cronjobs.batch", DEFAULT_NAMESPACE, "tick", {"spec": {"suspend": False}})
    world.ready()
    assert world.jobs() == ["2026-01-01T05:00:00Z"]
    assert "TooManyMissedTimes" in {event["reason"] for event in world.informers["events"].all()}


def test_what_is_too_late_is_not_started() -> None:
    world = World("0 * * * *", suspend=True, startingDeadlineSeconds=60)
    world.run_for(hours=1, minutes=10)
    world.client.patch("cronjobs.batch", DEFAULT_NAMESPACE, "tick", {"spec": {"suspend": False}})
    world.ready()
    assert world.jobs() == []


def test_history_is_kept_up_to_its_limits() -> None:
    world = World(successfulJobsHistoryLimit=2, failedJobsHistoryLimit=1, job={"backoffLimit": 0})
    for minute in range(6):
        world.run_for(minutes=1)
        world.end_pods("Failed" if minute % 2 else "Succeeded")
    assert world.jobs() == [f"2026-01-01T00:0{minute}:00Z" for minute in (3, 5, 6)]


def test_no_time_is_started_twice_wherever_the_controller_is_stopped() -> None:
    for writes in range(20):
        world = World()
        world.transport.writes_left = writes
        try:
            world.run_for(minutes=1)
            stopped = False
        except worlds.Stopped:
            stopped = True
            for make in (CronJobController, JobController):
                world.restart(make)
            world.ready()
        assert world.jobs() == ["2026-01-01T00:01:00Z"]
        assert len(world.status["active"]) == 1
        if not stopped:
            return
    raise AssertionError("every attempt was stopped")


def test_an_ended_job_goes_when_its_time_is_up() -> None:
    world = World(job={"ttlSecondsAfterFinished": 100})
    world.run_for(minutes=1)
    world.client.patch("cronjobs.batch", DEFAULT_NAMESPACE, "tick", {"spec": {"suspend": True}})
    world.end_pods()
    world.run_for(seconds=99)
    assert len(world.jobs()) == 1
    world.run_for(seconds=1)
    assert world.jobs() == []
    assert world.names("pods") == set()
