"""Every invariant can fail: a mutation of the rule that it checks violates exactly this invariant."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.chaos.requests import DEPLOYMENTS, NODES, PODS, SIZE, pod, spec

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.kinds import kind_by_resource
from kschedcore.api.machinery.types import Object
from kschedcore.apiserver import eviction
from kschedcore.apiserver.admission.plugins.resource_quota import ResourceQuota
from kschedcore.chaos.cluster import ChaosCluster
from kschedcore.chaos.histories import Evict, History, Jump, Request, Run, Step
from kschedcore.chaos.invariants import INVARIANTS
from kschedcore.chaos.runner import CRASH, IDLE, IDLE_AFTER_RESTART, run_history, shrink
from kschedcore.client.informer import Informer
from kschedcore.controllers import cronjob
from kschedcore.controllers.controller import Requeue
from kschedcore.controllers.daemonset.controller import DaemonSetController
from kschedcore.controllers.deployment import sizes as deployment_sizes
from kschedcore.controllers.deployment.controller import DeploymentController
from kschedcore.controllers.endpointslice import EndpointSliceController
from kschedcore.controllers.garbagecollector import GarbageCollector
from kschedcore.controllers.horizontalpodautoscaler import controller as horizontalpodautoscaler
from kschedcore.controllers.horizontalpodautoscaler.behavior import Limited
from kschedcore.controllers.job.controller import JobController
from kschedcore.controllers.replicaset import ReplicaSetController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.rootcacertpublisher import RootCACertPublisher
from kschedcore.engine.binding import key_of
from kschedcore.engine.engine import Engine
from kschedcore.engine.events import QueueingHints
from kschedcore.nodes.addresses import AddressPool
from kschedcore.nodes.agents import NodeAgents
from kschedcore.nodes.runtimes.behaviours import ANNOTATION
from kschedcore.scheduler.pending_pods import PendingPods

Patch = pytest.MonkeyPatch


def node(name: str) -> Step:
    status = {"capacity": SIZE, "allocatable": SIZE}
    return Request("POST", NODES, {"metadata": {"name": name}, "status": status})


def deployment(replicas: int = 3) -> Step:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": spec()}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    body = {
        "replicas": replicas,
        "strategy": strategy,
        "selector": {"matchLabels": labels},
        "template": template,
    }
    return Request("POST", DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": body})


def new_template() -> Step:
    change = {"template": {"metadata": {"annotations": {"try": "2"}}}}
    return Request("PATCH", f"{DEPLOYMENTS}/web", {"spec": change})


def quota(pods: int) -> Step:
    body = {"metadata": {"name": "limits"}, "spec": {"hard": {"pods": str(pods)}}}
    return Request("POST", "/api/v1/namespaces/default/resourcequotas", body)


def budget() -> Step:
    body = {
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "web"}}},
    }
    return Request("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets", body)


BEGIN = (node("node-1"), node("node-2"))


def overcommits(patch: Patch) -> tuple[Step, ...]:
    """The scheduler does not account the pods that it places."""
    add = Engine.add_pod
    patch.setattr(Engine, "add_pod", lambda self, pod, node=None: add(self, emptied(pod), node))
    return (pod("a", "1500m", nodeName="node-1"), Run(5), pod("b", "1500m", nodeSelector=on("node-1")))


def emptied(pod: Any) -> Any:
    return msgspec.structs.replace(pod, spec=msgspec.structs.replace(pod.spec, containers=[]))


def on(name: str) -> Object:
    return {"kubernetes.io/hostname": name}


class MovePods(Jump, frozen=True, tag="movePods"):
    """Change the node of a bound pod directly in the store."""

    def apply(self, cluster: ChaosCluster) -> None:
        store, resource = cluster.server.store, kind_by_resource("pods").resource
        for each in store.list("pods"):
            moved = plain(each)
            moved["spec"]["nodeName"] = "node-9"
            store.update(resource, moved, each["metadata"]["resourceVersion"])


def binds_twice(patch: Patch) -> tuple[Step, ...]:
    del patch
    return (pod("a"), Run(5), MovePods(0))


def keeps_deleted_pods(patch: Patch) -> tuple[Step, ...]:
    """The engine keeps the requests of deleted pods."""
    patch.setattr(Engine, "remove_pod", lambda _self, _name, _namespace: None)
    return (pod("a"), Run(5), Request("DELETE", f"{PODS}/a"), Run(5), pod("b"), Run(5))


def queues_deleted_pods(patch: Patch) -> tuple[Step, ...]:
    """The queue keeps deleted pods."""
    patch.setattr(PendingPods, "remove", lambda _self, _key: None)
    return (pod("a", "9"), Run(5), Request("DELETE", f"{PODS}/a"), pod("b"), Run(5))


def loses_failures(patch: Patch) -> tuple[Step, ...]:
    """An unschedulable pod is not put back into the queue."""
    patch.setattr(PendingPods, "put_back", lambda self, queued, _plugins: self.remove(key_of(queued.pod)))
    return (pod("a", "9"), Run(5))


def charges_no_quota(patch: Patch) -> tuple[Step, ...]:
    patch.setattr(ResourceQuota, "review", lambda _self, _request: None)
    return (quota(1), Run(1), pod("a"), pod("b"))


def charges_no_budget(patch: Patch) -> tuple[Step, ...]:
    patch.setattr(eviction, "_charge", lambda *_: None)
    return (deployment(), budget(), Run(30), Evict(0))


def removes_too_many(patch: Patch) -> tuple[Step, ...]:
    """The Deployment controller deletes all old pods at once."""
    patch.setattr(deployment_sizes, "max_unavailable", lambda _deployment: 9)
    return (deployment(), Run(30), new_template())


def collects_owned_objects(patch: Patch) -> tuple[Step, ...]:
    """The garbage collector takes every owner for missing."""
    patch.setattr(GarbageCollector, "_owner", lambda _self, _obj, _reference: None)
    return (deployment(), Run(30))


def collects_no_orphans(patch: Patch) -> tuple[Step, ...]:
    patch.setattr(GarbageCollector, "_attempt", lambda _self, _resource, _obj: None)
    return (deployment(), Run(5), Request("DELETE", f"{DEPLOYMENTS}/web"))


def never_confirms_termination(patch: Patch) -> tuple[Step, ...]:
    """Node agents do not confirm the termination of pods."""
    patch.setattr(NodeAgents, "_finish_deletion", lambda _self, _pod: None)
    return (pod("a"), Run(5), Request("DELETE", f"{PODS}/a"))


def misses_deletions(patch: Patch) -> tuple[Step, ...]:
    """An informer misses deletions."""
    take = Informer._take
    patch.setattr(Informer, "_take", lambda self, obj, gone: gone or take(self, obj, gone=gone))
    return (Request("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}}), Run(1),
            Request("DELETE", "/api/v1/namespaces/default/configmaps/c"))  # fmt: skip


class RestartPods(Jump, frozen=True, tag="restartPods"):
    """Set a finished pod to Running directly in the store."""

    def apply(self, cluster: ChaosCluster) -> None:
        store, resource = cluster.server.store, kind_by_resource("pods").resource
        for each in store.list("pods"):
            store.update(
                resource, {**each, "status": {"phase": "Running"}}, each["metadata"]["resourceVersion"]
            )


def restarts_finished_pods(patch: Patch) -> tuple[Step, ...]:
    del patch
    return (pod("a", "9"), Run(1), ended("a"), RestartPods(0))


def ended(name: str) -> Step:
    """Set the phase of a pod to Failed."""
    return Request("PATCH", f"{PODS}/{name}/status", {"status": {"phase": "Failed"}})


def gives_addresses_twice(patch: Patch) -> tuple[Step, ...]:
    patch.setattr(AddressPool, "take", lambda _self: "10.9.9.9")
    return (pod("a"), Run(5), pod("b"))


def job(completions: int) -> Step:
    template = {"spec": spec(restartPolicy="Never")}
    body = {"completions": completions, "parallelism": completions, "template": template}
    return Request(
        "POST", "/apis/batch/v1/namespaces/default/jobs", {"metadata": {"name": "once"}, "spec": body}
    )


def counts_again(patch: Patch) -> tuple[Step, ...]:
    """The Job controller counts a success in every sync."""

    def counted(_self: Any, counts: Any) -> Object:
        return {**counts.job["status"], "succeeded": counts.job["status"].get("succeeded", 0) + 1}

    patch.setattr(JobController, "_counted", counted)
    return (job(1), Run(30))


def ignores_running_jobs(patch: Patch) -> tuple[Step, ...]:
    """The CronJob controller takes every Job for finished."""
    patch.setattr(cronjob, "is_finished", lambda _job: True)
    template = {
        "metadata": {"annotations": {ANNOTATION: '{"runs": [{"seconds": 100}]}'}},
        "spec": spec(restartPolicy="Never"),
    }
    body = {
        "schedule": "* * * * *", "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": {"template": template}},
    }  # fmt: skip
    path = "/apis/batch/v1/namespaces/default/cronjobs"
    return (Request("POST", path, {"metadata": {"name": "tick"}, "spec": body}), Run(130))


def scales_beyond_its_bounds(patch: Patch) -> tuple[Step, ...]:
    """The autoscaler ignores its limits."""
    limited = Limited(7, ("ReadyForNewScale", ""), ("DesiredWithinRange", ""), is_limited=False)
    patch.setattr(horizontalpodautoscaler, "limited", lambda *_args: limited)
    target = {"type": "Utilization", "averageUtilization": 20}
    body = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 4,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }  # fmt: skip
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    return (deployment(), Request("POST", path, {"metadata": {"name": "web"}, "spec": body}), Run(100))


class TwoDaemonPods(Jump, frozen=True, tag="twoDaemonPods"):
    """Two pods of a DaemonSet on one node."""

    def apply(self, cluster: ChaosCluster) -> None:
        for each in cluster.server.store.list("daemonsets.apps"):
            uid, labels = each["metadata"]["uid"], {"app": "log"}
            owner = {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "name": "log",
                "uid": uid,
                "controller": True,
            }
            for name in ("x", "y"):
                metadata = {"name": name, "labels": labels, "ownerReferences": [owner]}
                body = {"metadata": metadata, "spec": spec("100m", nodeName="node-1")}
                cluster.server.request("POST", PODS, body)


def adds_a_second_daemon_pod(patch: Patch) -> tuple[Step, ...]:
    """The DaemonSet controller does nothing."""
    patch.setattr(DaemonSetController, "reconcile", lambda _self, _key: None)
    template = {"metadata": {"labels": {"app": "log"}}, "spec": spec("100m")}
    body = {"selector": {"matchLabels": {"app": "log"}}, "template": template}
    path = "/apis/apps/v1/namespaces/default/daemonsets"
    return (Request("POST", path, {"metadata": {"name": "log"}, "spec": body}), Run(5), TwoDaemonPods(0))


def lists_no_endpoints(patch: Patch) -> tuple[Step, ...]:
    patch.setattr(EndpointSliceController, "reconcile", lambda _self, _key: None)
    body = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    path = "/api/v1/namespaces/default/services"
    return (Request("POST", path, {"metadata": {"name": "web"}, "spec": body}), pod("a"), Run(5))


class RemoveObject(Jump, frozen=True, tag="removeObject"):
    """Remove an object from the store without an event."""

    def apply(self, cluster: ChaosCluster) -> None:
        backend: Any = cluster.server.store.backend
        backend._entries.pop("pods/default/a")
        backend._group("pods/").discard("pods/default/a")


def loses_writes(patch: Patch) -> tuple[Step, ...]:
    del patch
    return (pod("a", "9"), Run(5), RemoveObject(0))


def skips_listeners(patch: Patch) -> tuple[Step, ...]:
    """Informers keep an object that their listeners are not called with."""
    put = Informer._put

    def puts(self: Any, key: Any, known: Any, new: Any, change: Any) -> None:
        if change.object["metadata"]["name"] == "odd":
            self._objects[key] = new
        else:
            put(self, key, known, new, change)

    patch.setattr(Informer, "_put", puts)
    return (Request("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "odd"}}),)


def ignores_events(patch: Patch) -> tuple[Step, ...]:
    """No event and no timeout moves a pod out of the unschedulable pods."""
    patch.setattr(QueueingHints, "may_help", lambda *_: False)
    patch.setattr("kschedcore.scheduler.pending_pods.FLUSH_AFTER", timedelta(days=9))
    return (pod("a", "1500m"), pod("b", "1500m"), pod("c", "1500m"), Run(5), Request("DELETE", f"{PODS}/a"))


def miscounts(patch: Patch) -> tuple[Step, ...]:
    patch.setattr(ResourceQuotaController, "reconcile", lambda _self, _key: None)
    return (quota(3), Run(1))


def makes_no_pods(patch: Patch) -> tuple[Step, ...]:
    patch.setattr(ReplicaSetController, "reconcile", lambda _self, _key: None)
    return (deployment(),)


def crashes(patch: Patch) -> tuple[Step, ...]:
    def reconcile(_self: Any, key: Any) -> None:
        raise KeyError(key)

    patch.setattr(DeploymentController, "reconcile", reconcile)
    return (deployment(),)


def steps_for_ever(patch: Patch) -> tuple[Step, ...]:
    patch.setattr("kschedcore.chaos.cluster._MAX_STEPS", 500)
    patch.setattr(
        DeploymentController, "reconcile", lambda self, _key: Requeue(self.clock.now() - timedelta(1))
    )
    return (deployment(),)


def writes_for_ever(patch: Patch) -> tuple[Step, ...]:
    """A controller that writes every minute without a change."""

    def reconcile(self: Any, key: Any) -> Requeue:
        marks = {"annotations": {"seen": str(self.clock.now())}}
        self.client.patch("namespaces", "", key[1], {"metadata": marks})
        return Requeue(self.clock.now() + timedelta(minutes=1), background=True)

    patch.setattr(RootCACertPublisher, "reconcile", reconcile)
    return ()


def writes_at_the_start(patch: Patch) -> tuple[Step, ...]:
    """A controller that writes when it starts."""

    begin = RootCACertPublisher.__init__

    def init(self: Any, context: Any) -> None:
        begin(self, context)
        count = sum("seen" in mark for mark in marks)
        marks.append("seen")
        context.client.patch(
            "namespaces", "", "default", {"metadata": {"annotations": {"starts": str(count)}}}
        )

    marks: list[str] = []
    patch.setattr(RootCACertPublisher, "__init__", init)
    return ()


MUTATIONS: dict[str, Callable[[Patch], tuple[Step, ...]]] = {
    "NoNodeIsOvercommitted": overcommits,
    "PodsAreBoundOnce": binds_twice,
    "EngineEqualsStore": keeps_deleted_pods,
    "QueueHoldsOnlyWaitingPods": queues_deleted_pods,
    "AllPendingPodsAreQueued": loses_failures,
    "QuotasAreEnforced": charges_no_quota,
    "BudgetsAreRespected": charges_no_budget,
    "AvailabilityIsKept": removes_too_many,
    "OwnedObjectsAreKept": collects_owned_objects,
    "FinishedPodsStayFinished": restarts_finished_pods,
    "AddressesAreUnique": gives_addresses_twice,
    "JobsCountSuccessesOnce": counts_again,
    "CronJobsRespectConcurrencyPolicy": ignores_running_jobs,
    "AutoscalersStayWithinBounds": scales_beyond_its_bounds,
    "OneDaemonPodPerNode": adds_a_second_daemon_pod,
    "EndpointsMatchReadyPods": lists_no_endpoints,
    "WriteLogEqualsStore": loses_writes,
    "InformersEqualStore": misses_deletions,
    "ListenersReceiveEveryObject": skips_listeners,
    "NoPendingPodWouldFit": ignores_events,
    "QuotaStatusEqualsUsage": miscounts,
    "OrphansAreCollected": collects_no_orphans,
    "DeletionsComplete": never_confirms_termination,
    "ReplicaSetsHaveAllPods": makes_no_pods,
    CRASH: crashes,
    IDLE: writes_for_ever,
    IDLE_AFTER_RESTART: writes_at_the_start,
}


BY_A_STEP = {"FinishedPodsStayFinished", "PodsAreBoundOnce", "WriteLogEqualsStore"}
"""Invariants that a step violates, because no component could."""


def test_every_invariant_has_a_mutation() -> None:
    assert MUTATIONS.keys() == {each.__name__ for each in INVARIANTS} | {CRASH, IDLE, IDLE_AFTER_RESTART}


@pytest.mark.parametrize("invariant", MUTATIONS)
def test_a_mutation_violates_its_invariant(
    invariant: str, monkeypatch: Patch, logged_errors: list[logging.LogRecord]
) -> None:
    steps = (*BEGIN, *MUTATIONS[invariant](monkeypatch), Run(30))
    violation = run_history(History(1, steps)).violation
    assert violation is not None
    assert violation.invariant == invariant, violation
    if invariant == CRASH:
        logged_errors.clear()


@pytest.mark.parametrize("invariant", sorted(MUTATIONS.keys() - BY_A_STEP))
def test_without_the_mutation_all_invariants_hold(invariant: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        steps = MUTATIONS[invariant](patch)
    assert run_history(History(1, (*BEGIN, *steps, Run(30)))).violation is None


def test_endless_steps_are_a_violation(monkeypatch: Patch) -> None:
    steps = (*BEGIN, *steps_for_ever(monkeypatch), Run(30))
    violation = run_history(History(1, steps)).violation
    assert violation is not None
    assert violation.invariant == IDLE
    assert "steps at one moment" in violation.detail


def test_a_failing_history_is_shrunk(monkeypatch: Patch) -> None:
    steps = charges_no_quota(monkeypatch)
    history = History(1, (*BEGIN, deployment(), Run(3), *steps, Run(5), new_template()))
    violation = run_history(history).violation
    assert violation is not None
    shorter = shrink(history, violation)
    again = run_history(shorter).violation
    assert again is not None
    assert again.invariant == violation.invariant == "QuotasAreEnforced"
    assert len(shorter.steps) <= 4
    assert History.from_json(shorter.to_json()) == shorter
