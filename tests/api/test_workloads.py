"""The pods of workloads."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.objects import Pod, decode
from kschedcore.manifests.workloads import pods_of, replica_set_of, workload_of

Json = dict[str, Any]


def workload(kind: str, **spec: Any) -> Json:
    template = {
        "metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}, "name": "ignored"},
        "spec": {"containers": []},
    }
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "uid": "u"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec},
    }


def names(owner: Json, replicas: int | None = None) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods_of(owner, replicas)]


def test_a_pod_has_its_template_its_namespace_and_its_owner() -> None:
    owner = workload("ReplicaSet")
    (pod,) = pods_of(owner)
    assert pod == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-0",
            "namespace": "shop",
            "labels": {"app": "web"},
            "annotations": {"a": "b"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}
            ],
        },
        "spec": {"containers": []},
    }


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "Job", "ReplicationController"])
def test_replicas_share_their_templates_spec(kind: str) -> None:
    owner = workload(kind)
    assert [pod["spec"] is owner["spec"]["template"]["spec"] for pod in pods_of(owner, 3)] == [True] * 3


@pytest.mark.parametrize(
    ("spec", "expected"),
    [({}, 1), ({"replicas": 0}, 0), ({"replicas": 3}, 3), ({"replicas": None}, 1)],
)
def test_the_number_of_replicas_of_a_workload(spec: Json, expected: int) -> None:
    assert len(pods_of(workload("Deployment", **spec))) == expected


def test_the_number_of_replicas_can_be_overridden() -> None:
    assert names(workload("Deployment", replicas=3), 1) == ["web-0"]
    assert names(workload("Deployment", replicas=0), 2) == ["web-0", "web-1"]


def test_a_deployments_pods_belong_to_the_replica_set_of_its_template() -> None:
    deployment = workload("Deployment", replicas=2)
    owner = replica_set_of(deployment)
    mark = owner["metadata"]["labels"]["pod-template-hash"]
    assert owner["metadata"]["name"] == f"web-{mark}"
    assert owner["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
    assert owner["spec"]["replicas"] == 2
    assert owner["spec"]["selector"] == {"matchLabels": {"app": "web", "pod-template-hash": mark}}
    for pod in pods_of(deployment):
        assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": mark}
        assert pod["metadata"]["ownerReferences"] == [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": owner["metadata"]["name"],
                "controller": True,
            }
        ]


def test_another_template_is_another_replica_set_and_another_number_of_replicas_is_not() -> None:
    first = replica_set_of(workload("Deployment"))["metadata"]["name"]
    assert replica_set_of(workload("Deployment", replicas=7))["metadata"]["name"] == first
    changed = workload("Deployment")
    changed["spec"]["template"]["spec"]["nodeName"] = "n"
    assert replica_set_of(changed)["metadata"]["name"] != first


def test_a_stateful_sets_pods_count_from_its_first_ordinal_and_know_their_place() -> None:
    owner = workload("StatefulSet", replicas=2, ordinals={"start": 5})
    assert names(owner) == ["web-5", "web-6"]
    assert pods_of(owner)[1]["metadata"]["labels"] == {
        "app": "web",
        "statefulset.kubernetes.io/pod-name": "web-6",
        "apps.kubernetes.io/pod-index": "6",
    }


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, {}, 1),
        ({"parallelism": 3}, {}, 3),
        ({"parallelism": 3, "completions": 2}, {}, 2),
        ({"parallelism": 3, "completions": 10}, {"succeeded": 9}, 1),
        ({"completions": 10}, {}, 1),
        ({"parallelism": 0, "completions": 10}, {}, 0),
        ({"parallelism": 3, "suspend": True}, {}, 0),
        ({"parallelism": 3}, {"conditions": [{"type": "Complete", "status": "True"}]}, 0),
        ({"parallelism": 3}, {"conditions": [{"type": "Failed", "status": "True"}]}, 0),
        ({"parallelism": 3}, {"conditions": [{"type": "Failed", "status": "False"}]}, 3),
    ],
)
def test_a_job_runs_as_many_at_once_as_it_may_and_still_has_to(
    spec: Json, status: Json, expected: int
) -> None:
    assert len(pods_of({**workload("Job", **spec), "status": status})) == expected


def test_a_jobs_pods_name_it() -> None:
    (pod,) = pods_of(workload("Job", completionMode="Indexed", completions=1))
    assert pod["metadata"]["labels"] == {
        "app": "web",
        "batch.kubernetes.io/job-name": "web",
        "job-name": "web",
        "batch.kubernetes.io/job-completion-index": "0",
    }


def test_a_workload_without_a_namespace_is_in_the_default_one() -> None:
    owner = {"kind": "ReplicationController", "metadata": {"name": "rc"}, "spec": {"template": None}}
    (pod,) = pods_of(owner)
    assert (pod["metadata"]["namespace"], pod["spec"]) == ("default", {})


def owned(kind: str, name: str, labels: dict[str, str]) -> Pod:
    owners = [{"kind": "Node", "name": "other"}, {"kind": kind, "name": name, "controller": True}]
    return decode(Pod, {"metadata": {"name": "p", "labels": labels, "ownerReferences": owners}})


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "StatefulSet", "Job", "ReplicationController"])
def test_a_pod_refers_to_its_workload(kind: str) -> None:
    (pod,) = pods_of(workload(kind), 1)
    assert workload_of(decode(Pod, pod)) == (kind, "web")


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("web-5f7d", {"pod-template-hash": "5f7d"}, ("Deployment", "web")),
        ("web-5f7d", {}, ("ReplicaSet", "web-5f7d")),
        ("web-", {"pod-template-hash": ""}, ("ReplicaSet", "web-")),
        ("web-5f7d", {"pod-template-hash": "other"}, ("ReplicaSet", "web-5f7d")),
    ],
)
def test_a_replica_set_with_a_hash_counts_as_its_deployment(
    name: str, labels: dict[str, str], expected: tuple[str, str]
) -> None:
    assert workload_of(owned("ReplicaSet", name, labels)) == expected


def test_a_pod_without_a_controller_is_on_its_own() -> None:
    assert workload_of(decode(Pod, {"metadata": {"name": "p"}})) is None
