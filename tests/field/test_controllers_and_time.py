"""Reported problems of workloads that wait, end and are replaced, as scenarios of a simulated cluster.

Each test names the reports that it is derived from.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests import builders

import kschedcore as ks
from kschedcore.errors import DrainTimeoutError

Object = dict[str, Any]

RUNNING = "Running"


def workload(name: str, kind: str = "Deployment", replicas: int = 1, **spec: Any) -> Object:
    container = {"name": "web", "image": "web:1", **spec.pop("container", {})}
    made = builders.workload(kind, name, replicas, containers=[container], **spec)
    made["spec"] |= {"serviceName": name} if kind == "StatefulSet" else {}
    return made


def storage_class(name: str, **fields: Any) -> Object:
    metadata = {"name": name, **fields.pop("metadata", {})}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    return {**kind, "metadata": metadata, "provisioner": "disks.example.com", **fields}


def phases(cluster: ks.Cluster) -> Counter[str]:
    return Counter(pod["status"]["phase"] for pod in cluster.list("pods"))


REFUSED = {
    "NodePorts": workload(
        "edge", replicas=2, nodeName="node-1", container={"ports": [{"containerPort": 80, "hostPort": 80}]}
    ),
    "OutOfcpu": workload("big", nodeName="node-1", container={"resources": {"requests": {"cpu": "5000"}}}),
    "NodeAffinity": workload("picky", nodeName="node-1", nodeSelector={"disk": "ssd"}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_node_that_refuses_pods_gets_another_at_a_finite_pace(reason: str) -> None:
    """kubernetes/kubernetes#120160, #89007, #114637, #43846."""
    with ks.Cluster.simulated(nodes=2, seed=1) as cluster:
        cluster.apply(REFUSED[reason])
        cluster.run_for("1m")
        found = phases(cluster)
        assert 10 < found["Failed"] < 1000
        assert found[RUNNING] == (reason == "NodePorts")
        assert {pod["status"].get("reason") for pod in cluster.list("pods")} <= {reason, None}


def test_a_stateful_set_that_its_node_refuses_is_replaced_at_a_finite_pace() -> None:
    """kubernetes/kubernetes#43846."""
    picky = workload("picky", "StatefulSet", nodeName="node-1", nodeSelector={"disk": "ssd"})
    with ks.Cluster.simulated(nodes=2, seed=1) as cluster:
        cluster.apply(picky)
        cluster.run_for("1m")
        assert len(cluster.list("pods")) <= 1


def test_each_generation_of_pods_stays_for_its_toleration_seconds() -> None:
    """kubernetes/kubernetes#117520."""
    tolerations = [{"key": "draining", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10}]
    seen: list[set[str]] = []
    with ks.Cluster.simulated(nodes=1, seed=1) as cluster:
        cluster.taint("nodes/node-1", "draining=:NoExecute")
        cluster.apply(workload("hello", replicas=2, tolerations=tolerations))
        for _ in range(5):
            cluster.run_for("5s")
            seen.append({pod["metadata"]["name"] for pod in cluster.list("pods")})
    assert len(set().union(*seen)) == 6
    assert seen[0] & seen[1]
    assert not seen[0] & seen[2]


