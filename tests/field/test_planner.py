"""Cases from public trackers for ``schedule`` and ``fit``: a manifest stands for what a cluster does with it.

Each test names its sources.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import kschedcore as ks
from kschedcore.cli import run

JSON = ("-o", "json")


class Answer(NamedTuple):
    status: int
    out: str
    err: str


def node(name: str, cpu: str = "2", **fields: Any) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": "4Gi", "pods": "110"}
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    status = {"capacity": amounts, "allocatable": amounts}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status, **fields}


def container(**requests: str) -> dict[str, Any]:
    return {"name": "a", "image": "a:1", **({"resources": {"requests": requests}} if requests else {})}


def pod(name: str, spec: dict[str, Any], labels: Any = None, **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, **fields}


def workload(kind: str, name: str, template: dict[str, Any], **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    whole = {"metadata": {"labels": labels}, "spec": template}
    spec = {"selector": {"matchLabels": labels}, "template": whole, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def command(tmp_path: Path) -> Any:
    def ran(name: str, *objects: dict[str, Any], text: str = "", options: tuple[str, ...] = ()) -> Answer:
        path = tmp_path / "manifests.yaml"
        path.write_text(text or "---\n".join(map(yaml.safe_dump, objects)))
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            status = run([name, "-f", str(path), *options])
        return Answer(status, out.getvalue(), err.getvalue())

    return ran


def placed(answer: Answer) -> dict[str, str | None]:
    return {each["name"]: each["node"] for each in json.loads(answer.out)["decisions"]}


class TestDaemonSets:
    """kubernetes-sigs/karpenter#390, aws/karpenter-provider-aws#6015: daemon pods take resources on every node."""

    TEMPLATE = {"priorityClassName": "system-node-critical", "containers": [container(cpu="1500m")]}  # noqa: RUF012
    AGENT = workload("DaemonSet", "agent", TEMPLATE)
    WEB = workload("Deployment", "web", {"containers": [container(cpu="900m")]}, replicas=4)

    def test_they_take_resources(self, command: Any) -> None:
        answer = command("fit", node("n1"), node("n2"), self.AGENT, self.WEB)
        assert answer.status == 1
        assert answer.out.startswith("does not fit: 2 of 6 pods placed\n")

    def test_in_a_running_cluster_as_well(self) -> None:
        with ks.Cluster.simulated(nodes=[node("n1"), node("n2")], seed=1) as cluster:
            cluster.apply(self.AGENT)
            cluster.apply(self.WEB)
            cluster.run_for("1m")
            pods = [
                (each["metadata"]["labels"]["app"], "nodeName" in each["spec"])
                for each in cluster.list("pods")
            ]
        assert sorted(pods) == [("agent", True)] * 2 + [("web", False)] * 4

    def test_nodes_that_the_template_rules_out_get_none(self, command: Any) -> None:
        tainted = node("n2", spec={"taints": [{"key": "k", "effect": "NoSchedule"}]})
        cordoned = node("n3", spec={"unschedulable": True})
        found = placed(command("schedule", node("n1"), tainted, cordoned, self.AGENT, options=JSON))
        assert found == {"agent-n1": "n1", "agent-n3": "n3"}

    def test_existing_pods_are_not_created_again(self, command: Any) -> None:
        owner = {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "name": "agent",
            "uid": "u",
            "controller": True,
        }
        there = pod("agent-x", {"nodeName": "n1", "containers": [container(cpu="1500m")]}, {"app": "agent"})
        there["metadata"] |= {"ownerReferences": [owner], "uid": "p"}
        found = placed(command("schedule", node("n1"), node("n2"), self.AGENT, there, options=JSON))
        assert found == {"agent-n2": "n2"}


