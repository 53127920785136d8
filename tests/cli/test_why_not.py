"""``fit`` and ``schedule``: the constraint that blocks, and the cheapest change that makes a pod fit."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests import builders
from tests.cli.conftest import Run

ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"


def node(name: str, cpu: str = "4", zone: str = "zone-a", **more: Any) -> dict[str, Any]:
    return builders.node(name, cpu, labels={ZONE: zone}, extended=more.pop("amounts", None), **more)


def bound(name: str, on: str, cpu: str, app: str = "other") -> dict[str, Any]:
    running = {"phase": "Running"}
    return builders.pod(name, cpu, labels={"app": app}, meta={"uid": name}, status=running, nodeName=on)


def web(replicas: int, cpu: str = "1", requests: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    container = builders.container(cpu=cpu, limits=requests, **(requests or {}))
    return builders.deployment("web", replicas, containers=[container], **spec)


ANTI: dict[str, Any] = {
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": HOST}
            ]
        }
    }
}
SPREAD: dict[str, Any] = {
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": ZONE,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "web"}},
        }
    ]
}


def given(*objects: dict[str, Any]) -> str:
    return "---\n".join(map(yaml.safe_dump, objects))


def last_column(out: str) -> str:
    return out.splitlines()[-1].split(maxsplit=4)[-1]


def details(out: str) -> list[str]:
    return [line.strip() for line in out.splitlines() if line.startswith("  ")]


def test_anti_affinity_blocks_where_there_are_free_resources(command: Run) -> None:
    full = [node("f1"), node("f2"), bound("b1", "f1", "3500m"), bound("b2", "f2", "3500m")]
    free = [node(f"n{i}") for i in range(3)]
    result = command("fit -f -", stdin=given(*full, *free, web(4, **ANTI)))
    assert result.status == 1
    assert last_column(result.out) == "node(s) didn't match pod anti-affinity rules (3 nodes)"
    assert details(result.out) == [
        "3 nodes fail pod anti-affinity alone; 2 nodes fail cpu alone",
        "needs 1 cpu, best node has 0.5 free",
        "fits on 3 nodes without its pod anti-affinity",
        "fits on 2 nodes with 0.5 cpu less",
    ]


def test_a_spread_constraint_blocks_nodes_with_free_resources(command: Run) -> None:
    nodes = [node("a1"), node("a2"), node("b1", cpu="1", zone="zone-b")]
    result = command("fit -f -", stdin=given(*nodes, web(4, **SPREAD)))
    assert result.status == 1
    assert last_column(result.out) == "node(s) didn't match pod topology spread constraints (2 nodes)"
    found = details(result.out)
    assert f"2 nodes fail topology spread (maxSkew 1 over {ZONE}) alone; 1 node fails cpu alone" in found
    assert f"fits on 2 nodes without topology spread (maxSkew 1 over {ZONE})" in found
    assert "fits if zone-b had another node like b1" in found


def test_gpus_that_are_spread_thinly(command: Run) -> None:
    gpus: dict[str, Any] = {"amounts": {"nvidia.com/gpu": "4"}}
    nodes = [
        *(node(f"g{i}", cpu="64", **gpus) for i in range(2)),
        *(node(f"c{i}", cpu="1") for i in range(3)),
    ]
    result = command("fit -f -", stdin=given(*nodes, web(3, cpu="2", requests={"nvidia.com/gpu": "3"})))
    assert result.status == 1
    assert last_column(result.out) == "Insufficient nvidia.com/gpu (2 nodes)"
    assert "needs 3 nvidia.com/gpu, best node has 1 free" in "; ".join(details(result.out))
    assert "fits on 2 nodes with 2 nvidia.com/gpu less" in details(result.out)


def test_the_smallest_cut_of_requests(command: Run) -> None:
    nodes = [node("n1", cpu="8"), node("n2", cpu="11200m"), node("n3", cpu="11200m")]
    result = command("schedule -f -", stdin=given(*nodes, web(1, cpu="14")))
    assert details(result.out) == [
        "3 nodes fail cpu alone",
        "needs 14 cpu, best node has 11.2 free",
        "fits on 2 nodes with 2.8 cpu less",
    ]


def test_a_zone_without_nodes(command: Run) -> None:
    pinned = web(1, nodeSelector={ZONE: "zone-b"})
    result = command("schedule -f -", stdin=given(node("n1"), node("n2"), pinned))
    assert details(result.out) == [
        "2 nodes fail node affinity alone",
        "fits on 2 nodes without its node affinity",
        "fits if zone-b had a node like n1",
    ]


def test_a_constraint_behind_another_one(command: Run) -> None:
    """The taint hides that the node has no cpu left; both have to go."""
    taint: dict[str, Any] = {"taints": [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]}
    result = command("schedule -f -", stdin=given(node("n1", cpu="2", **taint), web(1, cpu="3")))
    assert details(result.out) == [
        "1 node fails cpu + taints",
        "needs 3 cpu, best node has 2 free",
        "fits on 1 node with 1 cpu less and with tolerations of taints",
    ]


def test_a_cordoned_node(command: Run) -> None:
    result = command("schedule -f -", stdin=given(node("n1", unschedulable=True), web(1)))
    assert details(result.out) == ["1 node fails cordon alone", "fits on 1 node once uncordoned"]


def test_the_document_has_groups_and_changes(command: Run) -> None:
    full = [node("f1"), bound("b1", "f1", "3500m")]
    document = command("schedule -f - -o json", stdin=given(*full, node("n1"), web(2, **ANTI))).json()
    [why] = [each["whyNot"] for each in document["decisions"] if each["node"] is None]
    assert why["groups"] == [
        {"constraints": ["cpu"], "nodes": 1, "examples": ["f1"]},
        {"constraints": ["pod anti-affinity"], "nodes": 1, "examples": ["n1"]},
    ]
    assert why["needs"] == {"cpu": {"requested": 1000, "mostFree": 500}}
    assert [each["nodes"] for each in why["changes"]] == [1, 1]


@pytest.mark.parametrize("replicas", [1, 3])
def test_asking_why_leaves_the_answer_as_it_is(command: Run, replicas: int) -> None:
    """The last column is of the replica after those that still fit."""
    stdin = given(node("n1"), node("n2"), node("n3"), web(replicas, **ANTI))
    result = command("fit -f -", stdin=stdin)
    row = result.out.splitlines()[-1].split(maxsplit=4)
    assert row[1:4] == [str(replicas), str(replicas), str(3 - replicas)]
    assert row[4] == "node(s) didn't match pod anti-affinity rules (3 nodes)"


def test_explain_shows_it_as_well(command: Run) -> None:
    result = command("explain web-0 -f -", stdin=given(node("n1", cpu="2"), web(1, cpu="3")))
    assert details(result.out)[:3] == [
        "1 node fails cpu alone",
        "needs 3 cpu, best node has 2 free",
        "fits on 1 node with 1 cpu less",
    ]
