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
    assert printed[3].startswith("web-b1: 864 {")
