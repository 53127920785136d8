"""The pods of a plan are the pods of a cluster with the same manifests once it no longer changes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from hypothesis import given, settings

import kschedcore as ks
from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.times import parse_time
from kschedcore.cluster.references import kind_named
from kschedcore.planning.plan import plan

from .applications import Drawn, Json, clusters, later_applications


class Pods(NamedTuple):
    """The pods of all applications.

    Attributes:
        placed: (application, node) -> number of pods.
        unplaced: (application, message) -> number of pods.
        refused: (application, message) of pods that do not exist.
    """

    placed: dict[tuple[str, str], int]
    unplaced: dict[tuple[str, str], int]
    refused: set[tuple[str, str]]


def planned(objects: list[Json]) -> Pods:
    """Return the pods of a plan, of those that waited and of those that were created."""
    manifests = ks.Manifests.from_objects(objects)
    found = plan(manifests, ks.Engine(manifests))
    placed, unplaced = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for each in found.decisions:
        app = (each.pod.metadata.labels or {})["app"]
        if each.node is not None:
            placed[app, each.node] += 1
        else:
            unplaced[app, scheduling_part(each.message)] += 1
    gone = {(each.pod.metadata.namespace, each.pod.metadata.name) for each in found.evicted}
    decided = {(each.pod.metadata.namespace, each.pod.metadata.name) for each in found.decisions}
    for pod in manifests.bound:
        if (pod.metadata.namespace, pod.metadata.name) not in gone | decided:
            placed[(pod.metadata.labels or {})["app"], pod.spec.node_name or ""] += 1
    refused = {
        ((each.pod.metadata.labels or {})["app"], refusal_part(each.message))
        for each in found.refused
        if each.plugin
    }
    return Pods(dict(placed), dict(unplaced), refused)


def live(cluster: ks.Cluster, applications: Iterable[Json]) -> set[tuple[str, str]]:
    """Apply applications one after the other; return (application, message) of those that are refused."""
    refused = set()
    for each in applications:
        try:
            cluster.apply(each)
        except ks.errors.ManifestError as refusal:
            refused.add((each["metadata"]["name"], refusal_part(str(refusal))))
        cluster.run_for("40s" if each["kind"] != "CronJob" else "70s")
    return refused


def lived(cluster: ks.Cluster, applications: Iterable[Json]) -> Pods:
    """Return the pods of a cluster that receives applications."""
    begin = cluster.now()
    refused = live(cluster, applications)
    # Within five minutes, the scheduler tries every pod again.
    cluster.run_for("6m")
    placed, unplaced = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for pod in cluster.list("pods"):
        app = pod["metadata"]["labels"]["app"]
        if pod["spec"].get("nodeName"):
            placed[app, pod["spec"]["nodeName"]] += 1
        else:
            unplaced[app, scheduling_part(condition(pod))] += 1
    for event in cluster.events():
        since = parse_time(event["lastTimestamp"]) or begin
        if event["reason"] == "FailedCreate" and event["involvedObject"]["kind"] != "Pod" and since >= begin:
            refused.add((application(event["involvedObject"]["name"]), refusal_part(event["message"])))
    return Pods(dict(placed), dict(unplaced), refused)


def dumped(cluster: ks.Cluster) -> list[Json]:
    """Return what a cluster holds that decides about pods, as ``kubectl get -o json`` prints it."""
    resources = [(kind, kind_named(kind).resource) for kind in DUMPED]
    return [
        {"apiVersion": resource.api_version, "kind": resource.kind, **plain(each)}
        for kind, resource in resources
        for each in cluster.list(kind, all_namespaces=True)
    ]


DUMPED = (
    "nodes", "priorityclasses", "storageclasses", "limitranges", "resourcequotas", "persistentvolumes",
    "persistentvolumeclaims", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs",
    "controllerrevisions", "horizontalpodautoscalers", "pods",
)  # fmt: skip


def condition(pod: Json) -> str:
    conditions: list[Any] = pod["status"].get("conditions", [])
    return next((each.get("message", "") for each in conditions if each["type"] == "PodScheduled"), "")


def scheduling_part(message: str) -> str:
    """Return a message without its part about preemption and without generated names."""
    message = re.sub(r'persistentvolumeclaim "[^"]*"', "persistentvolumeclaim", message)
    return re.split(r" (?:no new claims to deallocate, )?preemption: ", message)[0]


def refusal_part(message: str) -> str:
    """Return the words of an admission plugin or of validation, without names that end in an ordinal."""
    text = re.sub(r'^.*pods? "[^"]*" is (?:forbidden: |invalid: )', "", message, flags=re.IGNORECASE)
    return re.sub(r'^.*(persistentvolumeclaims) "[^"]*"', r"\1", text)


def application(name: str) -> str:
    found = re.match(r"[a-z]+\d", name)
    return found[0] if found else name


def agree(plan: Pods, life: Pods) -> bool:
    """Whether two outcomes are the same; a cluster may have said more of the same refusals while it went on."""
    apps = {app for app, _ in plan.refused}, {app for app, _ in life.refused}
    return (
        (plan.placed, plan.unplaced) == (life.placed, life.unplaced)
        and plan.refused <= life.refused
        and apps[0] == apps[1]
    )


@settings(max_examples=40, deadline=None)
@given(clusters())
def test_plan_equals_cluster(drawn: Drawn) -> None:
    plan_of_all = planned([*drawn.nodes, *drawn.rules, *drawn.applications])
    with ks.Cluster.simulated(nodes=[*drawn.nodes, *drawn.rules], seed=1) as cluster:
        cluster.run_for("10s")
        outcomes = plan_of_all, lived(cluster, drawn.applications)
    assert agree(*outcomes), outcomes


@settings(max_examples=25, deadline=None)
@given(clusters(), later_applications())
def test_plan_of_a_dump_equals_the_restored_cluster(drawn: Drawn, later: list[Json]) -> None:
    """``schedule``, ``fit`` and ``simulate`` begin from the same state, with and without further applications."""
    with ks.Cluster.simulated(nodes=[*drawn.nodes, *drawn.rules], seed=1) as cluster:
        cluster.run_for("10s")
        live(cluster, drawn.applications)
        dump, now = dumped(cluster), cluster.clock.now()
    for applications in ([], later):
        with ks.Cluster.simulated(nodes=dump, seed=2, start=now) as cluster:
            outcomes = planned([*dump, *applications]), lived(cluster, applications)
        assert agree(*outcomes), outcomes
