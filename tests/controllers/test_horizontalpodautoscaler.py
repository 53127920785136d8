"""Autoscaling by usage: how many replicas, how fast, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from kschedcore.controllers.horizontalpodautoscaler.controller import HorizontalPodAutoscalerController
from kschedcore.controllers.replicaset import ReplicaSetController

from . import world as worlds

SETS = "/apis/apps/v1/namespaces/default/replicasets"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
LABELS = {"app": "web"}


class Load:
    """The usage of pods: each, in total and shared among them, or unknown."""

    def __init__(self) -> None:
        self.each: int | None = 100
        self.unknown: set[str] = set()

    def usage(self, pod: dict[str, Any], container: str = "") -> Mapping[str, int] | None:
        if self.each is None or pod["metadata"]["name"] in self.unknown:
            return None
        return {"cpu": self.each if container in ("", "c") else 0, "memory": 2**20}


class World(worlds.World):
    def __init__(self, replicas: int = 2, *, requests: bool = True, **spec: Any) -> None:
        self.load = Load()
        super().__init__([ReplicaSetController, partial(HorizontalPodAutoscalerController, usage=self.load)])
        self.settle()
        resources = {"requests": {"cpu": "100m"}} if requests else {}
        container = {"name": "c", "image": "i", "resources": resources}
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
        body = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
        self.send("POST", SETS, {"metadata": {"name": "web"}, "spec": body})
        self.ready_pods()
        target = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web"}
        metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
        body = {
            "scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 10,
            "metrics": [{"type": "Resource", "resource": metric}], **spec,
        }  # fmt: skip
        self.send("POST", AUTOSCALERS, {"metadata": {"name": "web"}, "spec": body})
        # The controller first looks at an autoscaler after a whole period.
        self.run_for(seconds=15)

    def ready_pods(self) -> None:
        self.ready()
        for name in self.names("pods"):
            pod = self.get("pods", name)
            if pod["status"]["phase"] == "Pending":
                self.make_ready(name)
                status = {**self.get("pods", name)["status"], "startTime": "2026-01-01T00:00:00Z"}
                self.client.update_status({**self.get("pods", name), "status": status}, "pods")
        self.ready()

    def tick(self, times: int = 1) -> list[int]:
        """The number of replicas after each period, all of them ready."""
        found = []
        for _ in range(times):
            self.run_for(seconds=15)
            self.ready_pods()
            found.append(self.replicas)
        return found

    @property
    def replicas(self) -> int:
        return int(self.get("replicasets.apps", "web")["spec"]["replicas"])

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("horizontalpodautoscalers.autoscaling", "web")["status"]
        return found

    def reasons(self) -> dict[str, str]:
        return {each["type"]: each["reason"] for each in self.status["conditions"]}


def test_it_scales_by_usage_in_relation_to_requests() -> None:
    world = World(replicas=2)
    assert world.replicas == 4
    [metric] = world.status["currentMetrics"]
    assert metric["resource"]["current"] == {"averageValue": "100m", "averageUtilization": 100}
    assert world.reasons() == {
        "AbleToScale": "SucceededRescale",
        "ScalingActive": "ValidMetricFound",
        "ScalingLimited": "DesiredWithinRange",
    }
    world.load.each = 50
    world.ready_pods()
    assert world.tick(3) == [4, 4, 4]
    assert world.reasons()["AbleToScale"] == "ReadyForNewScale"
    events = {event["message"] for event in world.informers["events"].all()}
    assert "New size: 4; reason: cpu resource utilization (percentage of request) above target" in events


def test_it_goes_up_no_faster_than_twice_in_fifteen_seconds_and_no_further_than_allowed() -> None:
    world = World(replicas=1, maxReplicas=14)
    world.load.each = 1000
    world.ready_pods()
    assert [world.replicas, *world.tick(4)] == [2, 4, 8, 14, 14]
    assert world.reasons()["ScalingLimited"] == "TooManyReplicas"


def test_it_scales_down_only_after_five_minutes_without_a_higher_recommendation() -> None:
    world = World(replicas=4)
    world.load.each = 10
    world.ready_pods()
    assert set(world.tick(18)) == {8}
    assert world.reasons()["AbleToScale"] == "ScaleDownStabilized"
    assert world.tick(3)[-1] == 2


def test_the_initial_replicas_count_as_a_recommendation() -> None:
    """A restarted controller, like one with a new autoscaler, does not scale down before the window is over."""
    world = World(replicas=10)
    world.load.each = 10
    assert world.tick(10) == [10] * 10
    world.restart(partial(HorizontalPodAutoscalerController, usage=world.load))
    assert world.tick(19) == [10] * 19
    assert world.reasons()["AbleToScale"] == "ScaleDownStabilized"
    assert world.tick(2)[-1] == 2


def test_a_deleted_autoscaler_is_forgotten_with_its_recommendations() -> None:
    world = World(replicas=10)
    world.load.each = 10
    assert world.tick(10) == [10] * 10
    autoscaler = world.get("horizontalpodautoscalers.autoscaling", "web")
    world.send("DELETE", f"{AUTOSCALERS}/web")
    world.tick()
    world.send("POST", AUTOSCALERS, {"metadata": {"name": "web"}, "spec": autoscaler["spec"]})
    assert world.tick(19) == [10] * 19
    assert world.tick(2)[-1] == 2


def test_small_differences_are_tolerated() -> None:
    world = World(replicas=10)
    world.load.each = 54
    assert world.tick(2) == [10, 10]
    world = World(replicas=5, maxReplicas=20)
    world.load.each = 56
    assert world.tick(1)[0] > 5


def test_policies_limit_how_fast_it_goes() -> None:
    behavior = {
        "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]},
        "scaleDown": {"selectPolicy": "Disabled"},
    }
    world = World(replicas=2, behavior=behavior)
    assert [world.replicas, *world.tick(5)] == [3, 3, 3, 3, 4, 4]
    assert world.reasons()["ScalingLimited"] == "ScaleUpLimit"
    world.load.each = 1
    world.tick(40)
    assert world.replicas >= 4


def test_pods_of_which_nothing_is_known_damp_the_change() -> None:
    world = World(replicas=4)
    world.load.each = 10
    world.load.unknown = set(sorted(world.names("pods"))[:2])
    # Four pods would do with one; the two unknown ones may be using all they may.
    world.tick(25)
    assert world.replicas > 1


def test_pods_that_start_count_as_idle() -> None:
    world = World(replicas=2)
    assert world.replicas == 4
    # The two new pods are pending: whether the load is shared by four is not known yet.
    world.run_for(seconds=15)
    assert world.replicas == 4


def test_without_requests_there_is_no_utilization() -> None:
    world = World(requests=False)
    assert world.replicas == 2
    assert world.reasons()["ScalingActive"] == "FailedGetResourceMetric"
    [condition] = [c for c in world.status["conditions"] if c["type"] == "ScalingActive"]
    assert "missing request for cpu in container c of Pod web-" in condition["message"]


def test_average_values_and_containers() -> None:
    target = {"type": "AverageValue", "averageValue": "25m"}
    metric = {
        "type": "ContainerResource",
        "containerResource": {"name": "cpu", "container": "c", "target": target},
    }
    world = World(replicas=1, metrics=[metric], maxReplicas=4)
    assert world.replicas == 4


def test_a_target_without_replicas_is_not_scaled() -> None:
    world = World(replicas=0)
    assert world.replicas == 0
    assert world.reasons()["ScalingActive"] == "ScalingDisabled"


def test_a_missing_target_is_reported() -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "missing"}
    world = World(scaleTargetRef=target)
    assert world.reasons() == {"AbleToScale": "FailedGetScale"}


def test_outside_its_bounds_it_goes_to_the_nearer_one() -> None:
    assert World(replicas=12).replicas == 10
    assert World(replicas=1, minReplicas=3).replicas == 3


def test_two_autoscalers_of_the_same_pods_are_ambiguous() -> None:
    world = World()
    target = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web"}
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    spec = {
        "scaleTargetRef": target,
        "maxReplicas": 10,
        "metrics": [{"type": "Resource", "resource": metric}],
    }
    world.send("POST", AUTOSCALERS, {"metadata": {"name": "other"}, "spec": spec})
    world.load.each = 100
    before = world.get("replicasets.apps", "web")["spec"]["replicas"]
    world.run_for(seconds=60)
    assert world.get("replicasets.apps", "web")["spec"]["replicas"] == before
    for name in ("web", "other"):
        conditions = world.get("horizontalpodautoscalers.autoscaling", name)["status"]["conditions"]
        [active] = [each for each in conditions if each["type"] == "ScalingActive"]
        assert (active["status"], active["reason"]) == ("False", "AmbiguousSelector")


def test_a_tolerance_of_its_own_counts_in_its_direction() -> None:
    world = World(behavior={"scaleUp": {"tolerance": "1500m"}})
    world.load.each = 120
    world.run_for(seconds=60)
    assert world.get("replicasets.apps", "web")["spec"]["replicas"] == 2
    world.load.each = 130
    world.run_for(seconds=60)
    assert world.get("replicasets.apps", "web")["spec"]["replicas"] > 2
