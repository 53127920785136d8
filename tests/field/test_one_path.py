"""``schedule`` and ``fit`` agree with the controllers and the admission of a cluster.

Source of the claims that controllers create: kubernetes/autoscaler#7321.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import builders

from kschedcore.cli import run

Json = dict[str, Any]


def node(name: str, cpu: str = "4", zone: str = "") -> Json:
    return builders.node(
        name, cpu, memory="8Gi", labels={"topology.kubernetes.io/zone": zone} if zone else None
    )


def template(cpu: str = "100m", **spec: Any) -> Json:
    return {
        "metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [builders.container("c", cpu=cpu)], **spec},
    }


def workload(kind: str, name: str, replicas: int = 1, cpu: str = "100m", **spec: Any) -> Json:
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "a"}},
        "template": template(cpu),
        **spec,
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def quota(**hard: str) -> Json:
    spec = {"hard": {key.replace("_", "."): value for key, value in hard.items()}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}


def storage_class(mode: str, zone: str = "", provisioner: str = "disks.example.com") -> Json:
    found: Json = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "fast"},
        "provisioner": provisioner,
        "volumeBindingMode": mode,
    }
    if zone:
        term = {"matchLabelExpressions": [{"key": "topology.kubernetes.io/zone", "values": [zone]}]}
        found["allowedTopologies"] = [term]
    return found


CLAIM: Json = {
    "accessModes": ["ReadWriteOnce"],
    "storageClassName": "fast",
    "resources": {"requests": {"storage": "5Gi"}},
}


def database(replicas: int = 2, **spec: Any) -> Json:
    claims = [{"metadata": {"name": "data"}, "spec": CLAIM}]
    return workload("StatefulSet", "db", replicas, serviceName="db", volumeClaimTemplates=claims, **spec)


class Answer:
    def __init__(self, status: int, text: str, err: str) -> None:
        self.status, self.err = status, err
        self.document = json.loads(text) if text else {}

    @property
    def nodes(self) -> dict[str, str | None]:
        return {each["name"]: each["node"] for each in self.document["decisions"]}

    @property
    def refused(self) -> dict[str, tuple[str, str]]:
        return {each["name"]: (each["plugin"], each["message"]) for each in self.document["refused"]}

    @property
    def messages(self) -> set[str]:
        return {each["message"] for each in self.document["decisions"] if each["node"] is None}


@pytest.fixture
def schedule(tmp_path: Path) -> Any:
    def ran(*objects: Json) -> Answer:
        path = tmp_path / "manifests.yaml"
        path.write_text("---\n".join(map(yaml.safe_dump, objects)))
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            status = run(["schedule", "-f", str(path), "-o", "json"])
        return Answer(status, out.getvalue(), err.getvalue())

    return ran


class TestQuotas:
    def test_pods_beyond_a_quota_are_refused_with_its_message(self, schedule: Any) -> None:
        answer = schedule(node("n1"), quota(requests_cpu="250m"), workload("Deployment", "web", 3))
        assert answer.nodes == {"web-0": "n1", "web-1": "n1"}
        message = "exceeded quota: q, requested: requests.cpu=100m, used: requests.cpu=200m, limited: requests.cpu=250m"
        assert answer.refused == {"web-2": ("ResourceQuota", message)}

    def test_pods_that_exist_are_charged(self, schedule: Any) -> None:
        there: Json = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "uid": "u"},
            **template("200m"),
        }
        there["metadata"] = {"name": "p", "uid": "u"}
        there["spec"]["nodeName"] = "n1"
        answer = schedule(node("n1"), quota(requests_cpu="250m"), there, workload("Deployment", "web", 1))
        assert answer.nodes == {}
        assert "used: requests.cpu=200m" in answer.refused["web-0"][1]

    def test_what_a_quota_demands_must_be_stated(self, schedule: Any) -> None:
        answer = schedule(node("n1"), quota(limits_cpu="1"), workload("Deployment", "web", 1))
        assert answer.refused["web-0"] == ("ResourceQuota", "failed quota: q: must specify limits.cpu for: c")

    def test_quotas_of_storage(self, schedule: Any) -> None:
        answer = schedule(node("n1"), quota(requests_storage="7Gi"), storage_class("Immediate"), database())
        assert answer.nodes == {"db-0": "n1"}
        plugin, message = answer.refused["db-1"]
        assert plugin == "ResourceQuota"
        assert message.startswith(
            'persistentvolumeclaims "data-db-1" is forbidden: exceeded quota: q, requested: '
        )


class TestClaims:
    @pytest.mark.parametrize("mode", ["Immediate", "WaitForFirstConsumer"])
    def test_stateful_sets_have_their_claims(self, schedule: Any, mode: str) -> None:
        nodes = node("n1", zone="a"), node("n2", zone="b")
        answer = schedule(*nodes, storage_class(mode, "b"), database())
        assert answer.nodes == {"db-0": "n2", "db-1": "n2"}

    def test_a_claim_that_exists_keeps_its_zone(self, schedule: Any) -> None:
        """The volume of the first pod is in one zone; the claim of the second one is new."""
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": "data-db-0",
                "uid": "c",
                "annotations": {"pv.kubernetes.io/bind-completed": "yes"},
            },
            "spec": {**CLAIM, "volumeName": "v"},
            "status": {"phase": "Bound"},
        }
        term = {
            "matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["b"]}]
        }
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "v", "uid": "v"},
            "spec": {
                "capacity": {"storage": "5Gi"},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "fast",
                "claimRef": {"namespace": "default", "name": "data-db-0", "uid": "c"},
                "csi": {"driver": "disks.example.com", "volumeHandle": "v"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
            },
            "status": {"phase": "Bound"},
        }
        nodes = node("n1", cpu="8", zone="a"), node("n2", zone="b")
        answer = schedule(*nodes, storage_class("WaitForFirstConsumer"), claim, volume, database())
        assert answer.nodes == {"db-0": "n2", "db-1": "n1"}

    def test_nothing_provisions_without_a_provisioner(self, schedule: Any) -> None:
        waits = storage_class("Immediate", provisioner="kubernetes.io/no-provisioner")
        answer = schedule(node("n1"), waits, database(1))
        assert answer.nodes == {"db-0": None}
        assert "pod has unbound immediate PersistentVolumeClaims" in next(iter(answer.messages))

    def test_volumes_that_suit_are_bound_once(self, schedule: Any) -> None:
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "v"},
            "spec": {
                "capacity": {"storage": "9Gi"},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "fast",
                "hostPath": {"path": "/v"},
            },
        }
        waits = storage_class("Immediate", provisioner="kubernetes.io/no-provisioner")
        answer = schedule(node("n1"), waits, volume, database(2, podManagementPolicy="Parallel"))
        assert answer.nodes == {"db-0": "n1", "db-1": None}


class TestControllers:
    def test_a_cron_job_is_one_run(self, schedule: Any) -> None:
        job = {"parallelism": 2, "completions": 4, "template": template(restartPolicy="Never")}
        cron: Json = {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "nightly"},
            "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job}},
        }
        assert len(schedule(node("n1"), cron).nodes) == 2
        cron["spec"]["suspend"] = True
        assert schedule(node("n1"), cron).nodes == {}

    @pytest.mark.parametrize(("replicas", "count"), [(1, 3), (4, 4), (9, 5), (0, 0)])
    def test_an_autoscaler_keeps_replicas_within_its_bounds(
        self, schedule: Any, replicas: int, count: int
    ) -> None:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        scaler = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web"},
            "spec": {"minReplicas": 3, "maxReplicas": 5, "scaleTargetRef": target},
        }
        assert len(schedule(node("n1"), scaler, workload("Deployment", "web", replicas)).nodes) == count

    def test_a_node_name_in_a_template(self, schedule: Any) -> None:
        """The pods never pass the scheduler; the agent of the node starts them."""
        web = workload("Deployment", "web", 2, template=template(nodeName="n1"))
        answer = schedule(node("n1"), node("n2"), web)
        assert answer.nodes == {"web-0": "n1", "web-1": "n1"}

    def test_a_pod_that_is_being_deleted_is_not_scheduled(self, schedule: Any) -> None:
        pod: Json = {"apiVersion": "v1", "kind": "Pod", **template()}
        pod["metadata"] = {"name": "p", "uid": "u", "deletionTimestamp": "2026-01-01T00:00:00Z"}
        assert schedule(node("n1"), pod).nodes == {}
