"""The programs in ``examples/`` run as their first lines say, and agree with the command line."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Run

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def ran(name: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        capsys.readouterr()
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return ran


def test_place(command: Run, example: Callable[..., str]) -> None:
    printed = example("place.py", "cluster.yaml", "app.yaml").splitlines()
    rows = [
        row
        for row in command("schedule -f cluster.yaml -f app.yaml --no-headers").lines
        if row[:1] == ["shop"]
    ]
    placed = [row for row in rows if len(row) == 5 and row[2] != "<none>"]
    for namespace, name, node, *_ in placed:
        assert f"{namespace}/{name} -> {node}" in printed
    assert any(line.startswith("shop/report -> 0/6 nodes are available") for line in printed)
    assert "db-b1: 3200 of 7900 millicores" in printed


@pytest.mark.usefixtures("command")
def test_why_not(example: Callable[..., str]) -> None:
    printed = example("why_not.py", "shop/web-0", "cluster.yaml", "app.yaml").splitlines()
    assert "web-b2: NodeUnschedulable says node(s) were unschedulable" in printed
    assert printed[3].startswith("web-b1: 846 {")


@pytest.mark.usefixtures("command")
def test_how_many_nodes(example: Callable[..., str]) -> None:
    printed = example("how_many_nodes.py", "gpu-a1", "cluster.yaml", "app.yaml").splitlines()
    assert printed[:2] == ["node 1: shop/train-1", "1 more like gpu-a1, and 3 pods without a node"]
    assert [line.partition(":")[0] for line in printed[2:]] == ["shop/report", "shop/migrate", "shop/db-1"]
    more = example("how_many_nodes.py", "db-b1", "cluster.yaml", "app.yaml").splitlines()
    assert more[:2] == ["node 1: shop/db-1", "1 more like db-b1, and 3 pods without a node"]


@pytest.mark.usefixtures("command")
def test_without_a_zone(example: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        example("without_a_zone.py", "cluster.yaml", "app.yaml")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "without eu-1a: 6 pods move, 4 of all have no node"
    assert printed[-2] == "without eu-1b: 6 pods move, 1 of all have no node"
    assert printed[-1].startswith("  shop/db-0: 0/3 nodes are available: ")


@pytest.mark.usefixtures("command")
def test_without_a_zone_of_no_matter(
    example: Callable[..., str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    node = "{apiVersion: v1, kind: Node, metadata: {name: %s, labels: {topology.kubernetes.io/zone: %s}}, %s}"
    status = "status: {allocatable: {cpu: 4, pods: 9}}"
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}"
    manifests = tmp_path / "zones.yaml"
    manifests.write_text("\n---\n".join([node % ("a", "a", status), node % ("b", "b", status), pod]))
    with pytest.raises(SystemExit, match="0"):
        example("without_a_zone.py", str(manifests))
    assert capsys.readouterr().out.splitlines() == [
        "without a: 1 pods move, 0 of all have no node",
        "without b: 0 pods move, 0 of all have no node",
    ]
