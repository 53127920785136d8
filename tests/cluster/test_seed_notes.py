"""The seed's manifests and kubectl commands, section by section, in a cluster that lives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import builders

import kschedcore as ks
from kschedcore.errors import KschedcoreError, ManifestError, UsageError

SEED = Path(__file__).parents[1] / "api/seed"
DEPLOYMENT = "deployment/nginx-deployment"


@pytest.fixture
def cluster() -> Iterator[ks.Cluster]:
    with ks.Cluster.simulated(nodes=3, seed=7) as cluster:
        yield cluster


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return builders.pod(name, **{"containers": [{"name": "c", "image": "nginx"}], **spec})


def images(cluster: ks.Cluster) -> set[str]:
    return {each["spec"]["containers"][0]["image"] for each in cluster.list("pods", selector="app=nginx")}


def node_of(cluster: ks.Cluster, name: str) -> str | None:
    node: str | None = cluster.get(f"pod/{name}")["spec"].get("nodeName")
    return node


def phase(cluster: ks.Cluster, name: str) -> str:
    return str(cluster.get(f"pod/{name}")["status"]["phase"])


# kubectl


def test_kubectl_create_deployment_dry_run(cluster: ks.Cluster) -> None:
    result = cluster.create_deployment("web", image="nginx", dry_run=True)
    assert str(result) == "deployment.apps/web created (dry run)"
    assert cluster.list("deployments") == []
    assert str(cluster.apply(result.object or {})) == "deployment.apps/web created"
    assert cluster.run_until_settled()
    assert [each["status"]["phase"] for each in cluster.list("pods", selector="app=web")] == ["Running"]


# Deployment


def test_deployment_example(cluster: ks.Cluster) -> None:
    assert str(cluster.apply(SEED / "deployment-example.yaml")) == "deployment.apps/nginx-deployment created"
    assert cluster.run_until_settled()
    status = cluster.get(DEPLOYMENT)["status"]
    assert (status["readyReplicas"], status["updatedReplicas"], status["availableReplicas"]) == (3, 3, 3)
    assert images(cluster) == {"nginx:1.14.2"}
    assert (
        str(cluster.apply(SEED / "deployment-example.yaml")) == "deployment.apps/nginx-deployment unchanged"
    )


def test_deployment_update_and_roll_back(cluster: ks.Cluster) -> None:
    cluster.apply(SEED / "deployment-example.yaml", record=True)
    cluster.run_until_settled()
    printed = cluster.set_image("deployment.v1.apps/nginx-deployment", nginx="nginx:1.16.1", record=True)
    assert str(printed) == "deployment.apps/nginx-deployment image updated"
    assert str(cluster.rollout_status(DEPLOYMENT)) == 'deployment "nginx-deployment" successfully rolled out'
    cluster.run_until_settled()
    assert images(cluster) == {"nginx:1.16.1"}
    cluster.set_image(DEPLOYMENT, nginx="nginx:1.161", record=True)
    cluster.run_for("1m")
    history = cluster.rollout_history(DEPLOYMENT)
    assert [each.number for each in history.revisions] == [1, 2, 3]
    lines = str(history).splitlines()
    assert lines[0].strip() == "deployment.apps/nginx-deployment"
    assert lines[1].split() == ["REVISION", "CHANGE-CAUSE"]
    assert "kubectl set image deployment/nginx-deployment nginx=nginx:1.161" in lines[4]
    assert history[2].template["spec"]["containers"][0]["image"] == "nginx:1.16.1"
    assert "Image:\tnginx:1.16.1" in str(history[2])
    printed = cluster.rollout_undo(DEPLOYMENT)
    assert str(printed) == "deployment.apps/nginx-deployment rolled back"
    cluster.run_for("1m")
    assert images(cluster) == {"nginx:1.16.1"}
    cluster.rollout_undo(DEPLOYMENT, to_revision=1)
    cluster.run_for("1m")
    assert images(cluster) == {"nginx:1.14.2"}
    assert [each.number for each in cluster.rollout_history(DEPLOYMENT).revisions] == [3, 4, 5]


def test_an_image_that_cannot_be_pulled_stops_the_rollout_and_keeps_what_runs(tmp_path: Path) -> None:
    behaviours = tmp_path / "behaviours.yaml"
    behaviours.write_text("behaviours:\n- match: {image: 'nginx:1.161'}\n  pull: {error: not found}\n")
    with ks.Cluster.simulated(nodes=3, behaviours=behaviours) as cluster:
        cluster.apply(SEED / "deployment-example.yaml")
        cluster.run_until_settled()
        cluster.set_image(DEPLOYMENT, nginx="nginx:1.161")
        cluster.run_for("11m")
        status = cluster.get(DEPLOYMENT)["status"]
        assert status["readyReplicas"] == 3
        assert "ImagePullBackOff" in cluster.table("pods") or "ErrImagePull" in cluster.table("pods")
        with pytest.raises(UsageError, match="exceeded its progress deadline"):
            cluster.rollout_status(DEPLOYMENT)
        cluster.rollout_undo(DEPLOYMENT)
        assert "successfully rolled out" in str(cluster.rollout_status(DEPLOYMENT))


def test_deployment_edit(cluster: ks.Cluster) -> None:
    cluster.apply(SEED / "deployment-example.yaml")

    def change(deployment: dict[str, Any]) -> None:
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.16.1"

    assert str(cluster.edit(DEPLOYMENT, change)) == "deployment.apps/nginx-deployment edited"
    cluster.rollout_status(DEPLOYMENT)
    cluster.run_until_settled()
    assert images(cluster) == {"nginx:1.16.1"}


def test_deployment_scale_and_autoscale(cluster: ks.Cluster) -> None:
    cluster.apply(SEED / "deployment-example.yaml")
    assert str(cluster.scale(DEPLOYMENT, replicas=10)) == "deployment.apps/nginx-deployment scaled"
    cluster.run_until_settled()
    assert cluster.get(DEPLOYMENT)["status"]["readyReplicas"] == 10
    printed = cluster.autoscale(DEPLOYMENT, min_replicas=12, max_replicas=15, cpu_percent=80)
    assert str(printed) == "horizontalpodautoscaler.autoscaling/nginx-deployment autoscaled"
    cluster.run_for("1m")
    assert cluster.get(DEPLOYMENT)["spec"]["replicas"] == 12


# Scheduling


def test_node_labels_and_node_selector(cluster: ks.Cluster) -> None:
    cluster.apply(pod("picky", nodeSelector={"env_role": "prod"}))
    cluster.run_until_settled()
    assert node_of(cluster, "picky") is None
    assert str(cluster.label("node/node-2", "env_role=prod")) == "node/node-2 labeled"
    cluster.run_until_settled()
    assert node_of(cluster, "picky") == "node-2"


def test_node_affinity(cluster: ks.Cluster) -> None:
    cluster.label("node/node-3", {"another-node-label-key": "another-node-label-value"})
    cluster.apply(SEED / "scheduling-node-affinity.yaml")
    cluster.run_until_settled()
    assert node_of(cluster, "with-node-affinity") == "node-3"


def test_taints_and_tolerations(cluster: ks.Cluster) -> None:
    for number in (1, 2, 3):
        printed = cluster.taint(f"nodes/node-{number}", "key1=value1:NoSchedule")
        assert str(printed) == f"node/node-{number} tainted"
    equal = {"key": "key1", "operator": "Equal", "value": "value1", "effect": "NoSchedule"}
    exists = {"key": "key1", "operator": "Exists", "effect": "NoSchedule"}
    cluster.apply(pod("plain"), pod("equal", tolerations=[equal]), pod("exists", tolerations=[exists]))
    cluster.run_until_settled()
    assert (phase(cluster, "plain"), phase(cluster, "equal"), phase(cluster, "exists")) == (
        "Pending", "Running", "Running",
    )  # fmt: skip
    [printed] = [
        each["message"] for each in cluster.events("pod/plain") if each["reason"] == "FailedScheduling"
    ]
    assert printed.startswith("0/3 nodes are available: 3 node(s) had untolerated taint(s).")
    assert str(cluster.taint("node-1", "key1=value1:NoSchedule-")) == "node/node-1 untainted"
    cluster.run_until_settled()
    assert node_of(cluster, "plain") == "node-1"


def test_no_execute_evicts_those_that_do_not_tolerate_it(cluster: ks.Cluster) -> None:
    staying = {"key": "key1", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    cluster.apply(
        pod("plain", nodeSelector={"kubernetes.io/hostname": "node-1"}),
        pod("tolerant", nodeSelector={"kubernetes.io/hostname": "node-1"}, tolerations=[staying]),
    )
    cluster.run_until_settled()
    cluster.taint("node-1", "key1=value1:NoExecute")
    cluster.run_for("50s")
    assert [each["metadata"]["name"] for each in cluster.list("pods")] == ["tolerant"]
    cluster.run_for("1m")
    assert cluster.list("pods") == []


# A pod's life


def test_init_containers_run_in_order_before_the_others(cluster: ks.Cluster) -> None:
    inits = [{"name": "first", "image": "busybox"}, {"name": "second", "image": "busybox"}]
    cluster.apply(pod("app", initContainers=inits))
    cluster.run_for("1s")
    assert cluster.get("pod/app")["status"]["phase"] == "Pending"
    assert cluster.run_until_settled()
    status = cluster.get("pod/app")["status"]
    ends = [each["state"]["terminated"] for each in status["initContainerStatuses"]]
    assert [end["reason"] for end in ends] == ["Completed", "Completed"]
    assert ends[0]["finishedAt"] <= ends[1]["startedAt"]
    assert {each["type"]: each["status"] for each in status["conditions"]}["Initialized"] == "True"


def crashing(restart: str) -> dict[str, Any]:
    manifest = pod("crash", restartPolicy=restart)
    manifest["metadata"]["annotations"] = {"kschedcore.io/behaviour": "runs: [{seconds: 1, exitCode: 1}]"}
    return manifest


def test_restart_policy_decides_what_follows_a_failure(cluster: ks.Cluster) -> None:
    cluster.apply(crashing("Never"))
    cluster.run_for("1m")
    assert phase(cluster, "crash") == "Failed"
    cluster.delete("pod/crash")
    cluster.apply(crashing("Always"))
    cluster.run_for("10m")
    [container] = cluster.get("pod/crash")["status"]["containerStatuses"]
    # Started at once, then after 10, 20, 40, 80, 160 seconds.
    assert container["restartCount"] == 6
    assert "CrashLoopBackOff" in cluster.table("pods")
    cluster.run_for("1h")
    [container] = cluster.get("pod/crash")["status"]["containerStatuses"]
    assert 6 + 10 <= container["restartCount"] <= 6 + 13


def test_resource_limit_range(cluster: ks.Cluster) -> None:
    cluster.apply(SEED / "resource-limit-range.yaml")
    # What the range gives by default is itself outside of its ratios.
    with pytest.raises(ManifestError, match="cpu max limit to request ratio per Container is 2"):
        cluster.apply(pod("plain"))
    assert cluster.list("pods") == []


def test_pod_overhead(cluster: ks.Cluster) -> None:
    cluster.apply(SEED / "scheduling-pod-overhead.yaml")
    cluster.apply(pod("heavy", runtimeClassName="kata-fc"))
    overhead = cluster.get("pod/heavy")["spec"]["overhead"]
    assert overhead == cluster.get("runtimeclass/kata-fc")["overhead"]["podFixed"]


# What goes wrong


def test_a_manifest_that_is_refused_names_its_file_and_applies_nothing(
    cluster: ks.Cluster, tmp_path: Path
) -> None:
    manifest = tmp_path / "two.yaml"
    manifest.write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n---\n"
        "apiVersion: apps/v2\nkind: Deployment\nmetadata: {name: two}\n"
    )
    with pytest.raises(ManifestError, match=r'two\.yaml: document 2: .*no matches for kind "Deployment"'):
        cluster.apply(manifest)
    assert {each["metadata"]["name"] for each in cluster.list("configmaps")} == {"kube-root-ca.crt"}


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (lambda c: c.taint("node-1", "a=b:NoSchedule", "a=c:Nowhere"), "unsupported taint effect"),
        (lambda c: c.label("node/node-1", "kubernetes.io/os=other"), "--overwrite is false"),
        (lambda c: c.get("deployment/missing"), 'deployments.apps "missing" not found'),
        (lambda c: c.get("things/x"), "the server doesn't have a resource type"),
        (lambda c: c.run_for("soon"), "is no span of time"),
        (lambda c: c.restart("kubectl"), "does not run here"),
    ],
)
def test_errors_have_kubernetes_messages(cluster: ks.Cluster, act: Any, problem: str) -> None:
    with pytest.raises(KschedcoreError) as refused:
        act(cluster)
    assert problem in str(refused.value)
