"""The scheduler in a cluster: what it binds and writes, when it tries again, and that it may be stopped anywhere."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.controllers import world as worlds

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.types import CLUSTER_SCOPE, DEFAULT_NAMESPACE
from kschedcore.api.versions import DEFAULT, Release, release_of
from kschedcore.client.transport import Request, Response
from kschedcore.controllers.persistentvolume.binder import PersistentVolumeController
from kschedcore.controllers.persistentvolume.provisioner import PersistentVolumeProvisioner
from kschedcore.engine.engine import Engine
from kschedcore.engine.events import Events
from kschedcore.engine.plugin import Assumed, Plugin, Status, Wait
from kschedcore.manifests.manifests import Manifests
from kschedcore.scheduler.loop import Scheduler

PODS = "/api/v1/namespaces/default/pods"


class World(worlds.World):
    def __init__(
        self, config: dict[str, Any] | None = None, *plugins: type[Plugin], release: Release = DEFAULT
    ) -> None:
        super().__init__([PersistentVolumeController, PersistentVolumeProvisioner])
        self._config, self._plugins, self._release = config, plugins, release
        self.settle()
        self.scheduler = self._scheduler()
        self.loop.add("scheduler", self.scheduler)

    def _scheduler(self) -> Scheduler:
        return Scheduler(
            self.context.client,
            self.informers,
            self.clock,
            config=self._config,
            plugins=self._plugins,
            release=self._release,
        )

    def start_again(self) -> None:
        self.scheduler = self._scheduler()
        self.loop.replace("scheduler", lambda: self.scheduler)

    def node(self, name: str, cpu: str = "4", **spec: Any) -> None:
        labels = {"kubernetes.io/hostname": name, **spec.pop("labels", {})}
        self.send("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": labels}, "spec": spec})
        # A new node is tainted as not ready; no controller here removes that taint.
        self.client.patch("nodes", CLUSTER_SCOPE, name, {"spec": {"taints": spec.get("taints")}})
        self.set_capacity(name, cpu)

    def set_capacity(self, name: str, cpu: str) -> None:
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

    def priority_class(self, name: str, value: int, **more: Any) -> None:
        body = {"metadata": {"name": name}, "value": value, **more}
        self.send("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", body)

    def late_class(self, name: str, provisioner: str) -> None:
        body = {
            "metadata": {"name": name},
            "provisioner": provisioner,
            "volumeBindingMode": "WaitForFirstConsumer",
        }
        self.send("POST", "/apis/storage.k8s.io/v1/storageclasses", body)

    def claim(self, name: str, storage_class: str) -> None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        self.send("POST", "/api/v1/namespaces/default/persistentvolumeclaims", {
            "metadata": {"name": name}, "spec": {**spec, "storageClassName": storage_class}
        })  # fmt: skip

    def occupied(self) -> None:
        """A node that an unimportant pod takes most of, and a priority with which to take it away."""
        self.priority_class("high", 9)
        self.pod("victim", cpu="3")
        self.ready()
        self.make_ready("victim")

    def nominated(self, name: str) -> str | None:
        node: str | None = self.get("pods", name)["status"].get("nominatedNodeName")
        return node

    def event_reasons(self, name: str) -> set[str]:
        events = self.informers["events"].all()
        return {each["reason"] for each in events if each["involvedObject"].get("name") == name}


@pytest.fixture
def world() -> World:
    world = World()
    world.node("a")
    world.ready()
    return world


def test_pods_are_bound_the_more_important_first(world: World) -> None:
    world.priority_class("high", 9)
    for name, priority in (("low", {}), ("high", {"priorityClassName": "high"})):
        world.pod(name, cpu="3", **priority)
    world.ready()
    assert (world.node_of("high"), world.node_of("low")) == ("a", None)
    assert world.event_reasons("high") == {"Scheduled"}
    condition = world.condition("low")
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    assert condition["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert world.event_reasons("low") == {"FailedScheduling"}


def test_only_what_may_help_has_a_pod_tried_again(world: World) -> None:
    world.pod("big", cpu="6")
    world.pod("small")
    world.run_for(seconds=30)
    assert world.attempts("big") == 1
    world.client.patch("nodes", CLUSTER_SCOPE, "a", {"metadata": {"labels": {"other": "label"}}})
    world.make_ready("small")
    world.run_for(seconds=30)
    assert world.attempts("big") == 1
    world.client.delete("pods", DEFAULT_NAMESPACE, "small", grace_seconds=0)
    world.run_for(seconds=30)
    assert world.attempts("big") == 2
    world.set_capacity("a", "8")
    world.run_for(seconds=30)
    assert world.node_of("big") == "a"


def test_a_taint_taken_away_and_a_node_opened_help_whom_they_concern(world: World) -> None:
    world.client.patch("nodes", CLUSTER_SCOPE, "a", {"spec": {"unschedulable": True}})
    world.node("b", taints=[{"key": "k", "effect": "NoSchedule"}])
    world.pod("one")
    world.run_for(minutes=1)
    before = world.attempts("one")
    world.client.patch(
        "nodes", CLUSTER_SCOPE, "b", {"spec": {"taints": [{"key": "other", "effect": "NoSchedule"}]}}
    )
    world.run_for(minutes=1)
    assert world.attempts("one") == before
    world.client.patch("nodes", CLUSTER_SCOPE, "a", {"spec": {"unschedulable": None}})
    world.run_for(minutes=1)
    assert world.node_of("one") == "a"


def test_a_pod_for_a_missing_node_is_retried_when_the_node_is_added() -> None:
    world = World()
    world.node("a")
    field = {"key": "metadata.name", "operator": "In", "values": ["x"]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    world.pod("p", affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}})
    world.run_for(minutes=1)
    assert world.scheduler.pending[0].plugins == {"NodeAffinity"}
    before = world.attempts("p")
    world.node("b")
    world.run_for(minutes=1)
    assert world.attempts("p") == before == 1
    world.node("x")
    world.run_for(minutes=1)
    assert world.node_of("p") == "x"


@pytest.mark.parametrize(
    ("config", "expected"),
    [({}, [1, 2, 4, 8, 10, 10]), ({"podInitialBackoffSeconds": 5, "podMaxBackoffSeconds": 7}, [5, 7, 7])],
)
def test_tries_are_further_and_further_apart_and_never_more_than_minutes(
    config: dict[str, Any], expected: list[int]
) -> None:
    head = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
    world = World({**head, **config}, release=release_of("1.36", {"SchedulerPopFromBackoffQ": False}))
    world.node("a")
    world.pod("there", cpu="4")
    world.settle()
    world.pod("big", cpu="6")
    world.ready()
    tried: list[datetime] = []
    for second in range(60):
        [queued] = world.scheduler.pending
        assert queued.tried is not None
        if queued.tried not in tried:
            tried.append(queued.tried)
        # Every second the node has a little more capacity, though not enough.
        world.set_capacity("a", f"{8000 + second}m")
        world.run_for(seconds=1)
    gaps = [round((after - before).total_seconds()) for before, after in pairwise(tried)]
    assert gaps[: len(expected)] == expected
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
    world.client.patch("pods", DEFAULT_NAMESPACE, "gated", {"spec": {"schedulingGates": None}})
    world.ready()
    assert world.node_of("gated") == "a"


def test_preemption_evicts_and_waits_for_the_resources(world: World) -> None:
    world.occupied()
    world.pod("urgent", cpu="3", priorityClassName="high")
    world.ready()
    assert world.get("pods", "urgent")["status"]["nominatedNodeName"] == "a"
    victim = world.get("pods", "victim")
    assert victim["metadata"]["deletionTimestamp"]
    reasons = {each["type"]: each.get("reason") for each in victim["status"]["conditions"]}
    assert reasons["DisruptionTarget"] == "PreemptionByScheduler"
    assert "Preempted" in world.event_reasons("victim")
    assert world.node_of("urgent") is None
    world.pod("late", cpu="1200m")
    world.run_for(seconds=5)
    world.client.delete("pods", DEFAULT_NAMESPACE, "victim", grace_seconds=0)
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
    world.client.delete("pods", DEFAULT_NAMESPACE, "one")
    world.pod("one", cpu="1")
    world.ready()
    assert world.node_of("one") == "a"
    assert world.scheduler.pending == []


def test_a_pod_that_another_client_bound_is_accounted(world: World) -> None:
    world.node("b")
    world.pod("one", cpu="3", nodeName="a")
    world.pod("two", cpu="3")
    world.ready()
    assert world.node_of("two") == "b"


def test_a_node_that_comes_back_has_its_pods(world: World) -> None:
    world.pod("one", cpu="3")
    world.ready()
    world.client.delete("nodes", CLUSTER_SCOPE, "a")
    world.ready()
    world.node("a")
    world.pod("two", cpu="3")
    world.ready()
    assert world.node_of("two") is None


def test_volumes_are_bound_before_the_pod() -> None:
    world = World()
    world.node("a", labels={"topology.kubernetes.io/zone": "z"})
    world.late_class("fast", "disk.example.com")
    world.claim("data", "fast")
    world.pod("db", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    world.run_for(seconds=30)
    assert world.node_of("db") == "a"
    found = world.get("persistentvolumeclaims", "data")
    assert found["status"]["phase"] == "Bound"
    assert found["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == "a"
    assert "FailedScheduling" not in world.event_reasons("db")


def test_stopped_after_any_write_it_goes_on_where_it_was() -> None:
    for writes in range(60):
        world = World()
        for name in ("a", "b"):
            world.node(name)
        for number in range(5):
            world.pod(f"pod-{number}", cpu="1500m")
        world.transport.writes_left = writes
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


def test_a_pod_with_an_assumed_claim_is_unschedulable_and_retried_when_it_may_fit(
    world: World,
) -> None:
    world.late_class("local", "kubernetes.io/no-provisioner")
    world.claim("data", "local")
    promise = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "a"}}}
    world.client.patch("persistentvolumeclaims", DEFAULT_NAMESPACE, "data", promise)
    world.pod("full", cpu="3")
    world.pod("db", cpu="3", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
    world.run_for(seconds=30)
    assert world.condition("db")["reason"] == "Unschedulable"
    assert "FailedScheduling" in world.event_reasons("db")
    before = world.attempts("db")
    world.client.delete("pods", DEFAULT_NAMESPACE, "full", grace_seconds=0)
    world.run_for(seconds=30)
    assert world.attempts("db") > before


def test_a_nomination_is_taken_back_when_no_node_can_be_helped_any_more(world: World) -> None:
    world.occupied()
    world.pod("urgent", cpu="3", priorityClassName="high")
    world.ready()
    assert world.nominated("urgent") == "a"
    world.set_capacity("a", "1")
    world.client.delete("pods", DEFAULT_NAMESPACE, "victim", grace_seconds=0)
    world.run_for(seconds=30)
    assert world.node_of("urgent") is None
    assert world.nominated("urgent") is None
    # Capacity without a nominated pod is available to every pod.
    world.pod("small", cpu="1")
    world.ready()
    assert world.node_of("small") == "a"


def test_a_nomination_stands_as_long_as_its_victims_are_leaving(world: World) -> None:
    world.occupied()
    world.pod("urgent", cpu="3", priorityClassName="high")
    world.run_for(minutes=6)
    assert world.attempts("urgent") > 1
    assert world.nominated("urgent") == "a"


def test_a_more_important_pod_takes_the_nomination_of_another(world: World) -> None:
    world.priority_class("high", 9)
    world.priority_class("highest", 99)
    world.pod("victim", cpu="3")
    world.ready()
    world.make_ready("victim")
    world.pod("urgent", cpu="3", priorityClassName="high")
    world.ready()
    world.pod("vital", cpu="3", priorityClassName="highest")
    world.ready()
    assert (world.nominated("urgent"), world.nominated("vital")) == (None, "a")


def test_a_victim_that_was_marked_is_not_marked_again(world: World) -> None:
    world.occupied()
    stopped_between = False
    world.pod("urgent", cpu="3", priorityClassName="high")
    for _ in range(4):
        world.transport.writes_left = 1
        try:
            world.run_for(seconds=1)
        except worlds.Stopped:
            victim = world.get("pods", "victim")
            marks = [each for each in victim["status"]["conditions"] if each["type"] == "DisruptionTarget"]
            assert len(marks) <= 1
            stopped_between |= bool(marks) and "deletionTimestamp" not in victim["metadata"]
            world.start_again()
    assert stopped_between
    assert world.get("pods", "victim")["metadata"]["deletionTimestamp"]


def test_pods_without_claims_are_decided_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    schedule = world.scheduler.engine.schedule_unreserved

    def counting(pods: Any, **options: Any) -> Any:
        given = list(pods)
        sizes.append(len(given))
        return schedule(given, **options)

    monkeypatch.setattr(world.scheduler.engine, "schedule_unreserved", counting)
    for number in range(7):
        # Every one of them has its token in a volume.
        world.pod(f"pod-{number}", cpu="100m")
    world.ready()
    assert world.get("pods", "pod-0")["spec"]["volumes"]
    assert sizes == [7]
    assert [world.event_reasons(f"pod-{number}") for number in range(7)] == [{"Scheduled"}] * 7


def refuse_once(monkeypatch: pytest.MonkeyPatch, world: World, ending: str, code: int, message: str) -> None:
    """Have the API server refuse the next write to a path that ends so."""
    send, refusals = world.transport.send, iter([code])

    def refusing(request: Request) -> Response:
        if request.method != "GET" and request.target.endswith(ending) and next(refusals, None):
            return Response(code, {"kind": "Status", "code": code, "reason": "", "message": message})
        return send(request)

    monkeypatch.setattr(world.transport, "send", refusing)


def test_a_rejected_binding_is_reported_and_retried(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_once(monkeypatch, world, "/binding", 503, "too busy")
    world.pod("one", cpu="3")
    world.ready()
    condition = world.condition("one")
    assert (condition["reason"], condition["message"]) == (
        "SchedulerError",
        'running Bind plugin "DefaultBinder": too busy',
    )
    assert world.scheduler.engine.utilisation() == Engine(snapshot(world)).utilisation()
    world.run_for(seconds=2)
    assert world.node_of("one") == "a"


def test_a_status_that_cannot_be_written_costs_a_try(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_once(monkeypatch, world, "/big/status", 409, "changed meanwhile")
    world.pod("big", cpu="6")
    world.run_for(seconds=5)
    assert world.condition("big")["reason"] == "Unschedulable"
    assert world.attempts("big") == 2


class Gang(Plugin):
    """Holds pods for ten seconds; one called ``last`` is let through."""

    name, points = "Gang", frozenset({"permit"})

    def events(self) -> Events:
        """Register none: a pod that was rejected stays so."""
        return {}

    def permit(self, assumed: Assumed) -> Status | Wait | None:
        return None if assumed.pod.metadata.name == "last" else Wait(10)


@pytest.fixture
def gang() -> World:
    world = World({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": {"permit": {"enabled": [{"name": "Gang"}]}}}],
    }, Gang)  # fmt: skip
    world.node("a")
    world.ready()
    return world


def test_a_pod_that_waits_in_permit_for_too_long_releases_its_resources(gang: World) -> None:
    gang.pod("first", cpu="3")
    gang.run_for(seconds=9)
    assert list(gang.scheduler.waiting) == [("default", "first")]
    gang.run_for(seconds=1.5)
    why = "rejected due to timeout after waiting 10s at plugin Gang"
    condition = gang.condition("first")
    assert condition["reason"] == "Unschedulable"
    assert condition["message"] == f"0/1 nodes are available: 1 {why}."
    assert gang.scheduler.engine.utilisation()["cpu"]["requested"] == 0
    gang.pod("last", cpu="3")
    gang.ready()
    assert gang.node_of("last") == "a"


def test_a_pod_that_permit_lets_go_is_bound_in_the_same_moment(gang: World) -> None:
    gang.pod("first", cpu="1")
    gang.ready()
    assert gang.node_of("first") is None
    gang.scheduler.waiting["default", "first"].allow("Gang")
    gang.ready()
    assert gang.node_of("first") == "a"
    assert gang.event_reasons("first") == {"Scheduled"}


def test_a_waiting_pod_that_is_deleted_or_preempted_releases_its_resources(gang: World) -> None:
    gang.priority_class("high", 9)
    gang.pod("first", cpu="3")
    gang.ready()
    gang.client.delete("pods", DEFAULT_NAMESPACE, "first", grace_seconds=0)
    gang.pod("first", cpu="3")
    gang.ready()
    assert list(gang.scheduler.waiting) == [("default", "first")]
    gang.pod("last", cpu="3", priorityClassName="high")
    gang.run_for(seconds=5)
    assert gang.node_of("last") == "a"
    # It is sent back, not deleted: it never ran.
    assert gang.event_reasons("first") >= {"Preempted", "FailedScheduling"}
    assert "deletionTimestamp" not in gang.get("pods", "first")["metadata"]


def test_an_actuated_resize_frees_resources(world: World) -> None:
    world.pod("wide", cpu="1")
    world.ready()

    def runs_with(cpu: str) -> None:
        pod = world.get("pods", "wide")
        container = {"name": "c", "image": "i", "imageID": "", "ready": True, "restartCount": 0}
        granted = {"resources": {"requests": {"cpu": cpu}}, "allocatedResources": {"cpu": cpu}}
        status = {**pod["status"], "phase": "Running", "containerStatuses": [{**container, **granted}]}
        world.client.update_status({**pod, "status": status}, "pods")

    runs_with("3")
    world.pod("next", cpu="2")
    world.run_for(seconds=20)
    assert world.node_of("next") is None
    runs_with("1")
    world.run_for(seconds=20)
    assert world.node_of("next") == "a"


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from([
            "pod", "big pod", "urgent pod", "delete", "kill", "end", "node away", "node", "taint", "wait", "restart"
        ]),
        st.integers(0, 4),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=40)
@given(ACTIONS)
def test_after_any_history_the_engine_equals_the_api(actions: list[tuple[str, int]]) -> None:
    world = World()
    world.priority_class("high", 9)
    for name in ("node-0", "node-1"):
        world.node(name)
    for action, number in actions:
        act(world, action, number)
        assert_accounts(world)
    world.run_for(minutes=6)
    assert_accounts(world)
    assert {each.pod.metadata.name for each in world.scheduler.pending} == {
        name for name in world.names("pods") if is_waiting(world.get("pods", name))
    }


def is_waiting(pod: dict[str, Any]) -> bool:
    ended = pod["status"].get("phase") in ("Succeeded", "Failed")
    return not (pod["spec"].get("nodeName") or ended or "deletionTimestamp" in pod["metadata"])


def act(world: World, action: str, number: int) -> None:
    pod, node = f"pod-{number}", f"node-{number}"
    there = pod in world.names("pods")
    match action:
        case "pod" | "big pod" | "urgent pod" if not there:
            cpu = "3" if action == "big pod" else "1500m"
            world.pod(pod, cpu=cpu, **({"priorityClassName": "high"} if action == "urgent pod" else {}))
        case "delete" | "kill" if there:
            world.client.delete("pods", DEFAULT_NAMESPACE, pod, grace_seconds=0 if action == "kill" else None)
        case "end" if there and world.node_of(pod):
            world.finish(pod)
        case "node away":
            world.client.delete("nodes", CLUSTER_SCOPE, node)
        case "node" if world.client.get("nodes", CLUSTER_SCOPE, node) is None:
            world.node(node)
        case "taint" if world.client.get("nodes", CLUSTER_SCOPE, node) is not None:
            taint = {"key": "k", "effect": "NoSchedule"}
            world.client.patch("nodes", CLUSTER_SCOPE, node, {"spec": {"taints": [taint]}})
        case "wait":
            world.run_for(seconds=number)
        case "restart":
            world.start_again()
    world.ready()


def assert_accounts(world: World) -> None:
    """The engine has accounted what the API says is bound."""
    assert world.scheduler.engine.utilisation() == Engine(snapshot(world)).utilisation()


def snapshot(world: World) -> Manifests:
    return Manifests.from_objects(
        plain(each) for resource in ("nodes", "pods") for each in world.informers[resource].all()
    )
