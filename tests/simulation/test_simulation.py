"""Simulations from end to end: what scenarios do to a cluster, and what is written down of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulation.scenes import node, pod, simulate, simulation, web

from kschedcore.errors import ManifestError, UsageError
from kschedcore.manifests.loading import read_documents
from kschedcore.simulation import Run, Simulation

SHOP = Path(__file__).parents[2] / "examples" / "scenarios" / "shop"


def steps_of(run: Run) -> list[str]:
    return [event["message"] for event in run.events.to_pylist() if event["type"] == "Step"]


def test_a_lost_zone_takes_its_pods_along_and_comes_back() -> None:
    nodes = [node("a", "zone-a"), node("b", "zone-b")]
    run = simulate("2h", *nodes, web(4), steps=[{"at": "30m", "failNodes": {"zone": "zone-a", "for": "1h"}}])
    app = run.summary["apps"]["default/Deployment/web"]
    assert steps_of(run) == ["node/a failed", "node/a is back"]
    assert (app["desired"], app["mostMissing"]) == (4, 2)
    assert app["disruptions"] == {"DeletionByTaintManager": 2}
    # 40 to 50 s until the node counts as silent, 300 s of toleration later its pods are replaced; ready pods on
    # a silent node count as unready as soon as the former is over.
    assert 250 < app["unavailableSeconds"] < 400
    recorded = [(e["type"], e["node"]) for e in run.events.to_pylist() if e["type"].startswith("Node")]
    assert recorded == [("NodeNotReady", "a"), ("NodeReady", "a")]


def test_growth_compounds_exactly_and_shows_as_utilisation() -> None:
    step = {"every": "7d", "grow": {"target": "deployment/web", "percent": 5}}
    run = simulate("28d", node("a", "z", cpu=64), web(10), steps=[step])
    assert [message.rpartition(" ")[2] for message in steps_of(run)] == ["10", "11", "12", "12"]
    assert run.summary["apps"]["default/Deployment/web"]["missingPodSeconds"] == 0
    assert run.summary["zones"]["z"]["cpu"]["requestedMax"] == 12 / 64


def test_pods_start_run_and_end_and_wait_without_free_capacity() -> None:
    arrivals = {
        "name": "batch", "template": pod(), "every": {"constant": "10s"}, "lifetime": {"constant": "30s"}, "count": 20,
    }  # fmt: skip
    run = simulate("30m", node("a", "z", cpu=2), arrivals=[arrivals])
    assert run.summary["pods"]["succeeded"] == run.summary["pods"]["created"] == 20
    assert run.summary["pendingSeconds"]["p50"] > 0
    rows = run.pods.to_pylist()
    running = [(row["scheduled"], row["ended"]) for row in rows]
    for begun, _ in running:
        assert sum(one <= begun < other for one, other in running) <= 2


def test_quotas_reject_new_pods_and_those_of_controllers() -> None:
    quota = {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}},
    }  # fmt: skip
    arrivals = {
        "name": "batch", "template": pod(), "every": {"constant": "10s"}, "lifetime": {"constant": "1h"}, "count": 5,
    }  # fmt: skip
    run = simulate("10m", node("a", "z"), quota, arrivals=[arrivals])
    assert run.summary["quotaRefusals"] == 3
    assert {e["object"] for e in run.events.to_pylist() if e["type"] == "QuotaRefused"} == {
        "Pod/batch-3", "Pod/batch-4", "Pod/batch-5",
    }  # fmt: skip
    run = simulate("10m", node("a", "z"), quota, steps=[{"at": 60, "apply": [web(4)]}])
    assert run.summary["quotaRefusals"] >= 2
    assert run.summary["pods"]["created"] == 2


def test_preempted_pods_are_recorded_with_the_cause() -> None:
    urgent = {
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "urgent"}, "value": 1000,
    }  # fmt: skip
    late = {**pod("3"), "metadata": {"name": "late"}}
    late["spec"] = {**late["spec"], "priorityClassName": "urgent"}
    run = simulate("1h", node("a", "z"), urgent, web(3), steps=[{"at": "10m", "apply": [late]}])
    assert run.summary["disruptions"] == {"PreemptionByScheduler": 2}
    assert run.summary["pods"]["pending"] == 2


def test_a_drain_waits_for_the_budget_and_lets_time_pass_for_others() -> None:
    budget = {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
    }  # fmt: skip
    steps = [
        {"at": "10m", "drainNodes": {"names": ["a"]}},
        {"at": "20m", "scale": {"target": "deploy/web", "replicas": 3}},
        {"at": "40m", "addNodes": {"like": "a", "count": 1, "zone": "zone-b"}},
    ]
    run = simulate("1h", node("a", "zone-a"), web(2), budget, steps=steps)
    assert steps_of(run)[0] == "node/a draining"
    assert steps_of(run)[-2:] == ["node/a-1 added", "node/a drained"]
    app = run.summary["apps"]["default/Deployment/web"]
    assert app["mostMissing"] == 1
    assert app["disruptions"] == {"EvictionByEvictionAPI": 2}


def test_an_autoscaler_follows_the_load_that_its_pods_share() -> None:
    autoscaler = {
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1, "maxReplicas": 10,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                }
            ],
        },
    }  # fmt: skip
    curve = {"steps": [{"amount": "500m"}, {"from": "30m", "amount": "2"}]}
    load = {"match": {"labels": {"app": "web"}}, "cpu": curve}
    live = simulation("1h", node("a", "z", cpu=16), web(1), autoscaler, loads=[load])
    live.run()
    assert live.cluster.get("deployment/web")["spec"]["replicas"] == 4


def test_a_step_that_cannot_be_carried_out_names_itself() -> None:
    step = {"at": "1m", "scale": {"target": "deploy/web", "replicas": 2}}
    with pytest.raises(ManifestError, match=r"day\.yaml: document 2: spec\.steps\[0\].*0:01:00.*not found"):
        simulate("1h", node("a", "z"), steps=[step])
    with pytest.raises(ManifestError, match=r"spec\.steps\[0\].*no node fits"):
        simulate("1h", node("a", "z"), steps=[{"at": 1, "failNodes": {"zone": "elsewhere"}}])


def test_what_no_simulation_can_last_is_refused() -> None:
    for span in ("0", "soon", "1000000000d"):
        with pytest.raises(UsageError, match="expected"):
            simulation(span)


def test_the_same_input_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        Simulation(read_documents([SHOP]), "12h", seed=seed).run().write(tmp_path / name)
    for file in ("summary.json", "pods.parquet", "events.parquet", "samples.parquet"):
        one, two, other = ((tmp_path / name / file).read_bytes() for name in ("one", "two", "other"))
        assert one == two
        assert one != other