class TestLimitRanges:
    """aws/karpenter-provider-aws#3199: containers without requests in a namespace with a LimitRange."""

    def limits(self, namespace: str = "default", **item: Any) -> dict[str, Any]:
        metadata = {"name": "limits", "namespace": namespace}
        spec = {"limits": [{"type": "Container", **item}]}
        return {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": spec}

    def test_defaults_count(self, command: Any) -> None:
        web = workload("Deployment", "web", {"containers": [container()]}, replicas=6)
        limits = self.limits(defaultRequest={"cpu": "900m"}, default={"cpu": "1"})
        answer = command("fit", node("n1"), node("n2"), limits, web)
        assert answer.status == 1
        assert answer.out.startswith("does not fit: 4 of 6 pods placed\n")

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            (
                {"cpu": "900m"},
                "refused by LimitRanger: maximum cpu usage per Container is 500m, but limit is 900m",
            ),
            (
                # The limit range gives the container its maximum as limit, which is below the request.
                {},
                'refused by validation: spec.containers[0].resources.requests: Invalid value: "900m": must be less '
                "than or equal to cpu limit of 500m",
            ),
        ],
    )
    def test_refused_pods_do_not_exist(self, command: Any, limits: dict[str, str], reason: str) -> None:
        greedy = container(cpu="900m")
        greedy["resources"]["limits"] = limits
        web = workload("Deployment", "web", {"containers": [greedy]}, replicas=2)
        answer = command("fit", node("n1"), self.limits(max={"cpu": "500m"}), web)
        assert answer.status == 1
        assert "0 of 2 pods placed\n" in answer.out
        assert f"default/web-0 and 1 more: {reason}" in answer.out

    def test_other_namespaces_are_not_concerned(self, command: Any) -> None:
        web = workload("Deployment", "web", {"containers": [container(cpu="900m")]}, replicas=2)
        assert command("fit", node("n1"), self.limits("other", max={"cpu": "500m"}), web).status == 0


def test_affinity_match_label_keys(command: Any) -> None:
    """hashicorp/terraform-provider-kubernetes#2928, kubernetes/kubernetes#116891: the term is about its own hash."""
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": "api"}},
        "matchLabelKeys": ["pod-template-hash"],
    }
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    old = [
        pod(
            f"old-{name}",
            {"nodeName": name, "containers": [container()]},
            {"app": "api", "pod-template-hash": "aaa"},
            status={"phase": "Running"},
        )
        for name in ("n1", "n2")
    ]
    spec = {"containers": [container()], "affinity": {"podAntiAffinity": required}}
    new = pod("new", spec, {"app": "api", "pod-template-hash": "bbb"})
    assert placed(command("schedule", node("n1"), node("n2"), *old, new, options=JSON))["new"] is not None


def test_default_tolerations(command: Any) -> None:
    """kubernetes/kubernetes#112930: a node that comes back has only its NoExecute taint left for some seconds."""
    key = "node.kubernetes.io/unreachable"
    taint = {"key": key, "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}
    web = workload("Deployment", "web", {"containers": [container()]}, replicas=1)
    answer = command("schedule", node("back", spec={"taints": [taint]}), web, options=JSON)
    assert list(placed(answer).values()) == ["back"]


@pytest.mark.parametrize("uid", [{}, {"uid": "n-1"}])
def test_a_node_with_capacity_only(command: Any, uid: dict[str, str]) -> None:
    """kubernetes-sigs/kwok#1009: allocatable defaults to capacity (SetDefaults_NodeStatus)."""
    fake = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "fake-0", **uid},
        "status": {"capacity": {"cpu": "32", "memory": "256Gi", "pods": "110"}},
    }
    pending = pod("p", {"containers": [container(cpu="1")]})
    assert placed(command("schedule", fake, pending, options=JSON)) == {"p": "fake-0"}
    engine = ks.Engine()
    engine.set_node(fake)
    assert engine.decide(pending).node == "fake-0"


class TestWorkloadsThatAreHeld:
    """kubernetes/kubernetes#98457: a paused Deployment scales the ReplicaSets that it has, and makes none."""

    def test_a_paused_deployment(self, command: Any) -> None:
        web = workload("Deployment", "web", {"containers": [container(cpu="500m")]}, replicas=2, paused=True)
        answer = command("schedule", node("n1"), web)
        assert (answer.status, answer.out) == (0, "0 of 0 pods placed\n")
        assert command("fit", node("n1"), web).status == 0

    def test_a_job_of_another_controller(self, command: Any) -> None:
        template = {"spec": {"restartPolicy": "Never", "containers": [container()]}}
        spec = {"managedBy": "example.com/kueue", "template": template}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": spec}
        assert command("schedule", node("n1"), job).out == "0 of 0 pods placed\n"


