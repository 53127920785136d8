"""``kubectl drain``: what it rejects, what it waits for, and its output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import kschedcore as ks
from kschedcore.errors import UsageError

CONTAINERS = [{"name": "c", "image": "nginx"}]


@pytest.fixture
def cluster() -> Iterator[ks.Cluster]:
    with ks.Cluster.simulated(nodes=2, seed=3) as cluster:
        yield cluster


def bare_pod(name: str, node: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": CONTAINERS, "nodeName": node, **spec},
    }


def on(cluster: ks.Cluster, node: str) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.list("pods") if pod["spec"].get("nodeName") == node]


def web(cluster: ks.Cluster, replicas: int = 4) -> None:
    cluster.create_deployment("web", image="nginx", replicas=replicas)
    assert cluster.run_until_settled()


def test_pods_of_controllers_move_to_other_nodes(cluster: ks.Cluster) -> None:
    web(cluster)
    gone = on(cluster, "node-1")
    assert gone
    output = str(cluster.drain("node-1")).splitlines()
    assert output[0] == "node/node-1 cordoned"
    assert output[-1] == "node/node-1 drained"
    assert {f"evicting pod default/{name}" for name in gone} <= set(output)
    assert {f"pod/{name} evicted" for name in gone} <= set(output)
    assert cluster.run_until_settled()
    assert on(cluster, "node-1") == []
    assert len(on(cluster, "node-2")) == 4
    assert str(cluster.uncordon("node-1")) == "node/node-1 uncordoned"


@pytest.mark.parametrize(
    ("manifest", "option", "problem"),
    [
        (
            bare_pod("alone", "node-1"),
            "force",
            "cannot delete Pods that declare no controller (use --force to override): default/alone",
        ),
        (
            bare_pod("scratch", "node-1", volumes=[{"name": "v", "emptyDir": {}}]),
            "delete_emptydir_data",
            "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/scratch",
        ),
        (
            {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": "agent"},
                "spec": {
                    "selector": {"matchLabels": {"app": "agent"}},
                    "template": {
                        "metadata": {"labels": {"app": "agent"}},
                        "spec": {"containers": CONTAINERS},
                    },
                },
            },
            "ignore_daemonsets",
            "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/agent-",
        ),
    ],
)
def test_what_would_be_lost_takes_an_option(
    cluster: ks.Cluster, manifest: dict[str, Any], option: str, problem: str
) -> None:
    web(cluster)
    cluster.apply(manifest)
    assert cluster.run_until_settled()
    before = on(cluster, "node-1")
    options = {"force": True, "delete_emptydir_data": True, "ignore_daemonsets": True, option: False}
    with pytest.raises(UsageError, match=problem.replace("(", r"\(").replace(")", r"\)")):
        cluster.drain("node-1", **options)
    cluster.run_for("1m")
    assert on(cluster, "node-1") == before
    # As kubectl does, the node is cordoned before its pods are looked at.
    assert cluster.get("nodes/node-1")["spec"]["unschedulable"]
    cluster.drain("node-1", **{**options, option: True})
    left = on(cluster, "node-1")
    assert [name.startswith("agent-") for name in left] == [True] * (option == "ignore_daemonsets")


def test_a_disruption_budget_holds_a_drain_up_until_replacements_are_ready(cluster: ks.Cluster) -> None:
    web(cluster)
    cluster.apply({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "web"}}},
    })  # fmt: skip
    assert cluster.run_until_settled()
    watch, least = cluster.watch("deployments"), 4
    cluster.drain("node-1")
    for event in watch.poll():
        least = min(least, event.object["status"].get("availableReplicas", 0))
    assert least == 3
    assert on(cluster, "node-1") == []


def test_a_drain_that_a_budget_never_lets_through_gives_up(cluster: ks.Cluster) -> None:
    web(cluster, replicas=2)
    cluster.apply({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
    })  # fmt: skip
    assert cluster.run_until_settled()
    [name] = on(cluster, "node-1")
    began = cluster.now()
    with pytest.raises(UsageError, match=f"did not complete within its timeout: still there: default/{name}"):
        cluster.drain("node-1", timeout="2m")
    assert (cluster.now() - began).total_seconds() == 120
    assert on(cluster, "node-1") == [name]
