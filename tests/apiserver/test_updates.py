"""Updates: the fields that may change and those that are immutable."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest

from .samples import sample
from .server import RESOURCES, Server, refusal


@pytest.fixture
def server() -> Server:
    return Server()


def changed(server: Server, plural: str, start: dict[str, Any], changes: dict[str, Any]) -> Any:
    """Create ``start``, then update it with the values at some dotted paths; the stored object."""
    namespace = "ns" if RESOURCES[plural].namespaced else ""
    obj = server.create(plural, start, namespace)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place: Any = obj
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return server.update(plural, obj, namespace)


def fields(server: Server, plural: str, start: dict[str, Any], changes: dict[str, Any]) -> set[str]:
    error = refusal(lambda: changed(server, plural, start, changes))
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
def test_accepted(server: Server, plural: str, changes: dict[str, Any]) -> None:
    assert changed(server, plural, sample(plural), changes)["metadata"]["name"] == "x"


@pytest.mark.parametrize(("plural", "changes", "where"), REFUSED)
def test_refused(server: Server, plural: str, changes: dict[str, Any], where: set[str]) -> None:
    assert fields(server, plural, sample(plural), changes) == where


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

    def test_a_pod_with_gates_gets_the_condition_schedulinggated(self, server: Server) -> None:
        (condition,) = server.create("pods", gated(), "ns")["status"]["conditions"]
        assert (condition["type"], condition["status"]) == ("PodScheduled", "False")
        assert condition["reason"] == "SchedulingGated"

    def test_gates_are_removed_in_any_order(self, server: Server) -> None:
        after = changed(server, "pods", gated(), {"spec.schedulingGates": [{"name": "a.b/d"}]})
        assert after["spec"]["schedulingGates"] == [{"name": "a.b/d"}]

    def test_gates_are_not_added(self, server: Server) -> None:
        more = {"spec.schedulingGates": [{"name": "a.b/c"}, {"name": "new/x"}]}
        assert fields(server, "pods", gated(), more) == {"spec.schedulingGates[1].name"}
        assert fields(server, "pods", sample("pods", "y"), more) == {
            "spec.schedulingGates[0].name",
            "spec.schedulingGates[1].name",
        }

    def test_a_gated_pod_may_select_fewer_nodes(self, server: Server) -> None:
        start = gated(nodeSelector={"a": "b"}, affinity=required("disk"))
        narrower = {"spec.nodeSelector.zone": "z", "spec.affinity": required("disk", "gpu")}
        after = changed(server, "pods", start, narrower)
        assert after["spec"]["nodeSelector"] == {"a": "b", "zone": "z"}

    def test_a_gated_pod_may_not_select_other_nodes(self, server: Server) -> None:
        start = gated(nodeSelector={"a": "b"}, affinity=required("disk"))
        assert fields(server, "pods", start, {"spec.nodeSelector": {"a": "c"}}) == {"spec.nodeSelector"}
        term = (
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
        )
        start["metadata"]["name"] = "y"
        assert fields(server, "pods", start, {"spec.affinity": required("gpu")}) == {term}

    def test_the_node_selector_of_an_ungated_pod_cannot_change(self, server: Server) -> None:
        changed(server, "pods", gated(), {"spec.schedulingGates": None})
        pod = server.get("pods", "ns", "x")
        pod["spec"]["nodeSelector"] = {"a": "b"}
        assert refusal(lambda: server.update("pods", pod, "ns")).code == 422


def test_tolerations_can_only_be_added(server: Server) -> None:
    start = sample("pods")
    start["spec"]["tolerations"] = [{"key": "a", "operator": "Exists"}]
    added = [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]
    kept = changed(server, "pods", start, {"spec.tolerations": added})["spec"]["tolerations"]
    assert [t["key"] for t in kept[:2]] == ["a", "b"]
    pod = server.get("pods", "ns", "x")
    pod["spec"]["tolerations"] = [{"key": "b", "operator": "Exists"}]
    error = refusal(lambda: server.update("pods", pod, "ns"))
    assert "existing toleration can not be modified except its tolerationSeconds" in error.message


def test_a_deadline_can_only_be_shortened(server: Server) -> None:
    start = sample("pods")
    start["spec"]["activeDeadlineSeconds"] = 100
    assert changed(server, "pods", start, {"spec.activeDeadlineSeconds": 50})
    for value in (60, None):
        pod = server.get("pods", "ns", "x")
        pod["spec"]["activeDeadlineSeconds"] = value
        assert refusal(partial(server.update, "pods", pod, "ns")).code == 422


def test_the_node_selector_of_a_suspended_job_may_change(server: Server) -> None:
    start = sample("jobs")
    start["spec"]["suspend"] = True
    aimed = {"spec.template.spec.nodeSelector": {"zone": "a"}}
    assert changed(server, "jobs", start, aimed)["spec"]["template"]["spec"]["nodeSelector"] == {"zone": "a"}
    assert fields(server, "jobs", sample("jobs", "y"), aimed) == {"spec.template.spec"}


def test_a_suspended_job_may_change_the_resources_of_its_containers(server: Server) -> None:
    start = sample("jobs")
    start["spec"]["suspend"] = True
    wanted = {"spec.template.spec.containers.0.resources": {"requests": {"cpu": "3"}}}
    template = changed(server, "jobs", start, wanted)["spec"]["template"]["spec"]
    assert template["containers"][0]["resources"] == {"requests": {"cpu": "3"}}
    assert fields(server, "jobs", sample("jobs", "y"), wanted) == {"spec.template.spec"}


def test_an_immutable_config_map_cannot_change(server: Server) -> None:
    start = {**sample("configmaps"), "immutable": True}
    assert fields(server, "configmaps", start, {"immutable": None, "data": {"a": "2"}}) == {
        "immutable",
        "data",
    }


def test_status_is_a_subresource(server: Server) -> None:
    server.create("pods", sample("pods"), "ns")
    pod = server.get("pods", "ns", "x")
    pod["status"]["phase"] = "Running"
    pod["spec"]["nodeSelector"] = {"a": "b"}
    by_status = server.update("pods", pod, "ns", "status")
    assert by_status["status"]["phase"] == "Running"
    assert "nodeSelector" not in by_status["spec"]
    again = copy.deepcopy(by_status)
    again["status"]["phase"] = "Failed"
    assert server.update("pods", again, "ns")["status"]["phase"] == "Running"


def test_no_finalizer_is_added_to_an_object_that_is_being_deleted(server: Server) -> None:
    held = sample("configmaps")
    held["metadata"]["finalizers"] = ["a.b/c"]
    server.create("configmaps", held, "ns")
    deleted = server.delete("configmaps", "ns", "x")
    deleted["metadata"]["finalizers"].append("n.m/o")
    error = refusal(lambda: server.update("configmaps", deleted, "ns"))
    assert 'found new finalizers []string{"n.m/o"}' in error.message


def test_a_status_update_keeps_the_template_generation_of_a_daemon_set(server: Server) -> None:
    annotation = "deprecated.daemonset.template.generation"
    server.create("daemonsets", sample("daemonsets"), "ns")
    updated = server.get("daemonsets", "ns", "x")
    updated["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2"
    assert server.update("daemonsets", updated, "ns")["metadata"]["annotations"][annotation] == "2"
    same = server.get("daemonsets", "ns", "x")
    same["status"]["numberReady"] = 1
    after = server.update("daemonsets", same, "ns", "status")
    assert after["metadata"]["annotations"][annotation] == "2"


def test_the_refusal_of_a_pod_update_contains_a_diff(server: Server) -> None:
    error = refusal(lambda: changed(server, "pods", sample("pods"), {"spec.nodeSelector": {"a": "b"}}))
    message, _, diff = error.message.partition("\n")
    assert message.startswith(
        'Pod "x" is invalid: spec: Forbidden: pod updates may not change fields other than'
    )
    assert diff.startswith("@@")
    assert [line for line in diff.splitlines()[2:] if line[0] in "+-"] == [
        '- "NodeSelector": null,',
        '+ "NodeSelector": {',
        '+  "a": "b"',
        "+ },",
    ]


def test_a_job_without_labels_gets_those_of_its_template(server: Server) -> None:
    labelled = sample("jobs")
    labelled["spec"]["template"]["metadata"] = {"labels": {"app": "a"}}
    labels = server.create("jobs", labelled, "ns")["metadata"]["labels"]
    assert labels.keys() == {
        "app",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "controller-uid",
        "job-name",
    }
    named = sample("jobs", "y")
    named["metadata"]["labels"] = {"own": "1"}
    assert server.create("jobs", named, "ns")["metadata"]["labels"] == {"own": "1"}
