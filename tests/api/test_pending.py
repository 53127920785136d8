"""The pending pods of workloads of which some pods exist already."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.errors import ManifestError
from kschedcore.manifests.manifests import Manifests

Json = dict[str, Any]
TEMPLATE: Json = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "image": "app"}]},
}


def owned_by(kind: str, name: str) -> list[Json]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True}]


def workload(kind: str, name: str, replicas: int, owners: list[Json] | None = None, **template: Any) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, **({"ownerReferences": owners} if owners else {})},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {**TEMPLATE, **template},
        },
    }


def pod(name: str, owners: list[Json], phase: str = "Running", **metadata: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "ownerReferences": owners, **metadata},
        "spec": {"nodeName": "n", "containers": [{"name": "c"}]},
        "status": {"phase": phase},
    }


def hashed(replicas: int) -> Json:
    labels = {"app": "web", "pod-template-hash": "5f7d"}
    return workload(
        "ReplicaSet", "web-5f7d", replicas, owned_by("Deployment", "web"), metadata={"labels": labels}
    )


def pending(*objects: Json) -> list[str]:
    return [each.metadata.name for each in Manifests.from_objects(objects).pending]


def test_a_dumped_deployment_lacks_nothing() -> None:
    pods = [
        pod(f"web-5f7d-{n}", owned_by("ReplicaSet", "web-5f7d"), labels={"pod-template-hash": "5f7d"})
        for n in "abc"
    ]
    assert pending(workload("Deployment", "web", 3), hashed(3), *pods) == []
    assert pending(hashed(3), *pods, workload("Deployment", "web", 3)) == []
    assert pending(workload("Deployment", "web", 3), *pods) == []  # a dump without ReplicaSets
    assert pending(hashed(3), *pods) == []  # a ReplicaSet left alone


@pytest.mark.parametrize(
    ("phase", "metadata"),
    [("Failed", {}), ("Succeeded", {}), ("Running", {"deletionTimestamp": "2026-01-01T00:00:00Z"})],
)
def test_a_pod_that_is_over_or_leaving_is_replaced(phase: str, metadata: Json) -> None:
    there = pod("old", owned_by("ReplicaSet", "web"), phase, **metadata)
    assert pending(workload("ReplicaSet", "web", 1), there) == ["web-0"]


def test_only_what_is_missing_is_made_under_names_that_are_free() -> None:
    there = pod("web-1", owned_by("StatefulSet", "web"))
    assert pending(workload("StatefulSet", "web", 3), there) == ["web-0", "web-2"]


def test_a_leaving_pod_of_a_stateful_set_keeps_its_name() -> None:
    there = pod("web-0", owned_by("StatefulSet", "web"), deletionTimestamp="2026-01-01T00:00:00Z")
    assert pending(workload("StatefulSet", "web", 1), there) == []


def test_a_job_of_a_cron_job_has_pods_of_its_own() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "nightly-1", "ownerReferences": owned_by("CronJob", "nightly")},
        "spec": {"template": TEMPLATE},
    }
    cron_job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly", "uid": "u"}}
    assert pending(job, cron_job) == ["nightly-1-0"]


def test_missing_pods_of_a_deployment_join_the_replica_set_of_its_template() -> None:
    manifests = Manifests.from_objects([workload("Deployment", "web", 2), hashed(2)])
    for each in manifests.pending:
        assert [owner.name for owner in each.metadata.owner_references or ()] == ["web-5f7d"]
        assert (each.metadata.labels or {})["pod-template-hash"] == "5f7d"
    assert [(kind, each.metadata.name) for kind, each in manifests.listed] == [("ReplicaSet", "web-5f7d")]


def test_a_deployment_without_a_replica_set_gets_one_that_rules_can_look_up() -> None:
    manifests = Manifests.from_objects([workload("Deployment", "web", 2)])
    ((kind, made),) = manifests.listed
    assert kind == "ReplicaSet"
    for each in manifests.pending:
        assert [owner.name for owner in each.metadata.owner_references or ()] == [made.metadata.name]
        assert (each.metadata.labels or {}).items() >= (made.spec.selector.match_labels or {}).items()


def test_a_deployment_with_a_changed_template_gets_another_replica_set() -> None:
    changed = workload("Deployment", "web", 1, spec={"containers": [{"name": "c", "image": "v2"}]})
    manifests = Manifests.from_objects([changed, hashed(1)])
    (each,) = manifests.pending
    (owner,) = each.metadata.owner_references or ()
    assert owner.name != "web-5f7d"


def test_replicas_share_one_spec() -> None:
    specs = {id(each.spec) for each in Manifests.from_objects([workload("Deployment", "web", 5)]).pending}
    assert len(specs) == 1


def test_an_invalid_template_is_reported_with_its_place() -> None:
    broken = workload("Deployment", "web", 1, spec={"containers": [{"name": "c", "image": 3}]})
    with pytest.raises(
        ManifestError, match=r"Deployment default/web: spec\.template\.spec\.containers\[0\]\.image: "
    ):
        Manifests.from_objects([broken])


def test_pods_are_as_the_api_server_would_pass_them_on() -> None:
    high = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "high"},
        "value": 9,
    }
    spec = {
        "priorityClassName": "high",
        "containers": [{"name": "c", "image": "app", "resources": {"limits": {"cpu": "1"}}}],
    }
    lone = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lone"}, "spec": spec}
    bound = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bound"},
        "spec": {**spec, "nodeName": "n"},
    }
    manifests = Manifests.from_objects([lone, bound, workload("Deployment", "web", 1, spec=spec), high])
    for each in (*manifests.pending, *manifests.bound):
        assert each.spec.priority == 9
        assert each.spec.containers is not None
        assert each.spec.containers[0].resources is not None
        assert each.spec.containers[0].resources.requests == {"cpu": "1"}


def test_recorded_clusters_are_taken_as_they_are() -> None:
    limits = {
        "containers": [{"name": "c", "image": "app", "resources": {"limits": {"cpu": "1"}}}],
        "nodeName": "n",
    }
    manifests = Manifests.from_cluster({"pods": [{"metadata": {"name": "p"}, "spec": limits}]})
    (each,) = manifests.bound
    assert each.spec.containers is not None
    assert each.spec.containers[0].resources is not None
    assert each.spec.containers[0].resources.requests is None
