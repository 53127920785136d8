"""The same calls and seed give the same history, byte for byte; restarts do not change the final state."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.builders import deployment, job

import kschedcore as ks


def run_steps(cluster: ks.Cluster, *restarted: str) -> None:
    """Some minutes of changes, with restarts after each."""
    steps: list[Callable[[], object]] = [
        lambda: cluster.apply(deployment("web", 4, image="nginx:1"), job("once", 4, parallelism=2)),
        lambda: cluster.run_for("700ms"),
        lambda: cluster.apply(deployment("web", 5, image="nginx:2")),
        lambda: cluster.run_for("1s"),
        lambda: cluster.fail_node("node-2"),
        lambda: cluster.run_for("3m"),
        lambda: cluster.scale("deploy/web", 3),
        lambda: cluster.run_for("5m"),
        lambda: cluster.repair_node("node-2"),
        lambda: cluster.run_for("5m"),
    ]
    for step in steps:
        step()
        for component in restarted:
            cluster.restart(component)


def history(seed: int) -> bytes:
    with ks.Cluster.simulated(nodes=3, seed=seed) as cluster:
        watch = cluster.watch("pods", all_namespaces=True)
        run_steps(cluster)
        kinds = ("pods", "replicasets", "deployments", "jobs", "nodes", "events")
        stored = {kind: cluster.list(kind, all_namespaces=True) for kind in kinds}
        seen = [(event.type, event.object) for event in watch.poll()]
        return msgspec.json.encode([stored, seen])


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert history(7) == history(7)
    assert history(7) != history(8)


@pytest.mark.parametrize(
    "component",
    ["scheduler", "node-agents", "deployment-controller", "replicaset-controller", "job-controller"],
)
def test_restarts_do_not_change_the_final_state(component: str) -> None:
    with ks.Cluster.simulated(nodes=3, seed=7) as cluster:
        run_steps(cluster, component)
        status = cluster.get("deploy/web")["status"]
        assert (status["replicas"], status["readyReplicas"], status["updatedReplicas"]) == (3, 3, 3)
        assert cluster.get("job/once")["status"]["succeeded"] == 4
        pods = cluster.list("pods", selector="app=web")
        assert [pod["status"]["phase"] for pod in pods] == ["Running"] * 3
