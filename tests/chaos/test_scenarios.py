"""Known faults of such systems, each as a scenario under which every invariant holds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.chaos.requests import DEPLOYMENTS, NODES, PODS, QUOTAS, SIZE, pod, spec

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE, Object
from kschedcore.chaos.faults import WriteFault
from kschedcore.chaos.histories import (
    Cut,
    Delay,
    FailNode,
    Fault,
    Repair,
    Request,
    Restart,
    RestartProcess,
    Rounds,
    Run,
    Step,
)
from kschedcore.chaos.runner import Execution
from kschedcore.cluster.controlplane import AGENTS, CONTROLLER_MANAGER, SCHEDULER
from kschedcore.nodes.runtimes.behaviours import ANNOTATION
from kschedcore.scheduler.loop import Scheduler

ZONE = "topology.kubernetes.io/zone"


def node(name: str, zone: str = "a", size: Object = SIZE) -> Step:
    metadata = {"name": name, "labels": {ZONE: zone}}
    return Request("POST", NODES, {"metadata": metadata, "status": {"capacity": size, "allocatable": size}})


def deployment(replicas: int, surge: int | str, unavailable: int | str, **fields: Any) -> Step:
    labels = {"app": "web"}
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    body = {
        "replicas": replicas,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": spec("100m", **fields)},
    }
    return Request("POST", DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": body})


def roll_to(image: str) -> Step:
    change = {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}
    return Request("PATCH", f"{DEPLOYMENTS}/web", {"spec": change})


def priority(name: str, level: int) -> Step:
    body = {"metadata": {"name": name}, "value": level}
    return Request("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", body)


def delete(path: str) -> Step:
    return Request("DELETE", path)


class Scenario:
    """A scenario that is executed step by step and observed in between."""

    def __init__(self, *steps: Step) -> None:
        self.execution = Execution(1)
        self.execution.start()
        self.cluster = self.execution.cluster
        self.apply(*steps)

    def apply(self, *steps: Step) -> None:
        for step in steps:
            self.execution.apply(step)

    def end(self) -> None:
        self.execution.settle()

    def pods(self) -> dict[str, Object]:
        return {
            pod["metadata"]["name"]: pod for pod in self.cluster.server.store.list("pods", DEFAULT_NAMESPACE)
        }

    def nodes_of(self, *names: str) -> list[str | None]:
        return [self.pods()[name]["spec"].get("nodeName") for name in names]

    def phases(self) -> Counter[str]:
        return Counter(pod["status"]["phase"] for pod in self.pods().values())


def test_a_watch_event_missed_across_a_restart() -> None:
    """A restarted process sees what happened while it was down and its watches were closed."""
    scenario = Scenario(node("node-1"), pod("old", "1500m"), Run(10), pod("next", "1500m"), Run(10))
    assert scenario.nodes_of("next") == [None]
    scenario.apply(
        Delay(SCHEDULER, 60), Delay(AGENTS, 60), delete(f"{PODS}/old"),
        Fault(SCHEDULER, WriteFault.STOPPED_BEFORE), RestartProcess(SCHEDULER), Cut(AGENTS), Run(30),
    )  # fmt: skip
    assert scenario.nodes_of("next") == ["node-1"]
    scenario.end()


def test_a_new_node_has_the_name_of_a_deleted_node_with_pods() -> None:
    """Pods of a deleted node are not taken for running on a new node of its name, nor accounted twice."""
    scenario = Scenario(node("node-1"), deployment(6, 1, 1), pod("bare", "1"), Run(20))
    before = {pod["metadata"]["uid"] for pod in scenario.pods().values()}
    assert scenario.phases() == {"Running": 7}
    scenario.apply(FailNode("node-1"), delete(f"{NODES}/node-1"), Rounds(1), node("node-1"), Rounds(3))
    scenario.apply(RestartProcess(SCHEDULER), Run(60), Repair("node-1"), Run(600))
    assert scenario.phases() == {"Running": 7}
    after = {pod["metadata"]["uid"]: pod["spec"]["nodeName"] for pod in scenario.pods().values()}
    assert set(after.values()) == {"node-1"}
    assert len(before) == 7
    scenario.end()


def test_two_schedulers_with_preemption_settle() -> None:
    """A second scheduler binds a pod to resources freed by preemption: no node is overcommitted, and both settle."""
    scenario = Scenario(node("node-1"), priority("low", 1), priority("high", 9))
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
        "profiles": [{"schedulerName": "second"}],
    }  # fmt: skip
    scenario.cluster.add("second", {"second": lambda context: Scheduler(
        context.client, context.informers, context.clock, config=config
    )})  # fmt: skip
    scenario.apply(pod("first", "1500m", priorityClassName="low"), Run(5))
    scenario.apply(
        pod("mine", "1500m", priorityClassName="high"),
        pod("theirs", "1500m", priorityClassName="high", schedulerName="second"),
        Run(1), Rounds(3), pod("more", "1500m", priorityClassName="low", schedulerName="second"), Run(300),
    )  # fmt: skip
    assert "first" not in scenario.pods()
    running = [name for name, each in scenario.pods().items() if each["status"]["phase"] == "Running"]
    assert len(running) == 1
    assert running[0] in ("mine", "theirs")
    writes = scenario.execution.writes.total()
    scenario.apply(Run(1200))
    assert scenario.execution.writes.total() - writes < 50


def test_a_preemption_victim_on_a_failed_node() -> None:
    """The victim's node has failed: the preemptor waits and selects no further victims."""
    scenario = Scenario(node("node-1"), node("node-2"), priority("low", 1), priority("high", 9))
    scenario.apply(pod("spared", "1500m", priorityClassName="low"), Run(5))
    scenario.apply(pod("held", "1500m", priorityClassName="low"), Run(5), FailNode("node-2"))
    scenario.apply(
        pod("urgent", "1500m", priorityClassName="high", tolerations=[{"operator": "Exists"}]), Run(400)
    )
    held, urgent = scenario.pods()["held"], scenario.pods()["urgent"]
    assert scenario.nodes_of("spared", "held", "urgent") == ["node-1", "node-2", None]
    assert urgent["status"]["nominatedNodeName"] == "node-2"
    assert "deletionTimestamp" in held["metadata"]
    assert sum(each["type"] == "DisruptionTarget" for each in held["status"]["conditions"]) == 1
    assert "deletionTimestamp" not in scenario.pods()["spared"]["metadata"]
    scenario.apply(Repair("node-2"), Run(30))
    assert scenario.nodes_of("urgent") == ["node-2"]
    scenario.end()


