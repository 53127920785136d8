"""``kschedcore top``: what is free, where, and in what pieces."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.conftest import Run

import kschedcore as ks
from kschedcore.planning.headroom import POOLS, headroom

GPU = "nvidia.com/gpu"


def node(name: str, gpus: int = 0, *, cpu: str = "8", labels: Any = None, **spec: Any) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": "32Gi", "pods": "110", **({GPU: str(gpus)} if gpus else {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
        "status": {"allocatable": amounts, "capacity": amounts},
    }


def pod(name: str, on: str, namespace: str = "default", **requests: str) -> dict[str, Any]:
    amounts = {GPU if key == "gpu" else key: value for key, value in requests.items()}
    container = {"name": "c", "image": "i", "resources": {"requests": amounts, "limits": amounts}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}"},
        "spec": {"nodeName": on, "containers": [container]},
        "status": {"phase": "Running"},
    }


def write(*objects: dict[str, Any]) -> None:
    Path("dump.yaml").write_text("---\n".join(map(yaml.safe_dump, objects)))


@pytest.fixture
def _gpus(command: Run) -> None:  # noqa: ARG001
    """Fourteen free GPUs, four of them on one node."""
    pool = {POOLS[2]: "gpus", "topology.kubernetes.io/zone": "a"}
    write(
        *(node(f"gpu-{number}", 4, labels=pool) for number in range(5)),
        node("web-0", labels={POOLS[2]: "web", "topology.kubernetes.io/zone": "b"}),
        *(pod(f"train-{number}", f"gpu-{number}", "ml", gpu="1", cpu="2") for number in range(3)),
        pod("infer", "gpu-3", "ml", gpu="3", cpu="1"),
        pod("web", "web-0", "shop", cpu="500m", memory="1Gi"),
    )


@pytest.mark.usefixtures("_gpus")
def test_fragmentation_is_printed(command: Run) -> None:
    result = command("top -f dump.yaml")
    assert (result.status, result.err) == (0, "")
    assert f"{GPU}: 14 free on 5 nodes, one node has 4 (gpu-4)\n" in result.out


@pytest.mark.usefixtures("_gpus")
def test_groups(command: Run) -> None:
    rows = {
        (line[0], line[2]): line for line in command("top -f dump.yaml --no-headers").lines if len(line) > 5
    }
    assert rows["gpus", GPU] == ["gpus", "5", GPU, "20", "6", "(30%)", "14", "4"]
    assert rows["gpus", "cpu"] == ["gpus", "5", "cpu", "40", "7", "(17%)", "33", "8"]
    assert rows["web", "cpu"] == ["web", "1", "cpu", "8", "0.5", "(6%)", "7.5", "7.5"]
    assert rows["b", "memory"][3:] == ["32Gi", "1Gi", "(3%)", "31Gi", "31Gi"]
    assert ("web", GPU) not in rows


@pytest.mark.usefixtures("_gpus")
def test_namespaces(command: Run) -> None:
    assert command("top -f dump.yaml --group-by namespace --no-headers").lines[:4] == [
        ["ml", "4", "cpu", "7", "14%"],
        ["ml", "4", GPU, "6", "30%"],
        ["shop", "1", "cpu", "0.5", "1%"],
        ["shop", "1", "memory", "1Gi", "0%"],
    ]


@pytest.mark.usefixtures("_gpus")
def test_any_label_and_single_nodes(command: Run) -> None:
    lines = command(f"top -f dump.yaml --group-by {POOLS[2]} --group-by node -o wide").lines
    assert lines[0][:2] == ["GKE-NODEPOOL", "NODES"]
    assert ["gpu-3", "1", GPU, "4", "3", "(75%)", "1", "1", "gpu-3", "1", "0%"] in lines
    assert {line[2] for line in lines if line[:1] == ["web"]} == {"cpu", "memory", "pods"}


@pytest.mark.usefixtures("_gpus")
def test_a_selector_of_nodes(command: Run) -> None:
    document = command(f"top -f dump.yaml -l {POOLS[2]}=web -o json").json()
    assert document["total"]["nodes"] == 1
    assert [each["name"] for each in document["namespaces"]] == ["shop"]
    result = command("top -f dump.yaml -l pool=none")
    assert (result.status, result.err) == (2, "error: -l pool=none: selects no node\n")


@pytest.mark.parametrize(
    "out",
    [
        {"unschedulable": True},
        {"taints": [{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]},
    ],
)
def test_nodes_that_take_no_pods_have_nothing_free(command: Run, out: dict[str, Any]) -> None:
    write(node("a"), node("b", **out), pod("p", "b", cpu="1"))
    result = command("top -f dump.yaml --group-by zone --no-headers")
    assert result.lines[0] == ["<none>", "2", "cpu", "16", "1", "(6%)", "8", "8"]
    assert "cpu: 8 free, on a\n" in result.out
    assert result.out.endswith("1 of 2 nodes is cordoned or not ready: what they have free does not count\n")


def test_a_node_with_too_much_on_it_has_no_hole(command: Run) -> None:
    write(node("a", cpu="1"), node("b", cpu="2"), pod("p", "a", cpu="1500m"))
    amounts = command("top -f dump.yaml -o json").json()["total"]["resources"]["cpu"]
    assert (amounts["requested"], amounts["free"], amounts["largest"], amounts["largestOn"]) == (
        1500,
        2000,
        2000,
        "b",
    )


def test_devices_of_drivers_are_counted(command: Run) -> None:
    devices = [{"name": f"gpu-{number}"} for number in range(3)]
    resource_slice = {
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "a-gpus", "uid": "s"},
        "spec": {"driver": "gpu.example.com", "nodeName": "a", "devices": devices,
                 "pool": {"name": "a", "generation": 1, "resourceSliceCount": 1}},
    }  # fmt: skip
    results = [{"request": "r", "driver": "gpu.example.com", "pool": "a", "device": "gpu-1"}]
    claim = {
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "c", "uid": "c"},
        "spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu"}}]}},
        "status": {"allocation": {"devices": {"results": results}}},
    }  # fmt: skip
    write(node("a"), resource_slice, claim)
    assert "devices/gpu.example.com: 2 free, on a\n" in command("top -f dump.yaml").out


@pytest.mark.usefixtures("_gpus")
def test_csv_and_yaml_have_what_json_has(command: Run) -> None:
    document = command("top -f dump.yaml -o json").json()
    assert yaml.safe_load(command("top -f dump.yaml -o yaml").out) == document
    rows = list(csv.DictReader(io.StringIO(command("top -f dump.yaml -o csv").out)))
    groups = {(each["by"], each["name"]): each for each in document["groups"]}
    for row in rows:
        if row["by"] != "namespace":
            amounts = groups[row["by"], row["name"]]["resources"][row["resource"]]
            assert [row[key] for key in ("allocatable", "free", "largest")] == [
                str(amounts[key]) for key in ("allocatable", "free", "largest")
            ]
    assert {row["name"] for row in rows if row["by"] == "namespace"} == {"ml", "shop"}


def test_without_nodes(command: Run) -> None:
    write(pod("p", "", cpu="1"))
    result = command("top -f dump.yaml")
    assert (result.status, result.err) == (2, "error: the manifests hold no nodes\n")


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(1, 8), st.sampled_from("abc"), st.booleans()), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4000)), max_size=8),
)
def test_groups_add_up_to_the_cluster(
    nodes: list[tuple[int, str, bool]], pods: list[tuple[int, int]]
) -> None:
    objects = [
        node(f"n{index}", cpu=str(cpu), labels={"zone": zone}, unschedulable=cordoned)
        for index, (cpu, zone, cordoned) in enumerate(nodes)
    ]
    objects += [
        pod(f"p{index}", f"n{place % len(nodes)}", cpu=f"{cpu}m") for index, (place, cpu) in enumerate(pods)
    ]
    manifests = ks.Manifests.from_objects(objects)
    found = headroom(manifests, ks.Engine(manifests), ["zone", "node"])
    total = found.total.resources["cpu"]
    for by in ("zone", "node"):
        amounts = [each.resources["cpu"] for each in found.groups if each.by == by]
        for figure in ("allocatable", "requested", "free", "nodes"):
            assert sum(getattr(each, figure) for each in amounts) == getattr(total, figure)
        assert max(each.largest for each in amounts) == total.largest
    assert (
        total.requested == sum(cpu for _, cpu in pods) == found.namespaces[0].requested["cpu"]
        if pods
        else True
    )
    fits = [hole.resources["cpu"].free for hole in found.groups if hole.by == "node"]
    assert total.largest == max(fits)
