"""The scheduler in a cluster: what it binds and writes, when it tries again, and that it may be stopped anywhere."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from tests.controllers import world as worlds

from kschedcore.api.manifests import Manifests
from kschedcore.controllers.persistentvolume import PersistentVolumeController
from kschedcore.controllers.persistentvolumeprovisioner import PersistentVolumeProvisioner
from kschedcore.scheduling.engine import Engine
from kschedcore.scheduling.loop import Scheduler
from kschedcore.store.objects import plain

PODS = "/api/v1/namespaces/default/pods"
CLASS = {"metadata": {"name": "high"}, "value": 9}


class World(worlds.World):
    def __init__(self, config: dict[str, Any] | None = None) -> None:
        super().__init__([PersistentVolumeController, PersistentVolumeProvisioner])
        self._config = config
        self.settle()
        self.scheduler = self._scheduler()
        self.loop.add("scheduler", self.scheduler)

    def _scheduler(self) -> Scheduler:
        return Scheduler(self.context.client, self.informers, self.clock, config=self._config)

    def start_again(self) -> None:
        self.scheduler = self._scheduler()
        self.loop.replace("scheduler", lambda: self.scheduler)

    def node(self, name: str, cpu: str = "4", **spec: Any) -> None:
        labels = {"kubernetes.io/hostname": name, **spec.pop("labels", {})}
        self.send("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": labels}, "spec": spec})
        # A new node is tainted as not ready; nobody here would take that back.
        self.client.patch("nodes", "", name, {"spec": {"taints": spec.get("taints")}})
        self.room(name, cpu)

    def room(self, name: str, cpu: str) -> None:
        node = self.get("nodes", name, "")
        amounts = {"cpu": cpu, "memory": "8Gi", "pods": "110"}
        node["status"] = {**node.get("status", {}), "allocatable": amounts, "capacity": amounts}
        self.client.update_status(node, "nodes")

    def pod(self, name: str, cpu: str = "1", **spec: Any) -> None:
        container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
        body = {
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [container], **spec},
        }
        self.send("POST", PODS, body)

    def node_of(self, name: str) -> str | None:
        node: str | None = self.get("pods", name)["spec"].get("nodeName")
        return node

    def condition(self, name: str) -> dict[str, Any]:
        conditions = self.get("pods", name)["status"].get("conditions", ())
        found: dict[str, Any] = next(each for each in conditions if each["type"] == "PodScheduled")
        return found

    def attempts(self, name: str) -> int:
        found = self.scheduler.pending
        return next(each.attempts for each in found if each.pod.metadata.name == name)

    def told(self, name: str) -> set[str]:
        events = self.informers["events"].all()
        return {each["reason"] for each in events if each["involvedObject"].get("name") == name}


@pytest.fixture
def world() -> World:
    world = World()
    world.node("a")
    world.ready()
    return world


def test_pods_are_bound_the_more_important_first(world: World) -> None:
    world.send(
        "POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": "high"}, "value": 9}
    )
    for name, priority in (("low", {}), ("high", {"priorityClassName": "high"})):
        world.pod(name, cpu="3", **priority)
    world.ready()
    assert (world.node_of("high"), world.node_of("low")) == ("a", None)
    assert world.told("high") == {"Scheduled"}
    condition = world.condition("low")
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    assert condition["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert world.told("low") == {"FailedScheduling"}


def test_only_what_may_help_has_a_pod_tried_again(world: World) -> None:
    world.pod("big", cpu="6")
    world.pod("small")
    world.run_for(seconds=30)
    assert world.attempts("big") == 1
    world.client.patch("nodes", "", "a", {"metadata": {"labels": {"other": "label"}}})
    world.make_ready("small")
    world.run_for(seconds=30)
    assert world.attempts("big") == 1
    world.client.delete("pods", "default", "small", grace_seconds=0)
    world.run_for(seconds=30)
    assert world.attempts("big") == 2
    world.room("a", "8")
    world.run_for(seconds=30)
    assert world.node_of("big") == "a"


def test_a_taint_taken_away_and_a_node_opened_help_whom_they_concern(world: World) -> None:
    world.client.patch("nodes", "", "a", {"spec": {"unschedulable": True}})
    world.node("b", taints=[{"key": "k", "effect": "NoSchedule"}])
    world.pod("one")
    world.run_for(minutes=1)
    before = world.attempts("one")
    world.client.patch("nodes", "", "b", {"spec": {"taints": [{"key": "other", "effect": "NoSchedule"}]}})
    world.run_for(minutes=1)
    assert world.attempts("one") == before
    world.client.patch("nodes", "", "a", {"spec": {"unschedulable": None}})
    world.run_for(minutes=1)
    assert world.node_of("one") == "a"


def test_tries_are_further_and_further_apart_and_never_more_than_minutes(world: World) -> None:
    world.pod("big", cpu="6")
    world.ready()
    tried: list[datetime] = []
    for second in range(60):
        [queued] = world.scheduler.pending
        assert queued.tried is not None
        if queued.tried not in tried:
            tried.append(queued.tried)
        # Every second there is a little more room, though not enough.
        world.room("a", f"{4000 + second}m")
        world.run_for(seconds=1)
    gaps = [round((after - before).total_seconds()) for before, after in pairwise(tried)]
    assert gaps[:6] == [1, 2, 4, 8, 10, 10]
    before = world.attempts("big")
    world.run_for(minutes=4)
    assert world.attempts("big") <= before + 1
    world.run_for(minutes=2)
    assert world.attempts("big") > before


def test_gates_hold_a_pod_back(world: World) -> None:
    world.pod("gated", schedulingGates=[{"name": "example.com/ready"}])
    world.run_for(minutes=1)
    assert world.node_of("gated") is None
    assert world.condition("gated")["reason"] == "SchedulingGated"
    world.client.patch("pods", "default", "gated", {"spec": {"schedulingGates": None}})
    world.ready()
    assert world.node_of("gated") == "a"


def test_preemption_makes_room_and_waits_for_it(world: World) -> None:
    world.send(
        "POST", "/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": "high"}, "value": 9}
    )
    world.pod("victim", cpu="3")
    world.ready()
    world.make_ready("victim")
    world.pod("urgent", cpu="3", priorityClassName="high")
    world.ready()
    assert world.get("pods", "urgent")["status"]["nominatedNodeName"] == "a"
    victim = world.get("pods", "victim")
    assert victim["metadata"]["deletionTimestamp"]
    reasons = {each["type"]: each.get("reason") for each in victim["status"]["conditions"]}
    assert reasons["DisruptionTarget"] == "PreemptionByScheduler"
    assert "Preempted" in world.told("victim")
    assert world.node_of("urgent") is None
    world.pod("late", cpu="1200m")
    world.run_for(seconds=5)
    world.client.delete("pods", "default", "victim", grace_seconds=0)
    world.run_for(seconds=20)
    assert world.node_of("urgent") == "a"
    assert world.node_of("late") is None


def test_other_schedulers_pods_are_left_alone_and_profiles_are_ones_own() -> None:
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"schedulerName": "default-scheduler"}, {"schedulerName": "second"}],
    }
    world = World(config)
    world.node("a")
    for name in ("second", "stranger"):
        world.pod(name, schedulerName=name)
    world.run_for(minutes=1)
    assert (world.node_of("second"), world.node_of("stranger")) == ("a", None)


def test_a_pod_recreated_under_its_name_is_another_pod(world: World) -> None:
    world.pod("one", cpu="6")
    world.ready()
    world.client.delete("pods", "default", "one")
    world.pod("one", cpu="1")
    world.ready()
    assert world.node_of("one") == "a"
    assert world.scheduler.pending == []


def test_a_pod_that_somebody_else_bound_is_accounted(world: World) -> None:
    world.node("b")
    world.pod("one", cpu="3", nodeName="a")
    world.pod("two", cpu="3")
    world.ready()
    assert world.node_of("two") == "b"


def test_a_node_that_comes_back_has_its_pods(world: World) -> None:
    world.pod("one", cpu="3")
    world.ready()
    world.client.delete("nodes", "", "a")
    world.ready()
    world.node("a")
    world.pod("two", cpu="3")
    world.ready()
    assert world.node_of("two") is None


def test_volumes_are_bound_before_the_pod() -> None:
    world = World()
    world.node("a", labels={"topology.kubernetes.io/zone": "z"})
    body = {"metadata": {"name": "fast"}, "provisioner": "disk.example.com"}
    world.send(
        "POST",
        "/apis/storage.k8s.io/v1/storageclasses",
        {**body, "volumeBindingMode": "WaitForFirstConsumer"},
    )
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    path = "/api/v1/namespaces/default/persistentvolumeclaims"
    world.send("POST", path, {"metadata": {"name": "data"}, "spec": {**claim, "storageClassName": "fast"}})
    world.pod("db", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    world.run_for(seconds=30)
    assert world.node_of("db") == "a"
    found = world.get("persistentvolumeclaims", "data")
    assert found["status"]["phase"] == "Bound"
    assert found["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == "a"
    assert "FailedScheduling" not in world.told("db")


def test_stopped_after_any_write_it_goes_on_where_it_was() -> None:
    for writes in range(60):
        world = World()
        for name in ("a", "b"):
            world.node(name)
        for number in range(5):
            world.pod(f"pod-{number}", cpu="1500m")
        world.door.writes_left = writes
        try:
            world.run_for(seconds=30)
            stopped = False
        except worlds.Stopped:
            stopped = True
            world.start_again()
            world.run_for(seconds=30)
        bound = [world.node_of(f"pod-{number}") for number in range(5)]
        assert sorted(map(str, bound)) == ["None", "a", "a", "b", "b"]
        assert_accounts(world)
        if not stopped:
            assert writes > 5
            return
    raise AssertionError("every attempt was stopped")


def assert_accounts(world: World) -> None:
    """The engine has accounted what the API says is bound."""
    objects = [plain(each) for resource in ("nodes", "pods") for each in world.informers[resource].all()]
    fresh = Engine(Manifests.from_objects(objects))
    assert world.scheduler.engine.utilisation() == fresh.utilisation()
