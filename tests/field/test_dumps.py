"""Cases from public trackers for dumps: a cluster that exists is restored, not created again."""

from __future__ import annotations

from typing import Any

import pytest
from tests import builders

import kschedcore as ks
from kschedcore.errors import ManifestError

RUNNING = {"phase": "Running"}


def node(name: str, ready: str | None = None, uid: str = "", **spec: Any) -> dict[str, Any]:
    made = builders.node(name, memory="8Gi", **spec)
    made["metadata"] |= {"uid": uid} if uid else {}
    conditions = [] if ready is None else [{"type": "Ready", "status": ready, "reason": "NodeStatusUnknown"}]
    made["status"] = {**made["status"], "conditions": conditions}
    return made


def pod(name: str, cpu: str, node_name: str = "", status: Any = None, **metadata: Any) -> dict[str, Any]:
    where: dict[str, Any] = {"nodeName": node_name} if node_name else {}
    return builders.pod(name, cpu, meta=metadata, status=status, **where)


def owner(kind: str, name: str, uid: str) -> dict[str, Any]:
    version = "v1" if kind == "Node" else "apps/v1"
    return {"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": True}


def states(cluster: Any) -> dict[str, tuple[str, str | None]]:
    return {
        each["metadata"]["name"]: (each["status"]["phase"], each["spec"].get("nodeName"))
        for each in cluster.list("pods")
    }


def test_pods_with_owners() -> None:
    """velero-io/velero#7862, kubernetes-sigs/kube-scheduler-simulator#268: owners outside the dump are not gone."""
    dump = [
        node("n1", "True", uid="node-1"),
        pod("api-x1", "3", "n1", RUNNING, uid="p1", ownerReferences=[owner("ReplicaSet", "api", "rs-1")]),
        pod("proxy", "500m", "n1", RUNNING, uid="p2", ownerReferences=[owner("Node", "n1", "node-1")]),
        pod("new", "2", uid="p3", status={"phase": "Pending"}),
    ]
    with ks.Cluster.simulated(nodes=dump, seed=1) as cluster:
        cluster.run_for("10m")
        assert states(cluster) == {
            "api-x1": ("Running", "n1"),
            "proxy": ("Running", "n1"),
            "new": ("Pending", None),
        }
        assert cluster.get("pod/api-x1")["metadata"]["uid"] == "p1"


def test_pods_of_owners_in_the_dump_are_theirs() -> None:
    selector = {"matchLabels": {"app": "api"}}
    template = {
        "metadata": {"labels": {"app": "api"}},
        "spec": {"containers": [{"name": "c", "image": "app:1"}]},
    }
    replica_set = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "api", "namespace": "default", "uid": "rs-1"},
        "spec": {"replicas": 2, "selector": selector, "template": template},
    }
    references = [owner("ReplicaSet", "api", "rs-1")]
    labels = {"app": "api"}
    there = pod("api-x1", "1", "n1", RUNNING, uid="p1", labels=labels, ownerReferences=references)
    with ks.Cluster.simulated(nodes=[node("n1"), there, replica_set], seed=1) as cluster:
        cluster.run_for("1m")
        assert len(states(cluster)) == 2
        assert states(cluster)["api-x1"] == ("Running", "n1")
        cluster.delete("replicaset/api")
        cluster.run_for("2m")
        assert states(cluster) == {}


def test_finished_pods_and_nodes_that_are_down() -> None:
    """kubernetes/kubernetes#109663: finished pods hold nothing, and a node that is down stays so until its repair."""
    taints = [
        {"key": "node.kubernetes.io/unreachable", "effect": effect} for effect in ("NoSchedule", "NoExecute")
    ]
    dump = [
        node("n1"),
        node("dead", "Unknown", taints=taints),
        pod("done", "3", "n1", {"phase": "Succeeded"}),
        pod("old", "1", "n1", {"phase": "Failed", "reason": "Evicted"}),
        pod("new", "3", status={"phase": "Pending"}),
    ]
    with ks.Cluster.simulated(nodes=dump, seed=1) as cluster:
        for span in ("5s", "5m"):
            cluster.run_for(span)
            assert states(cluster) == {
                "done": ("Succeeded", "n1"),
                "old": ("Failed", "n1"),
                "new": ("Running", "n1"),
            }
        ready = [
            c["status"] for c in cluster.get("node/dead")["status"]["conditions"] if c["type"] == "Ready"
        ]
        assert ready != ["True"]
        cluster.repair_node("dead")
        cluster.run_for("1m")
        ready = [
            c["status"] for c in cluster.get("node/dead")["status"]["conditions"] if c["type"] == "Ready"
        ]
        assert ready == ["True"]


OTHERS: dict[str, dict[str, Any]] = {
    "a namespace that every cluster has": {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "default", "labels": {"kubernetes.io/metadata.name": "default"}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    },
    "a priority class that every cluster has": {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "system-node-critical"},
        "value": 2000001000,
    },
    "a service account that every namespace has": {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "default"},
    },
    "a service of another address range": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"clusterIP": "172.20.0.1", "clusterIPs": ["172.20.0.1"], "ports": [{"port": 443}]},
    },
    "a finished job with its selector": {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "done", "namespace": "default", "uid": "j1"},
        "spec": {
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "j1"}},
            "template": {
                "metadata": {"labels": {"batch.kubernetes.io/controller-uid": "j1"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "c:1"}]},
            },
        },
        "status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]},
    },
    "a role": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "system:reader"},
        "rules": [],
    },
    "a custom resource": {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}},
}


@pytest.mark.parametrize("item", OTHERS.values(), ids=OTHERS)
def test_objects_that_clusters_hold(item: dict[str, Any]) -> None:
    """kubernetes-sigs/kube-scheduler-simulator#432, acrlabs/simkube#129: nothing in a dump is in the way."""
    with ks.Cluster.simulated(nodes=[node("n1"), item, pod("p", "1")], seed=1) as cluster:
        cluster.run_for("1m")
        assert states(cluster)["p"] == ("Running", "n1")
        assert len(states(cluster)) == 1


def test_what_is_left_aside_is_counted() -> None:
    with ks.Cluster.simulated(nodes=[node("n1"), OTHERS["a custom resource"]]) as cluster:
        assert cluster.left_aside == {"Widget": 1}


def test_a_mistake_in_a_kind_is_refused() -> None:
    with pytest.raises(ManifestError, match='no matches for kind "Podd" in version "v1"'):
        ks.Cluster.simulated(nodes=[{"apiVersion": "v1", "kind": "Podd", "metadata": {"name": "p"}}])
