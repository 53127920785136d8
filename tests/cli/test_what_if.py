"""``--add-node``, ``--remove-node``, ``--drain``, ``--without-zone``, ``--taint`` and ``--scale``, end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import builders
from tests.cli.conftest import Run

import kschedcore as ks

ZONE = "topology.kubernetes.io/zone"


def node(name: str, zone: str = "a", cpu: str = "4", taints: Any = (), **labels: str) -> dict[str, Any]:
    made = builders.node(name, cpu, pods=20, labels={ZONE: zone, **labels}, taints=list(taints))
    made["metadata"]["uid"] = name
    made["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    return made


def spec(cpu: str = "1", **fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}], **fields}


def running(name: str, on: str, owner: str = "ReplicaSet/web-x", **fields: Any) -> dict[str, Any]:
    kind, _, owner_name = owner.partition("/")
    owners = [{"apiVersion": "apps/v1", "kind": kind, "name": owner_name, "uid": owner, "controller": True}]
    metadata = {
        "name": name,
        "uid": name,
        "labels": {"app": "web"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, **({"ownerReferences": owners} if owner else {}), **fields},
        "spec": {**spec(), "nodeName": on, "priority": 0},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def deployment(name: str = "web", replicas: int = 4, namespace: str = "default") -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec()},
        },
    }


def write(*objects: dict[str, Any]) -> None:
    Path("dump.yaml").write_text("\n---\n".join(map(json.dumps, objects)))


NODES = (node("a1", pool="blue"), node("a2", pool="green"), node("b1", "b", pool="green"))
PODS = (running("p1", "a1"), running("p2", "a1"), running("p3", "b1"))
DAEMONS = (running("agent-a1", "a1", "DaemonSet/agent"), running("agent-b1", "b1", "DaemonSet/agent"))


def placed(command: Run, flags: str, name: str = "schedule") -> dict[str, str | None]:
    """Return pod -> node of every decision."""
    result = command(f"{name} -f dump.yaml {flags} -o json")
    assert result.status == 0, result.err
    return {each["name"]: each["node"] for each in result.json()["decisions"]}


def refused(command: Run, flags: str, message: str, name: str = "schedule") -> None:
    result = command(f"{name} -f dump.yaml {flags}")
    assert (result.status, result.out) == (2, "")
    assert result.err == f"error: {message}\n"


class TestNodesThatGo:
    def test_drained_pods_go_elsewhere_and_those_of_daemon_sets_stay(self, command: Run) -> None:
        write(*NODES, *PODS, *DAEMONS)
        assert set(placed(command, "--drain a1")) == {"p1", "p2"}
        assert set(placed(command, "--drain a1").values()) <= {"a2", "b1"}

    def test_pods_of_removed_nodes_are_placed_elsewhere_except_those_of_daemon_sets(
        self, command: Run
    ) -> None:
        write(*NODES, *PODS, *DAEMONS)
        found = placed(command, "--remove-node a1")
        assert set(found) == {"p1", "p2"}
        assert set(found.values()) <= {"a2", "b1"}

    def test_a_drained_node_keeps_its_daemons_amounts(self, command: Run) -> None:
        write(*NODES, *PODS, *DAEMONS)
        usage = command("schedule -f dump.yaml --drain a1 -o json").json()["utilisation"]["cpu"]
        assert (usage["allocatable"], usage["before"], usage["after"]) == (12_000, 3_000, 5_000)
        usage = command("schedule -f dump.yaml --remove-node a1 -o json").json()["utilisation"]["cpu"]
        assert (usage["allocatable"], usage["before"], usage["after"]) == (8_000, 2_000, 4_000)

    def test_a_selector_means_every_node_that_it_matches(self, command: Run) -> None:
        write(*NODES, *PODS)
        assert placed(command, "--remove-node pool=green") == {"p3": "a1"}
        assert placed(command, "--drain 'pool in (green)'") == {"p3": "a1"}

    def test_a_zone(self, command: Run) -> None:
        write(*NODES, *PODS)
        assert placed(command, "--without-zone a") == {"p1": "b1", "p2": "b1"}

    def test_flags_are_repeated_and_combined(self, command: Run) -> None:
        write(*NODES, *PODS)
        found = placed(command, "--remove-node a1 --drain b1")
        assert found == {"p1": "a2", "p2": "a2", "p3": "a2"}
        found = placed(command, "--without-zone a --drain b1 --add-node a1=1 --taint a1-1=x:PreferNoSchedule")
        assert found == {"p1": "a1-1", "p2": "a1-1", "p3": "a1-1"}

    def test_what_does_not_fit_any_more(self, command: Run) -> None:
        write(*NODES, *PODS)
        result = command("fit -f dump.yaml --remove-node a1 --remove-node a2 --add-node a1=1")
        assert (result.status, result.out.partition("\n")[0]) == (0, "fits: 2 of 2 pods placed")
        write(*NODES[:2], *(running(f"p{number}", "a1" if number < 4 else "a2") for number in range(7)))
        result = command("fit -f dump.yaml --drain a1")
        assert (result.status, result.out.partition("\n")[0]) == (1, "does not fit: 1 of 4 pods placed")
        assert "fails cordon alone" in result.out

    def test_static_finished_and_terminating_pods_do_not_move(self, command: Run) -> None:
        static = running("static", "a1", "Node/a1", annotations={"kubernetes.io/config.mirror": "x"})
        done = running("done", "a1", "Job/j") | {"status": {"phase": "Succeeded"}}
        ending = running("ending", "a1", deletionTimestamp="2026-01-01T00:00:00Z")
        write(*NODES, *PODS, static, done, ending)
        for flags in ("--drain a1", "--remove-node a1"):
            assert set(placed(command, flags)) == {"p1", "p2"}

    def test_pods_without_a_controller_are_pointed_out(self, command: Run) -> None:
        write(*NODES, running("bare", "a1", ""), running("other", "a1", ""), *PODS)
        result = command("schedule -f dump.yaml --drain a1 -o name")
        assert result.err == (
            "note: default/bare and 1 more: no controller creates the pod again once it is evicted;"
            " here it is pending\n"
        )
        assert set(result.out.split()) == {"pod/bare", "pod/other", "pod/p1", "pod/p2"}

    def test_a_replacement_gets_claims_of_its_own(self, command: Run) -> None:
        """A generic ephemeral volume is gone with its pod; the volume of the next pod is where that is."""
        volume = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}},
        }}}}  # fmt: skip
        pod = running("p1", "a1")
        pod["spec"]["volumes"] = [volume]
        storage_class = {
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"},
            "provisioner": "example.com/disk", "volumeBindingMode": "WaitForFirstConsumer",
        }  # fmt: skip
        owner = {"apiVersion": "v1", "kind": "Pod", "name": "p1", "uid": "p1", "controller": True}
        claim = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "p1-scratch", "namespace": "default", "uid": "c", "ownerReferences": [owner]},
            "spec": {"volumeName": "v", "accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
                     "resources": {"requests": {"storage": "1Gi"}}},
            "status": {"phase": "Bound"},
        }  # fmt: skip
        terms = [{"matchExpressions": [{"key": ZONE, "operator": "In", "values": ["a"]}]}]
        bound = {
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v", "uid": "v"},
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
                     "claimRef": {"name": "p1-scratch", "namespace": "default", "uid": "c"},
                     "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}, "hostPath": {"path": "/v"}},
            "status": {"phase": "Bound"},
        }  # fmt: skip
        write(*NODES, storage_class, claim, bound, pod)
        assert placed(command, "--without-zone a") == {"p1": "b1"}

    def test_it_agrees_with_a_running_cluster(self, command: Run) -> None:
        agent = {**deployment("agent"), "kind": "DaemonSet"}
        agent["spec"] = {key: value for key, value in agent["spec"].items() if key != "replicas"}
        with ks.Cluster.simulated(nodes=[*NODES], seed=1) as cluster:
            cluster.apply(deployment(replicas=5))
            cluster.apply(agent)
            cluster.run_for("1m")
            write(*(each for kind in ("nodes", "pods", "deployments", "daemonsets", "replicasets")
                    for each in cluster.list(kind)))  # fmt: skip
            before = {each["metadata"]["name"] for each in cluster.list("pods")}
            cluster.drain("a1", ignore_daemonsets=True)
            cluster.run_for("1m")
            new = [each for each in cluster.list("pods") if each["metadata"]["name"] not in before]
            nodes = sorted(each["spec"].get("nodeName", "") for each in new)
        found = placed(command, "--drain a1")
        assert sorted(str(each) for each in found.values()) == nodes


class TestNodesThatCome:
    def test_copies_have_labels_taints_and_resources_but_no_state(self, command: Run) -> None:
        not_ready = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}
        dedicated = {"key": "dedicated", "value": "x", "effect": "NoSchedule"}
        cordoned = node("a1", taints=[not_ready, dedicated], pool="blue")
        cordoned["spec"]["unschedulable"] = True
        write(cordoned, deployment(replicas=3) | {})
        lines = command("explain web-0 -f dump.yaml --add-node a1=2 --all --no-headers").out.splitlines()
        assert [line.split(maxsplit=2) for line in lines if line.startswith("a1")] == [
            ["a1", "NodeUnschedulable", "node(s) were unschedulable"],
            ["a1-1", "TaintToleration", "node(s) had untolerated taint(s)"],
            ["a1-2", "TaintToleration", "node(s) had untolerated taint(s)"],
        ]

    def test_a_node_in_a_file(self, command: Run) -> None:
        write(*NODES[:1], deployment(replicas=10))
        Path("big.yaml").write_text(yaml.safe_dump(node("big", cpu="8")))
        assert command("fit -f dump.yaml").status == 1
        found = placed(command, "--add-node big.yaml=1")
        assert sorted(set(found.values()), key=str) == ["a1", "big-1"]

    def test_names_that_are_taken_are_passed_over(self, command: Run) -> None:
        write(node("a1"), node("a1-1"), deployment(replicas=12))
        assert set(placed(command, "--add-node a1=1").values()) == {"a1", "a1-1", "a1-2"}

    def test_a_removed_node_still_serves_as_a_template(self, command: Run) -> None:
        write(*NODES[:1], *PODS[:2])
        assert set(placed(command, "--remove-node a1 --add-node a1=1").values()) == {"a1-1"}

    def test_daemon_sets_run_on_new_nodes(self, command: Run) -> None:
        agent = {**deployment("agent"), "kind": "DaemonSet"}
        agent["spec"] = {key: value for key, value in agent["spec"].items() if key != "replicas"}
        write(node("a1"), agent, running("agent-x", "a1", "DaemonSet/agent"))
        assert placed(command, "--add-node a1=2") == {"agent-a1-1": "a1-1", "agent-a1-2": "a1-2"}


class TestTaints:
    def test_new_pods_keep_off(self, command: Run) -> None:
        write(*NODES, *PODS, deployment(replicas=5))
        found = placed(command, "--taint a1=dedicated=db:NoSchedule --taint pool=green:x:NoSchedule")
        assert set(found.values()) == {None}
        assert "a2" in placed(command, "--taint a1=dedicated:NoSchedule").values()

    def test_no_execute_evicts(self, command: Run) -> None:
        tolerating = running("p4", "a1")
        tolerating["spec"]["tolerations"] = [{"key": "gone", "operator": "Exists"}]
        passing = running("p5", "a1")
        passing["spec"]["tolerations"] = [
            {"key": "gone", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        ]
        write(*NODES, *PODS, *DAEMONS, tolerating, passing)
        found = placed(command, "--taint a1=gone:NoExecute")
        assert set(found) == {"p1", "p2", "p5"}
        assert found["p1"] == found["p2"] == "a2"  # whereas p5 is let in again

    def test_removal(self, command: Run) -> None:
        write(node("a1", taints=[{"key": "x", "effect": "NoSchedule"}]), deployment())
        assert set(placed(command, "").values()) == {None}
        assert set(placed(command, "--taint a1=x:NoSchedule-").values()) == {"a1"}
        refused(command, "--taint a1=y:NoSchedule-",
                "--taint a1=y:NoSchedule-: node 'a1': taint 'y:NoSchedule' not found")  # fmt: skip


class TestScale:
    def test_up(self, command: Run) -> None:
        write(*NODES, deployment(replicas=2))
        for reference in ("deployment/web", "deploy/web", "Deployment/web", "deployments.apps/web",
                          "default/deployment/web"):  # fmt: skip
            assert len(placed(command, f"--scale {reference}=7")) == 7

    def test_down_frees_what_the_controller_would_delete_first(self, command: Run) -> None:
        pods = [running(f"p{number}", "a1", "ReplicaSet/web") for number in range(4)]
        pods[2]["status"]["conditions"][0]["status"] = "False"
        web = {**deployment(replicas=4), "kind": "ReplicaSet"}
        write(node("a1"), *pods, web, deployment("other", 9))
        usage = command("schedule -f dump.yaml --scale rs/web=3 -o json").json()["utilisation"]["cpu"]
        assert (usage["before"], usage["after"]) == (3_000, 4_000)
        write(
            node("a1"),
            node("b1"),
            *pods[:2],
            running("p9", "b1", "ReplicaSet/web"),
            web,
            deployment("other", 9),
        )
        found = placed(command, "--scale rs/web=1")
        assert len(found) == 9
        assert [each for each in found.values() if each].count(
            "b1"
        ) == 3  # one of the two on a1 went before p9

    def test_a_stateful_set_loses_its_highest_ordinals(self, command: Run) -> None:
        stateful = {**deployment("db", 3), "kind": "StatefulSet"}
        stateful["spec"]["serviceName"] = "db"
        pods = [running(f"db-{number}", f"{'ab'[number % 2]}1", "StatefulSet/db") for number in range(3)]
        write(*NODES, stateful, *pods)
        rows = {
            each["name"]: each
            for each in command("fit -f dump.yaml --scale sts/db=5 -o json").json()["workloads"]
        }
        assert rows["default/statefulset/db"]["pods"] == 2
        usage = command("schedule -f dump.yaml --scale sts/db=1 -o json").json()["utilisation"]["cpu"]
        assert usage["after"] == 1_000

    def test_a_namespace_is_needed_where_a_name_is_in_several(self, command: Run) -> None:
        write(*NODES, deployment(), deployment(namespace="shop"))
        refused(
            command,
            "--scale deployment/web=5",
            "--scale deployment/web=5: Deployment web is in several namespaces (default, shop): say which,"
            " as in default/deployment/web=5",
        )
        for flags, count in (("--scale shop/deployment/web=5", 9), ("--scale deployment/web=5 -n shop", 5)):
            assert command(f"schedule -f dump.yaml {flags} -o json").json()["placed"] == count


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--drain a9", "--drain a9: node 'a9' not found"),
        ("--remove-node ''", "--remove-node : expected the name of a node, or a selector of nodes"),
        ("--remove-node pool=red", "--remove-node pool=red: selects no node"),
        ("--drain 'pool in green'", "--drain pool in green: "),
        ("--without-zone c", "--without-zone c: zone 'c': no node is in it; there are: a, b"),
        (
            "--add-node a1",
            "--add-node a1: expected NODE=N or FILE=N, with N a whole number from 1 to 100,000",
        ),
        ("--add-node a1=0", "--add-node a1=0: expected NODE=N or FILE=N"),
        ("--add-node x.yaml=1", "--add-node x.yaml=1: x.yaml: no such file or folder"),
        ("--add-node dump.yaml=1", "--add-node dump.yaml=1: dump.yaml holds 4 objects; expected one Node"),
        ("--taint a1", "--taint a1: expected NODE=KEY[=VALUE]:EFFECT or SELECTOR:KEY[=VALUE]:EFFECT"),
        ("--taint a1=x", "--taint a1=x: invalid taint spec: x"),
        ("--taint a1=x:Never", "--taint a1=x:Never: invalid taint effect: Never, unsupported taint effect"),
        ("--taint c1=x:NoSchedule", "--taint c1=x:NoSchedule: node 'c1' not found"),
        ("--scale web=3", "--scale web=3: expected [NAMESPACE/]KIND/NAME=N, as in deployment/web=10"),
        ("--scale deployment/web=-1", "--scale deployment/web=-1: expected [NAMESPACE/]KIND/NAME=N"),
        (
            "--scale deployment/wbe=1",
            "--scale deployment/wbe=1: Deployment default/wbe not found; did you mean web?",
        ),
        ("--scale pod/p=1", "--scale pod/p=1: a Pod has no replicas; expected one of Deployment, "),
        ("--scale thing/p=1", '--scale thing/p=1: the server doesn\'t have a resource type "thing"'),
        (
            "--scale deployment/web=2000000",
            "--scale deployment/web=2000000: expected at most 1,000,000 replicas",
        ),
    ],
)
@pytest.mark.parametrize("name", ["schedule", "fit", "explain web-0"])
def test_values_that_make_no_sense(command: Run, name: str, flags: str, message: str) -> None:
    write(*NODES, deployment())
    result = command(f"{name} -f dump.yaml {flags}")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")
    assert result.err.count("\n") == 1


def test_explain(command: Run) -> None:
    write(*NODES, *PODS)
    assert command("explain p1 -f dump.yaml --without-zone a").out.startswith("default/p1 goes to b1 ")
