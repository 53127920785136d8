"""Workloads with billions of pods: bounded time and memory, and the rest of the cluster keeps working."""

from __future__ import annotations

from typing import Any

import pytest

import kschedcore as ks
from kschedcore.controllers import controller, replicaset
from kschedcore.controllers.job import controller as job
from kschedcore.controllers.statefulset import controller as statefulset

MOST = 2**31 - 1
LABELS = {"app": "a"}
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": LABELS},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
JOB = {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
WORKLOAD = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
SCALER = {
    "minReplicas": MOST,
    "maxReplicas": MOST,
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "edge"},
}
APPS, BATCH = "/apis/apps/v1/namespaces/default", "/apis/batch/v1/namespaces/default"
SCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
SCALE = f"{APPS}/deployments/edge/scale"

Request = tuple[str, str, Any]

CASES: dict[str, list[Request]] = {
    "deployment": [("POST", f"{APPS}/deployments", {"replicas": MOST, **WORKLOAD})],
    "scale": [
        ("POST", f"{APPS}/deployments", {"replicas": 0, **WORKLOAD}),
        ("PATCH", SCALE, {"replicas": MOST}),
    ],
    "autoscaler": [
        ("POST", f"{APPS}/deployments", {"replicas": 1, **WORKLOAD}),
        ("POST", SCALERS, SCALER),
    ],
    "parallel set": [
        (
            "POST",
            f"{APPS}/statefulsets",
            {"replicas": MOST, "serviceName": "s", "podManagementPolicy": "Parallel", **WORKLOAD},
        )
    ],
    "ordered set": [
        (
            "POST",
            f"{APPS}/statefulsets",
            {"replicas": MOST, "serviceName": "s", "ordinals": {"start": MOST}, **WORKLOAD},
        )
    ],
    "job": [("POST", f"{BATCH}/jobs", {"parallelism": MOST, "completions": MOST, "template": JOB})],
    "indexed job": [
        (
            "POST",
            f"{BATCH}/jobs",
            {"completionMode": "Indexed", "parallelism": 100_000, "completions": 100_000, "template": JOB},
        )
    ],
    "cron job": [
        (
            "POST",
            f"{BATCH}/cronjobs",
            {"schedule": "* * * * *", "jobTemplate": {"spec": {"parallelism": MOST, "template": JOB}}},
        )
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_a_cluster_goes_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits are lower here than by default, so that the test is quick."""
    for module in (replicaset, job, statefulset):
        monkeypatch.setattr(module, "_BURST", 20)
    monkeypatch.setattr(controller._Passes, "CREATED", controller._Passes.CREATED._replace(burst=10))
    with ks.Cluster.simulated(nodes=1, seed=1) as cluster:
        for method, path, spec in CASES[name]:
            metadata = {} if method == "PATCH" else {"metadata": {"name": "edge"}}
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            assert cluster.request(method, path, {**metadata, "spec": spec}, kind)[0] in (200, 201)
        cluster.run_for("70s" if name == "cron job" else "10s")
        # A pass makes up to 20 pods, which are worth a second.
        assert 0 < len(cluster.list("pods")) <= (1500 if name == "cron job" else 250)


def test_a_large_workload_is_made_in_full() -> None:
    with ks.Cluster.simulated(nodes=1, seed=1) as cluster:
        cluster.request(
            "POST", f"{APPS}/replicasets", {"metadata": {"name": "a"}, "spec": {"replicas": 600, **WORKLOAD}}
        )
        cluster.run_for("1s")
        assert len(cluster.list("pods")) == 600
