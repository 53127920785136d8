"""``kschedcore demo``: the first thing a newcomer sees, and what the README opens with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.cli.conftest import DATA, Run

README = Path(__file__).parents[2] / "README.md"


def test_the_demo_prints_every_step(command: Run) -> None:
    result = command("demo")
    assert (result.status, result.err) == (0, "")
    assert [line for line in result.out.splitlines() if line.startswith("$ ")] == [
        "$ kschedcore schedule -f cluster.yaml -f app.yaml",
        "$ kschedcore explain web-0 -f cluster.yaml -f app.yaml",
        "$ kschedcore fit -f cluster.yaml -f app.yaml -l app=web",
        "$ python alive.py",
    ]


def test_its_command_lines_print_what_it_shows(command: Run) -> None:
    commands = command("demo").out.partition("\n$ python")[0]
    shown = re.split(r"^\$ kschedcore (.*)\n", commands, flags=re.MULTILINE)[1:]
    for line, printed in zip(shown[::2], shown[1::2], strict=True):
        assert command(line).out == printed.removesuffix("\n") + ("\n" if line.startswith("fit") else "")


def test_its_cluster_comes_alive(command: Run) -> None:
    printed = command("demo").out.partition("$ python alive.py\n")[2]
    assert "deployment.apps/web created" in printed
    assert 'deployment "web" successfully rolled out' in printed
    moved = [line for line in printed.splitlines() if line.startswith("web-") and " Running " in line][-4:]
    assert len(moved) == 4
    assert not any("web-a1" in line for line in moved)
    assert "NodeNotReady Node web-a1 status is now: NodeNotReady" in printed


def test_the_readme_shows_its_real_output(command: Run) -> None:
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(), flags=re.DOTALL)
    placed, _, alive = command("demo").out.partition("\n$ python alive.py\n")
    assert f"$ make demo\n{placed}" in blocks
    assert f"$ python alive.py\n{alive}" in blocks


def test_its_manifests_can_be_kept(command: Run) -> None:
    assert (
        command("demo --save shop/demo").out
        == "shop/demo/cluster.yaml\nshop/demo/app.yaml\nshop/demo/alive.py\n"
    )
    for name in ("cluster.yaml", "app.yaml", "alive.py"):
        assert Path("shop/demo", name).read_bytes() == (DATA / name).read_bytes()


def test_a_failing_demo_is_reported(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kschedcore.cli.demo.COMMANDS", ("schedule", "fit"))
    result = command("demo")
    assert result.status == 2
    assert "$ kschedcore fit" not in result.out