def test_toleration_seconds_of_a_later_pod_count_from_when_it_comes() -> None:
    """kubernetes/kubernetes#92170."""
    tolerations = [{"key": "draining", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}]

    def pod(name: str) -> Object:
        spec = {"tolerations": tolerations, "containers": [{"name": "c", "image": "hello:1"}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}

    with ks.Cluster.simulated(nodes=1, seed=1) as cluster:
        cluster.taint("nodes/node-1", "draining=yes:NoExecute")
        cluster.apply(pod("first"))
        cluster.run_for("30m")
        assert cluster.list("pods") == []
        cluster.apply(pod("later"))
        cluster.run_for("30s")
        assert phases(cluster) == {RUNNING: 1}


def test_a_stateful_set_mounts_its_claim_templates() -> None:
    """The commonest StatefulSet: Cassandra's, Longhorn's, etcd's and ZooKeeper's examples."""
    mounts = [{"name": "data", "mountPath": "/var/lib/db"}]
    ring = workload("ring", "StatefulSet", replicas=2, container={"volumeMounts": mounts})
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    ring["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
    with ks.Cluster.simulated(nodes=2, seed=1) as cluster:
        cluster.apply(storage_class("fast", volumeBindingMode="WaitForFirstConsumer"), ring)
        cluster.run_for("5m")
        assert phases(cluster) == {RUNNING: 2}
        assert {each["status"]["phase"] for each in cluster.list("persistentvolumeclaims")} == {"Bound"}


def test_a_generic_ephemeral_volume_gets_its_claim() -> None:
    """kubernetes/autoscaler#7321."""
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "scratch",
        "resources": {"requests": {"storage": "5Gi"}},
    }
    volumes = [{"name": "tmp", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}]
    with ks.Cluster.simulated(nodes=2, seed=1) as cluster:
        cluster.apply(
            storage_class("scratch", volumeBindingMode="WaitForFirstConsumer"),
            workload("sorter", volumes=volumes),
        )
        cluster.run_for("5m")
        [pod] = cluster.list("pods")
        assert pod["status"]["phase"] == RUNNING
        [found] = cluster.list("persistentvolumeclaims")
        assert found["metadata"]["name"] == f"{pod['metadata']['name']}-tmp"
        assert found["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
        cluster.delete("deployments/sorter")
        cluster.run_for("5m")
        assert cluster.list("persistentvolumeclaims") == []


def test_quota_is_given_back_for_a_pod_that_cannot_end_on_a_lost_node() -> None:
    """kubernetes/kubernetes#52436, #46542, #113293."""
    hard = {"pods": "2", "requests.cpu": "2"}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q"},
        "spec": {"hard": hard},
    }
    web = workload("web", replicas=2, container={"resources": {"requests": {"cpu": "1"}}})
    with ks.Cluster.simulated(nodes=3, seed=1) as cluster:
        cluster.create(quota)
        cluster.run_until_settled()
        cluster.apply(web)
        cluster.run_until_settled()
        cluster.fail_node(cluster.list("pods")[0]["spec"]["nodeName"])
        cluster.run_for("30m")
        leaving = [pod for pod in cluster.list("pods") if "deletionTimestamp" in pod["metadata"]]
        assert (len(leaving), len(cluster.list("pods"))) == (1, 3)
        assert cluster.get("resourcequota/q")["status"]["used"] == hard


def test_a_budget_without_numbers_allows_no_eviction() -> None:
    """emqx/emqx-operator#1227."""
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "b"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
    }
    with ks.Cluster.simulated(nodes=3, seed=1) as cluster:
        cluster.apply(budget)
        cluster.apply(workload("web", replicas=2))
        cluster.run_until_settled()
        status = cluster.get("pdb/b")["status"]
        assert (status["disruptionsAllowed"], status["expectedPods"], status["currentHealthy"]) == (0, 0, 2)
        with pytest.raises(DrainTimeoutError):
            cluster.drain(cluster.list("pods")[0]["spec"]["nodeName"], timeout="1m")


@pytest.mark.parametrize(("used", "replicas"), [("559m", 10), ("561m", 12)])
def test_the_autoscaler_compares_whole_percents(tmp_path: Path, used: str, replicas: int) -> None:
    """kubernetes/kubernetes#106247, kubernetes-sigs/prometheus-adapter#383."""
    behaviours = tmp_path / "behaviours.json"
    found = [{"match": {"labels": {"app": "web"}}, "usage": [{"cpu": used}]}]
    behaviours.write_text(json.dumps({"behaviours": found}))
    resource = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 12,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": resource}],
        },
    }
    web = workload("web", replicas=10, container={"resources": {"requests": {"cpu": "1"}}})
    with ks.Cluster.simulated(nodes=6, seed=1, behaviours=str(behaviours)) as cluster:
        cluster.apply(web)
        cluster.run_for("10m")
        cluster.apply(autoscaler)
        cluster.run_for("40s")
        assert cluster.get("deployment/web")["spec"]["replicas"] == replicas


def test_a_claim_gets_a_default_class_that_comes_later() -> None:
    """kubernetes/kubernetes#99629, KEP-3333."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    with ks.Cluster.simulated(nodes=1, seed=1) as cluster:
        cluster.apply(claim, storage_class("standard", metadata=default))
        cluster.run_for("2m")
        found = cluster.get("pvc/data")
        assert (found["spec"]["storageClassName"], found["status"]["phase"]) == ("standard", "Bound")