class TestDumps:
    """kubernetes/kubernetes#57498 and #55720, kubernetes/kubectl#151: kubectl prints objects several times."""

    def service(self, uid: str = "u1") -> dict[str, Any]:
        metadata = {"name": "kubernetes", "namespace": "default", "uid": uid, "resourceVersion": "7"}
        spec = {"clusterIP": "10.0.0.1"}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}

    def test_the_same_object_twice(self, command: Any) -> None:
        assert command("schedule", node("n1"), self.service(), self.service()).status == 0
        metadata = {"name": "web.17d", "namespace": "default", "uid": "e1"}
        events = [
            {"apiVersion": version, "kind": "Event", "metadata": metadata}
            for version in ("v1", "events.k8s.io/v1")
        ]
        assert command("schedule", node("n1"), *events).status == 0

    def test_two_objects_of_one_name(self, command: Any) -> None:
        answer = command("schedule", node("n1"), self.service(), self.service("u2"))
        assert answer.status == 2
        assert "is defined a second time" in answer.err

    def test_cluster_info_dump(self, command: Any) -> None:
        """The lists of ``kubectl cluster-info dump`` are followed by the logs of every container."""
        bare = [
            {key: value for key, value in each.items() if key not in ("apiVersion", "kind")}
            for each in (node("n1"), pod("p", {"containers": [container(cpu="1")]}))
        ]
        lists = [
            {"kind": f"{kind}List", "apiVersion": "v1", "metadata": {}, "items": [item]}
            for kind, item in zip(("Node", "Pod"), bare, strict=True)
        ]
        text = "\n".join(json.dumps(each, indent=4) for each in lists) + (
            "\n==== START logs for container c of pod kube-system/p ====\n"
            'I0101 00:00:00.000000       1 main.go:1] "hello" {"a": 1}\n'
            "==== END logs for container c of pod kube-system/p ====\n"
            "==== START logs for container d of pod kube-system/q ====\n"
            "==== END logs for container d of pod kube-system/q ====\n"
        )
        assert placed(command("schedule", text=text, options=JSON)) == {"p": "n1"}


def test_a_key_twice_in_a_chart(command: Any) -> None:
    """mondoohq/mondoo-operator#751, fluxcd/helm-controller#286: helm and kubectl take the last one."""
    web = workload("Deployment", "web", {"containers": [container()]}, replicas=1)
    twice = yaml.safe_dump(web).replace("  name: web\n", "  name: b\n  name: web\n", 1)
    answer = command("schedule", text=f"{yaml.safe_dump(node('n1'))}---\n{twice}", options=JSON)
    assert placed(answer) == {"web-0": "n1"}
    assert "key 'name' replaces the one of line" in answer.err


class TestCoverage:
    """The answer says which objects it does not consider."""

    WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}  # noqa: RUF012
    SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}  # noqa: RUF012
    WEB = workload("Deployment", "web", {"containers": [container()]}, replicas=1)

    def test_objects_that_are_not_considered(self, command: Any) -> None:
        objects = node("n1"), self.WEB, self.WIDGET, self.SECRET
        answer = command("fit", *objects)
        assert (answer.status, answer.err) == (0, "not considered: 1 Widget\n")
        answer = command("fit", *objects, options=("--strict",))
        assert answer == (2, "", "error: --strict: not considered: 1 Widget\n")
        assert json.loads(command("fit", *objects, options=JSON).out)["notConsidered"] == {"Widget": 1}

    def test_a_file_without_objects(self, command: Any, tmp_path: Path) -> None:
        (tmp_path / "empty.yaml").write_text("# nothing\n")
        answer = command("schedule", node("n1"), options=("-f", str(tmp_path / "empty.yaml")))
        assert (answer.status, answer.err) == (2, f"error: {tmp_path}/empty.yaml: holds no objects\n")


SCRATCH = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "scratch"},
    "provisioner": "disks.example.com",
    "volumeBindingMode": "WaitForFirstConsumer",
}


