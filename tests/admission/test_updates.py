"""What may change about an object, and what may not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from .memory import RESOURCES, Cluster, refusal
from .samples import sample


@pytest.fixture
def cluster() -> Cluster:
    return Cluster().with_namespace("ns")


def changed(cluster: Cluster, plural: str, start: dict[str, Any], changes: dict[str, Any]) -> Any:
    """Create ``start``, then update it with the values at some dotted paths; the stored object."""
    namespace = "ns" if RESOURCES[plural].namespaced else ""
    obj = copy.deepcopy(cluster.create(plural, start, namespace))
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = obj
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return cluster.update(plural, obj, namespace)


def fields(cluster: Cluster, plural: str, start: dict[str, Any], changes: dict[str, Any]) -> set[str]:
    error = refusal(lambda: changed(cluster, plural, start, changes))
    assert error.code == 422
    assert error.details is not None
    return {cause["field"] for cause in error.details["causes"]}


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("pods", {"spec.containers.0.image": "nginx:2"}),
    ("pods", {"spec.activeDeadlineSeconds": 30}),
    ("pods", {"metadata.labels": {"a": "b"}}),
    ("deployments", {"spec.replicas": 5, "spec.paused": True}),
    ("statefulsets", {"spec.replicas": 2, "spec.template.spec.containers.0.image": "nginx:2"}),
    ("daemonsets", {"spec.minReadySeconds": 3}),
    ("jobs", {"spec.parallelism": 4, "spec.suspend": True}),
    ("services", {"spec.type": "NodePort"}),
    ("configmaps", {"data": {"b": "2"}}),
    ("persistentvolumeclaims", {"spec.volumeName": "disk"}),
    ("resourcequotas", {"spec.hard": {"pods": "3"}}),
    ("storageclasses", {"allowVolumeExpansion": True}),
]
REFUSED: list[tuple[str, dict[str, Any], set[str]]] = [
    ("pods", {"spec.nodeSelector": {"a": "b"}}, {"spec"}),
    ("pods", {"spec.containers": []}, {"spec.containers"}),
    ("pods", {"metadata.uid": "other"}, {"metadata.uid"}),
    ("deployments", {"spec.selector": {"matchLabels": {"b": "b"}}},
     {"spec.selector", "spec.template.metadata.labels"}),
    ("statefulsets", {"spec.serviceName": "t"}, {"spec"}),
    ("jobs", {"spec.completions": 7}, {"spec.completions"}),
    ("jobs", {"spec.template.spec.containers.0.image": "other"}, {"spec.template.spec"}),
    ("services", {"spec.clusterIP": "10.96.9.9"}, {"spec.clusterIPs[0]"}),
    ("persistentvolumeclaims", {"spec.resources.requests.storage": "2Gi"}, {"spec"}),
    ("persistentvolumes", {"spec.hostPath.path": "/other"}, {"spec.persistentvolumesource"}),
    ("resourcequotas", {"spec.scopes": ["NotTerminating"]}, {"spec.scopes"}),
    ("priorityclasses", {"value": 11}, {"value"}),
    ("runtimeclasses", {"handler": "kata"}, {"handler"}),
    ("secrets", {"type": "other"}, {"type"}),
    ("storageclasses", {"provisioner": "example.com/other"}, {"provisioner"}),
]  # fmt: skip


@pytest.mark.parametrize(("plural", "changes"), ACCEPTED)
def test_accepted(cluster: Cluster, plural: str, changes: dict[str, Any]) -> None:
    assert changed(cluster, plural, sample(plural), changes)["metadata"]["name"] == "x"


@pytest.mark.parametrize(("plural", "changes", "where"), REFUSED)
def test_refused(cluster: Cluster, plural: str, changes: dict[str, Any], where: set[str]) -> None:
    assert fields(cluster, plural, sample(plural), changes) == where


def gated(**spec: Any) -> dict[str, Any]:
    pod = sample("pods")
    pod["spec"].update(schedulingGates=[{"name": "a.b/c"}, {"name": "a.b/d"}], **spec)
    return pod


def required(*expressions: str) -> dict[str, Any]:
    wanted = [{"key": key, "operator": "Exists"} for key in expressions]
    terms = {"nodeSelectorTerms": [{"matchExpressions": wanted}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


class TestSchedulingReadiness:
    """KEP-3521 and KEP-3838: gates only go, and while one is there a pod may be narrowed to fewer nodes."""

    def test_gates_hold_a_new_pod_back(self, cluster: Cluster) -> None:
        (condition,) = cluster.create("pods", gated(), "ns")["status"]["conditions"]
        assert (condition["type"], condition["status"]) == ("PodScheduled", "False")
        assert condition["reason"] == "SchedulingGated"

    def test_gates_are_removed_in_any_order(self, cluster: Cluster) -> None:
        after = changed(cluster, "pods", gated(), {"spec.schedulingGates": [{"name": "a.b/d"}]})
        assert after["spec"]["schedulingGates"] == [{"name": "a.b/d"}]

    def test_gates_are_not_added(self, cluster: Cluster) -> None:
        more = {"spec.schedulingGates": [{"name": "a.b/c"}, {"name": "new/x"}]}
        assert fields(cluster, "pods", gated(), more) == {"spec.schedulingGates[1].name"}
        assert fields(cluster, "pods", sample("pods", "y"), more) == {
            "spec.schedulingGates[0].name",
            "spec.schedulingGates[1].name",
        }

    def test_a_gated_pod_may_select_fewer_nodes(self, cluster: Cluster) -> None:
        start = gated(nodeSelector={"a": "b"}, affinity=required("disk"))
        narrower = {"spec.nodeSelector.zone": "z", "spec.affinity": required("disk", "gpu")}
        after = changed(cluster, "pods", start, narrower)
        assert after["spec"]["nodeSelector"] == {"a": "b", "zone": "z"}

    def test_a_gated_pod_may_not_select_other_nodes(self, cluster: Cluster) -> None:
        start = gated(nodeSelector={"a": "b"}, affinity=required("disk"))
        assert fields(cluster, "pods", start, {"spec.nodeSelector": {"a": "c"}}) == {"spec.nodeSelector"}
        term = (
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
        )
        start["metadata"]["name"] = "y"
        assert fields(cluster, "pods", start, {"spec.affinity": required("gpu")}) == {term}

    def test_once_ungated_its_nodes_are_fixed(self, cluster: Cluster) -> None:
        changed(cluster, "pods", gated(), {"spec.schedulingGates": None})
        pod = copy.deepcopy(cluster.get("pods", "ns", "x"))
        assert pod is not None
        pod["spec"]["nodeSelector"] = {"a": "b"}
        assert refusal(lambda: cluster.update("pods", pod, "ns")).code == 422


def test_tolerations_are_only_added(cluster: Cluster) -> None:
    start = sample("pods")
    start["spec"]["tolerations"] = [{"key": "a", "operator": "Exists"}]
    added = [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]
    kept = changed(cluster, "pods", start, {"spec.tolerations": added})["spec"]["tolerations"]
    assert [t["key"] for t in kept[:2]] == ["a", "b"]
    pod = copy.deepcopy(cluster.get("pods", "ns", "x"))
    assert pod is not None
    pod["spec"]["tolerations"] = [{"key": "b", "operator": "Exists"}]
    error = refusal(lambda: cluster.update("pods", pod, "ns"))
    assert "existing toleration can not be modified except its tolerationSeconds" in error.message


def test_a_deadline_only_shrinks(cluster: Cluster) -> None:
    start = sample("pods")
    start["spec"]["activeDeadlineSeconds"] = 100
    assert changed(cluster, "pods", start, {"spec.activeDeadlineSeconds": 50})
    for value in (60, None):
        pod = copy.deepcopy(cluster.get("pods", "ns", "x"))
        assert pod is not None
        pod["spec"]["activeDeadlineSeconds"] = value
        assert refusal(lambda pod=pod: cluster.update("pods", pod, "ns")).code == 422


def test_a_suspended_job_may_be_aimed_at_other_nodes(cluster: Cluster) -> None:
    start = sample("jobs")
    start["spec"]["suspend"] = True
    aimed = {"spec.template.spec.nodeSelector": {"zone": "a"}}
    assert changed(cluster, "jobs", start, aimed)["spec"]["template"]["spec"]["nodeSelector"] == {"zone": "a"}
    assert fields(cluster, "jobs", sample("jobs", "y"), aimed) == {"spec.template.spec"}


def test_a_suspended_job_may_change_the_resources_of_its_containers(cluster: Cluster) -> None:
    start = sample("jobs")
    start["spec"]["suspend"] = True
    wanted = {"spec.template.spec.containers.0.resources": {"requests": {"cpu": "3"}}}
    template = changed(cluster, "jobs", start, wanted)["spec"]["template"]["spec"]
    assert template["containers"][0]["resources"] == {"requests": {"cpu": "3"}}
    assert fields(cluster, "jobs", sample("jobs", "y"), wanted) == {"spec.template.spec"}


def test_an_immutable_config_map_stays(cluster: Cluster) -> None:
    start = {**sample("configmaps"), "immutable": True}
    assert fields(cluster, "configmaps", start, {"immutable": None, "data": {"a": "2"}}) == {
        "immutable",
        "data",
    }


def test_status_is_its_own_subresource(cluster: Cluster) -> None:
    cluster.create("pods", sample("pods"), "ns")
    pod = copy.deepcopy(cluster.get("pods", "ns", "x"))
    assert pod is not None
    pod["status"]["phase"] = "Running"
    pod["spec"]["nodeSelector"] = {"a": "b"}
    by_status = cluster.update("pods", pod, "ns", "status")
    assert by_status["status"]["phase"] == "Running"
    assert "nodeSelector" not in by_status["spec"]
    again = copy.deepcopy(by_status)
    again["status"]["phase"] = "Failed"
    assert cluster.update("pods", again, "ns")["status"]["phase"] == "Running"


def test_nothing_new_holds_what_is_being_deleted(cluster: Cluster) -> None:
    cluster.create("configmaps", sample("configmaps"), "ns")
    key = ("configmaps", "ns", "x")
    stored = cluster.objects[key]
    dying = {**stored["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a.b/c"]}
    cluster.objects[key] = {**stored, "metadata": dying}
    held = copy.deepcopy(cluster.objects[key])
    held["metadata"]["finalizers"] = ["a.b/c", "n.m/o"]
    error = refusal(lambda: cluster.update("configmaps", held, "ns"))
    assert 'found new finalizers []string{"n.m/o"}' in error.message


def test_a_status_update_does_not_touch_what_a_daemon_set_counts(cluster: Cluster) -> None:
    annotation = "deprecated.daemonset.template.generation"
    cluster.create("daemonsets", sample("daemonsets"), "ns")
    updated = copy.deepcopy(cluster.get("daemonsets.apps", "ns", "x"))
    assert updated is not None
    updated["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2"
    assert cluster.update("daemonsets", updated, "ns")["metadata"]["annotations"][annotation] == "2"
    same = copy.deepcopy(cluster.get("daemonsets.apps", "ns", "x"))
    assert same is not None
    same["status"]["numberReady"] = 1
    after = cluster.update("daemonsets", same, "ns", "status")
    assert after["metadata"]["annotations"][annotation] == "2"


def test_a_refused_change_is_shown(cluster: Cluster) -> None:
    error = refusal(lambda: changed(cluster, "pods", sample("pods"), {"spec.nodeSelector": {"a": "b"}}))
    told, _, diff = error.message.partition("\n")
    assert told.startswith(
        'Pod "x" is invalid: spec: Forbidden: pod updates may not change fields other than'
    )
    assert diff.startswith("@@")
    assert [line for line in diff.splitlines()[2:] if line[0] in "+-"] == [
        '- "NodeSelector": null,',
        '+ "NodeSelector": {',
        '+  "a": "b"',
        "+ },",
    ]


def test_a_job_without_labels_carries_those_of_its_pods(cluster: Cluster) -> None:
    labelled = sample("jobs")
    labelled["spec"]["template"]["metadata"] = {"labels": {"app": "a"}}
    labels = cluster.create("jobs", labelled, "ns")["metadata"]["labels"]
    assert labels.keys() == {
        "app",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-uid",
        "job-name",
    }
    named = sample("jobs", "y")
    named["metadata"]["labels"] = {"own": "1"}
    assert cluster.create("jobs", named, "ns")["metadata"]["labels"] == {"own": "1"}