def test_a_pod_is_recreated_with_its_name_while_being_scheduled() -> None:
    """A binding names the uid, so a decision about a deleted pod never binds its successor."""
    scenario = Scenario(node("node-1"), node("node-2", "b"), pod("x", "1500m"), Delay(SCHEDULER, 5))
    scenario.apply(delete(f"{PODS}/x"), pod("x", "1500m", nodeSelector={ZONE: "b"}), Rounds(4))
    assert scenario.nodes_of("x") in ([None], ["node-2"])
    scenario.apply(Run(30))
    assert scenario.nodes_of("x") == ["node-2"]
    scenario.apply(
        Fault(SCHEDULER, WriteFault.LOST), delete(f"{PODS}/x"), Run(5), pod("x", "500m"), Rounds(2),
        Request("DELETE", f"{PODS}/x", {"gracePeriodSeconds": 0}), pod("x", "500m"), Run(30),
    )  # fmt: skip
    assert scenario.phases() == {"Running": 1}
    scenario.end()


def test_a_rollout_does_not_exceed_its_limits() -> None:
    """A new rollout during another one counts no old pod as available twice."""
    scenario = Scenario(node("node-1"), deployment(4, 1, 2, terminationGracePeriodSeconds=30), Run(15))
    scenario.apply(roll_to("app:2"), Rounds(2), roll_to("app:4"), Rounds(1), roll_to("app:5"), Run(120))
    scenario.apply(
        roll_to("app:6"), Delay(CONTROLLER_MANAGER, 2), Run(0.5), Restart("replicaset-controller"), Run(60)
    )
    assert scenario.phases() == {"Running": 4}
    scenario.end()


def test_quota_and_concurrent_creates() -> None:
    """A quota holds while several workloads fill it and responses are lost; freed quota is used."""
    scenario = Scenario(node("node-1", size={**SIZE, "pods": "30"}))
    hard = {"pods": "5"}
    scenario.apply(Request("POST", QUOTAS, {"metadata": {"name": "few"}, "spec": {"hard": hard}}), Run(1))
    faults = (WriteFault.LOST, WriteFault.STOPPED_AFTER, WriteFault.CONFLICT, WriteFault.LOST)
    scenario.apply(*(Fault(CONTROLLER_MANAGER, fault, after) for after, fault in enumerate(faults)))
    scenario.apply(deployment(4, 1, 0), *(pod(f"bare-{number}", "100m") for number in range(3)), Run(60))
    assert len(scenario.pods()) == 5
    scenario.apply(*(delete(f"{PODS}/bare-{number}") for number in range(3)), Run(1200))
    assert scenario.phases() == {"Running": 4}
    scenario.end()


def test_a_replica_set_refused_by_a_quota_retries_after_its_back_off() -> None:
    """Freed quota triggers no sync of a refused ReplicaSet: it retries after its back-off (Kubernetes issue 98656)."""
    request = deployment(4, 0, 1, terminationGracePeriodSeconds=90)
    assert isinstance(request, Request)
    assert request.body is not None
    request.body["spec"]["template"]["metadata"]["annotations"] = {ANNOTATION: '{"stop": {"seconds": 60}}'}
    quota = Request("POST", QUOTAS, {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "4"}}})
    scenario = Scenario(node("node-1"), quota, Run(1), request, Run(10), roll_to("app:2"), Run(62))
    assert scenario.phases() == {"Running": 3}
    # Refused at first, it tries after 5 ms, 10 ms, 20 ms, … and so 41 s and 82 s after the beginning.
    scenario.apply(Run(19))
    assert scenario.phases() == {"Running": 3}
    scenario.apply(Run(3))
    assert scenario.phases() == {"Running": 4}
    scenario.apply(Run(1200))
    images = Counter(pod["spec"]["containers"][0]["image"] for pod in scenario.pods().values())
    assert images == {"app:2": 4}
    scenario.end()


def test_spread_skew_after_a_rolling_update() -> None:
    """With ``pod-template-hash`` in ``matchLabelKeys`` (KEP-3243) new pods are spread among themselves."""
    constraint = {
        "maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}}, "matchLabelKeys": ["pod-template-hash"],
    }  # fmt: skip
    scenario = Scenario(node("node-1", "a"), node("node-2", "b"), node("node-3", "c"))
    scenario.apply(deployment(6, 3, 0, topologySpreadConstraints=[constraint]), Run(60))
    scenario.apply(roll_to("app:2"), Rounds(3), Restart("scheduler"), Run(120))
    per_node = Counter(pod["spec"]["nodeName"] for pod in scenario.pods().values())
    assert per_node == {"node-1": 2, "node-2": 2, "node-3": 2}
    scenario.end()