def scratch_volume(**claim: Any) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}, **claim}
    return {"name": "tmp", "ephemeral": {"volumeClaimTemplate": {"spec": spec}}}


@pytest.mark.parametrize("named", [True, False])
def test_generic_ephemeral_volumes_have_claims(command: Any, named: bool) -> None:
    """kubernetes/autoscaler#7321: the controller creates the claim of a pod as soon as the pod exists."""
    claim = {"storageClassName": "scratch"} if named else {}
    marks = {} if named else {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    storage = {**SCRATCH, "metadata": {"name": "scratch", **marks}}
    template = {"containers": [container()], "volumes": [scratch_volume(**claim)]}
    sorter = workload("Deployment", "sorter", template, replicas=2)
    result = command("fit", node("n1"), node("n2"), storage, sorter)
    assert (result.status, result.out.splitlines()[0]) == (0, "fits: 2 of 2 pods placed")
    alone = pod("alone", template)
    assert command("fit", node("n1"), storage, alone).status == 0


def test_the_class_of_an_ephemeral_volume_restricts_its_pod(command: Any) -> None:
    """The provisioner of the claim reaches one node only."""
    zone = {"matchLabelExpressions": [{"key": "kubernetes.io/hostname", "values": ["n2"]}]}
    storage = {**SCRATCH, "allowedTopologies": [zone]}
    template = {"containers": [container()], "volumes": [scratch_volume(storageClassName="scratch")]}
    sorter = workload("Deployment", "sorter", template, replicas=2)
    result = command("schedule", node("n1"), node("n2"), storage, sorter, options=JSON)
    assert [each["node"] for each in json.loads(result.out)["decisions"]] == ["n2", "n2"]


def test_a_claim_of_another_owner_keeps_an_ephemeral_volume_s_pod_out(command: Any) -> None:
    """A claim that has the name already is not the pod's."""
    template = {"containers": [container()], "volumes": [scratch_volume(storageClassName="scratch")]}
    other = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "alone-tmp"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    result = command("fit", node("n1"), SCRATCH, other, pod("alone", template))
    assert result.status == 1
    assert "(pod is not owner)" in result.out


DNS_PORTS = [{"containerPort": 53, "protocol": each} for each in ("UDP", "TCP")]


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([None, DNS_PORTS], ["UDP", "TCP"]),
        ([DNS_PORTS, DNS_PORTS[:1]], []),
        ([DNS_PORTS, DNS_PORTS], ["UDP", "TCP"]),
        ([DNS_PORTS, None], []),
        ([DNS_PORTS, [{"containerPort": 54}]], ["TCP"]),
    ],
)
def test_apply_of_one_port_with_two_protocols(steps: list[Any], left: list[str]) -> None:
    """kubernetes/kubernetes#111304 and #108148: the merge key of ports is their number alone."""
    with ks.Cluster.simulated(nodes=1, seed=1) as cluster:
        for ports in steps:
            spec = {"containers": [{**container(), **({"ports": ports} if ports else {})}]}
            result = cluster.apply(workload("Deployment", "dns", spec, replicas=1))
        live = cluster.get("deployment/dns")["spec"]["template"]["spec"]["containers"][0].get("ports", [])
    assert [port["protocol"] for port in live] == left
    assert str(result).endswith("unchanged" if steps[0] == steps[1] else "configured")


@pytest.mark.parametrize(
    ("requests", "warned"),
    [
        ({"memory": "512m"}, "memory: 512m is thousandths of a byte; did you mean 512Mi?"),
        ({"cpu": "500M"}, "cpu: 500M is 500,000,000 cores; did you mean 500m?"),
        ({"cpu": "500m", "memory": "512M", "ephemeral-storage": "1Gi"}, ""),
    ],
)
def test_implausible_units(command: Any, requests: dict[str, str], warned: str) -> None:
    """Valid amounts that are off by a factor of a thousand or more are placed, with a warning on standard error."""
    web = workload("Deployment", "web", {"containers": [container(**requests)]})
    result = command("schedule", node("n1"), web)
    assert result.status == 0
    path = "Deployment web: spec.template.spec.containers[0].resources.requests."
    assert (f"{path}{warned}\n" in result.err) if warned else result.err == ""
