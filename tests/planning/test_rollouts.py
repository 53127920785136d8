"""Upgrades: a later document of a workload is rolled out, as far as ``maxSurge`` and ``maxUnavailable`` allow."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import kschedcore as ks
from kschedcore.cli import run
from kschedcore.planning.plan import Plan, plan

from .test_plan_equals_cluster import dumped

Json = dict[str, Any]


def node(name: str, cpu: str) -> Json:
    amounts = {"cpu": cpu, "memory": "8Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"capacity": amounts, "allocatable": amounts},
    }


def workload(kind: str, cpu: str, replicas: int = 2, image: str = "app:1", **spec: Any) -> Json:
    container = {"name": "c", "image": image, "resources": {"requests": {"cpu": cpu}}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    sized = {} if kind == "DaemonSet" else {"replicas": replicas}
    whole = {**sized, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": whole}


def rolling(**bounds: Any) -> Json:
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": bounds}}


def updating(**bounds: Any) -> Json:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": bounds}}


def cluster_with(nodes: list[Json], first: Json) -> list[Json]:
    """Return a dump of a cluster in which the workload runs."""
    with ks.Cluster.simulated(nodes=nodes, seed=1) as cluster:
        cluster.apply(first)
        cluster.run_for("2m")
        return dumped(cluster)


def planned(dump: list[Json], later: Json) -> Plan:
    manifests = ks.Manifests.from_objects([*dump, later])
    return plan(manifests, ks.Engine(manifests))


NODES = [node("n1", "4"), node("n2", "4")]


class TestDeployments:
    def test_one_that_has_free_resources_completes(self) -> None:
        found = planned(cluster_with(NODES, workload("Deployment", "1")), workload("Deployment", "2"))
        (rollout,) = found.rollouts
        assert rollout.text == "rollout of deployment default/web completes: 2 of 2 pods are updated"
        assert (found.placed, found.pods) == (2, 2)

    def test_one_that_may_only_surge_waits_for_resources(self) -> None:
        first = workload("Deployment", "3", **rolling(maxSurge=1, maxUnavailable=0))
        later = workload("Deployment", "3", image="app:2", **rolling(maxSurge=1, maxUnavailable=0))
        (rollout,) = planned(cluster_with(NODES, first), later).rollouts
        assert rollout.text == (
            "rollout of deployment default/web does not complete: 0 of 2 pods are updated, "
            "2 of the earlier template stay"
        )

    def test_one_that_may_go_below_its_size_completes(self) -> None:
        later = workload("Deployment", "3", image="app:2", **rolling(maxSurge=0, maxUnavailable=1))
        (rollout,) = planned(cluster_with(NODES, workload("Deployment", "3")), later).rollouts
        assert rollout.completes

    def test_recreate_ends_all_pods_first(self) -> None:
        later = workload("Deployment", "4", image="app:2", strategy={"type": "Recreate"})
        (rollout,) = planned(cluster_with(NODES, workload("Deployment", "3")), later).rollouts
        assert rollout.completes

    def test_the_same_template_is_no_rollout(self) -> None:
        found = planned(cluster_with(NODES, workload("Deployment", "1")), workload("Deployment", "1", 3))
        assert found.rollouts == []
        assert found.placed == 1

    def test_replicas_that_the_manifest_leaves_out_stay(self) -> None:
        later = workload("Deployment", "1", image="app:2")
        del later["spec"]["replicas"]
        first = workload("Deployment", "1")
        del first["spec"]["replicas"]
        with ks.Cluster.simulated(nodes=NODES, seed=1) as cluster:
            cluster.apply(first)
            cluster.scale("deployment/web", 3)
            cluster.run_for("2m")
            (rollout,) = planned(dumped(cluster), later).rollouts
        assert (rollout.wanted, rollout.updated) == (3, 3)


class TestStatefulSets:
    def test_the_first_pod_without_a_node_stops_it(self) -> None:
        dump = cluster_with(NODES, workload("StatefulSet", "1", 3, serviceName="web"))
        (rollout,) = planned(dump, workload("StatefulSet", "5", 3, serviceName="web")).rollouts
        assert (rollout.completes, rollout.updated, rollout.outdated) == (False, 0, 2)

    def test_pods_below_the_partition_stay(self) -> None:
        dump = cluster_with(NODES, workload("StatefulSet", "1", 3, serviceName="web"))
        later = workload("StatefulSet", "2", 3, serviceName="web", **updating(partition=1))
        (rollout,) = planned(dump, later).rollouts
        assert (rollout.completes, rollout.updated, rollout.wanted) == (True, 2, 2)


class TestDaemonSets:
    @pytest.mark.parametrize(
        ("bounds", "completes"), [({}, True), ({"maxSurge": 1, "maxUnavailable": 0}, False)]
    )
    def test_surging_needs_twice_the_resources(self, bounds: Json, completes: bool) -> None:
        dump = cluster_with(NODES, workload("DaemonSet", "3"))
        (rollout,) = planned(dump, workload("DaemonSet", "3", image="app:2", **updating(**bounds))).rollouts
        assert rollout.completes is completes


@pytest.mark.parametrize("command", ["fit", "schedule"])
def test_commands_answer_for_upgrades(command: str, tmp_path: Path) -> None:
    cluster, chart = tmp_path / "cluster.yaml", tmp_path / "chart.yaml"
    cluster.write_text("---\n".join(map(yaml.safe_dump, cluster_with(NODES, workload("Deployment", "3")))))
    chart.write_text(yaml.safe_dump(workload("Deployment", "5")))

    def ran(*options: str) -> tuple[int, str]:
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()):
            return run([command, "-f", str(cluster), "-f", str(chart), *options]), out.getvalue()

    status, text = ran()
    assert status == (1 if command == "fit" else 0)
    assert "rollout of deployment default/web does not complete: 0 of 2 pods are updated" in text
    (rollout,) = json.loads(ran("-o", "json")[1])["rollouts"]
    assert (rollout["completes"], rollout["kind"]) == (False, "Deployment")


def test_simulate_rolls_out_the_later_document() -> None:
    dump = cluster_with(NODES, workload("Deployment", "1"))
    with ks.Cluster.simulated(nodes=[*dump, workload("Deployment", "2")], seed=2) as cluster:
        cluster.run_for("3m")
        requests = [
            each["spec"]["containers"][0]["resources"]["requests"]["cpu"] for each in cluster.list("pods")
        ]
    assert requests == ["2", "2"]


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(("Deployment", "StatefulSet", "DaemonSet")),
    st.sampled_from(("1", "2", "3", "5")),
    st.integers(1, 4),
    st.sampled_from(((1, 0), (0, 1), (1, 1))),
)
def test_a_rollout_ends_as_in_a_cluster(kind: str, cpu: str, replicas: int, bounds: tuple[int, int]) -> None:
    names = {"maxSurge": bounds[0], "maxUnavailable": bounds[1]}
    given_bounds = {"Deployment": rolling(**names), "DaemonSet": updating(**_one_of(names))}.get(kind, {})
    further = {"serviceName": "web"} if kind == "StatefulSet" else {}
    with ks.Cluster.simulated(nodes=NODES, seed=1) as cluster:
        cluster.apply(workload(kind, "1", replicas, **given_bounds, **further))
        cluster.run_for("2m")
        dump = dumped(cluster)
        later = workload(kind, cpu, replicas, image="app:2", **given_bounds, **further)
        cluster.apply(later)
        cluster.run_for("5m")
        pods = cluster.list("pods")
    new = [each for each in pods if each["spec"]["containers"][0]["image"] == "app:2"]
    (rollout,) = planned(dump, later).rollouts
    assert (rollout.updated, rollout.outdated) == (
        sum("nodeName" in each["spec"] for each in new),
        len(pods) - len(new),
    )


def _one_of(names: dict[str, int]) -> dict[str, int]:
    """A DaemonSet may only surge or only go below its size."""
    return {"maxSurge": 1, "maxUnavailable": 0} if names["maxSurge"] else {"maxUnavailable": 1}
