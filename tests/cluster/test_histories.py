"""The same calls and seed give the same history, byte for byte; and restarts do not show in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import kschedcore as ks


def deployment(name: str, replicas: int, image: str) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def job(name: str) -> dict[str, Any]:
    spec = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}
    body = {"completions": 4, "parallelism": 2, "template": {"spec": spec}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": body}


def live(cluster: ks.Cluster, *restarted: str) -> None:
    """Some minutes of life, with restarts here and there."""
    steps: list[Callable[[], object]] = [
        lambda: cluster.apply(deployment("web", 4, "nginx:1"), job("once")),
        lambda: cluster.run_for("700ms"),
        lambda: cluster.apply(deployment("web", 5, "nginx:2")),
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
        live(cluster)
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
def test_restarts_do_not_show_in_the_end(component: str) -> None:
    with ks.Cluster.simulated(nodes=3, seed=7) as cluster:
        live(cluster, component)
        status = cluster.get("deploy/web")["status"]
        assert (status["replicas"], status["readyReplicas"], status["updatedReplicas"]) == (3, 3, 3)
        assert cluster.get("job/once")["status"]["succeeded"] == 4
        pods = cluster.list("pods", selector="app=web")
        assert [pod["status"]["phase"] for pod in pods] == ["Running"] * 3
