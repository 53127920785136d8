"""Output of Helm, Kustomize and operators loads whole, is counted, and is planned as a cluster runs it."""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

import kschedcore as ks
from kschedcore.cli import run
from kschedcore.planning.plan import plan

from .lookalikes import Printed, printed

APPLICATIONS = list(printed(126))
CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard"},
    "provisioner": "disks.example.com",
    "volumeBindingMode": "WaitForFirstConsumer",
}


def node(name: str) -> dict[str, Any]:
    amounts = {"cpu": "32", "memory": "128Gi", "pods": "500"}
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
    status = {"capacity": amounts, "allocatable": amounts}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": status}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lookalikes")
    for name, text, _ in APPLICATIONS:
        (path / f"{name}.yaml").write_text(text)
    return path


def test_every_object_loads_and_is_counted(folder: Path) -> None:
    loaded = ks.load(folder)
    assert len(loaded.objects) == sum(count for _, _, count in APPLICATIONS) == 1008
    assert loaded.warnings == []


def test_all_of_them_are_planned_and_the_rest_is_named(folder: Path, tmp_path: Path) -> None:
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text("---\n".join(map(yaml.safe_dump, [node("n1"), node("n2"), CLASS])))
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = run(["fit", "-f", str(cluster), "-f", str(folder), "-o", "json"])
    answer = json.loads(out.getvalue())
    assert (status, answer["fits"]) == (0, True)
    assert sum(answer["notConsidered"].values()) == 3 * 42
    assert err.getvalue().startswith("not considered: 42 CustomResourceDefinition")
    kinds = Counter(each["name"].split("/")[1] for each in answer["workloads"])
    assert kinds == {"deployment": 84, "statefulset": 42, "daemonset": 42, "job": 84, "pod": 1}


@pytest.mark.parametrize("application", APPLICATIONS[:6], ids=lambda each: each[0])
def test_the_pods_are_those_of_a_cluster(application: Printed) -> None:
    name, text, _ = application
    core = {"v1", "apps/v1", "batch/v1", "autoscaling/v2", "policy/v1"}
    whole = [each for each in yaml.safe_load_all(text) if each]
    flat = [each for item in whole for each in (item["items"] if item["kind"] == "List" else [item])]
    served = [each for each in flat if each["apiVersion"] in core]
    manifests = ks.Manifests.from_objects([node("n1"), node("n2"), CLASS, *served])
    found = plan(manifests, ks.Engine(manifests))
    runs = sum("-backup-run-" in each.pod.metadata.name for each in found.decisions)
    with ks.Cluster.simulated(nodes=[node("n1"), node("n2"), CLASS], seed=1) as cluster:
        cluster.run_for("5s")
        for each in served:
            cluster.apply(each)
        cluster.run_for("1m")
        pods = cluster.list("pods", all_namespaces=True)
    assert found.refused == [], name
    assert found.placed - runs == sum("nodeName" in each["spec"] for each in pods) == len(pods)
