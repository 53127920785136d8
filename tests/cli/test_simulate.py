"""``kschedcore simulate`` and ``diff``, as a user types them."""

from __future__ import annotations

import csv
import io
import os
import signal
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from kschedcore.simulation.recorder import Recorder

SCENARIOS = Path(__file__).parents[2] / "examples" / "scenarios"
SHOP = SCENARIOS / "shop"


def test_the_example_of_a_bad_day(command: Run) -> None:
    result = command(f"simulate -f {SHOP} --duration 24h --output-dir run")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("24h simulated, seed 0\n")
    assert ["refused", "by", "quotas", "0"] in result.lines
    assert any(line[:2] == ["zone-a", "cpu"] for line in result.lines)
    assert any(line[:1] == ["default/Deployment/web"] for line in result.lines)
    assert sorted(each.name for each in Path("run").iterdir()) == [
        "events.parquet", "pods.parquet", "samples.parquet", "summary.json",
    ]  # fmt: skip


def test_csv(command: Run) -> None:
    files = f"-f {SHOP}/cluster.yaml -f {SHOP}/app.yaml"
    rows = list(csv.DictReader(io.StringIO(command(f"simulate {files} --duration 1h -o csv").out)))
    figures = {(row["about"], row["name"], row["figure"]): row["value"] for row in rows}
    assert figures["run", "", "simulatedSeconds"] == "3600.0"
    assert figures["app", "default/Deployment/web", "desired"] == "3"
    assert 0 < float(figures["zone", "zone-a", "cpu requestedMean"]) < 1


def test_the_example_of_a_quarter(command: Run) -> None:
    files = f"-f {SHOP}/cluster.yaml -f {SHOP}/app.yaml -f {SCENARIOS}/quarter.yaml"
    document = command(f"simulate {files} --duration 2d -o json").json()
    assert (document["kind"], document["partial"]) == ("SimulationSummary", False)


def test_warnings_of_the_api_server_are_printed_once(command: Run) -> None:
    unknown = "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME}, dta: {}}"
    steps = ", ".join(f"{{at: 1m, apply: [{unknown.replace('NAME', name)}]}}" for name in ("a", "b"))
    Path("steps.yaml").write_text(
        f"apiVersion: simulation.kschedcore.dev/v1alpha1\nkind: Scenario\nspec: {{steps: [{steps}]}}\n"
    )
    result = command("simulate -f cluster.yaml -f steps.yaml --duration 5m")
    assert (result.status, result.err) == (0, 'Warning: unknown field "dta"\n')


def test_two_runs_are_compared(command: Run) -> None:
    simulate = f"simulate -f {SHOP} --duration 4h -o parquet"
    assert command(f"{simulate} --output-dir one").out == ""
    command(f"{simulate} --output-dir two --seed 1")
    printed = command("diff one two")
    assert printed.status == 0
    assert printed.out.splitlines()[-1].endswith("; the same inputs")
    assert any(line[:1] == ["pods.created"] for line in printed.lines)
    assert command("diff one two -o json").json()["kind"] == "SimulationDifference"
    rows = list(csv.DictReader(io.StringIO(command("diff one two -o csv").out)))
    assert {"about", "name", "before", "after", "change"} == rows[0].keys()
    assert any(row["name"] == "pods.created" and row["about"] == "figure" for row in rows)


def test_bad_input_is_one_line_and_status_2(command: Run) -> None:
    Path("bad.yaml").write_text(
        "apiVersion: simulation.kschedcore.dev/v1alpha1\nkind: Scenario\nspec: {steps: [{at: noon}]}\n"
    )
    for line, problem in {
        "simulate": "no manifests: name files, folders or - for standard input with -f",
        "simulate -f bad.yaml": 'bad.yaml: document 1: spec.steps[0].at: found the string "noon",'
        " expected a span of time: seconds, or a text such as 90s, 5m, 7d",
        "simulate -f cluster.yaml -o parquet": "-o parquet: needs a folder to write to; name one with --output-dir",
        "diff here there": "here: is no run; expected a folder that kschedcore simulate --output-dir has written",
    }.items():
        result = command(line)
        assert (result.status, result.err, result.out) == (2, f"error: {problem}\n", "")


def test_an_interrupted_run_leaves_what_there_is(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, before = Recorder.look, signal.getsignal(signal.SIGINT)
    looks = 0

    def look(recorder: Recorder) -> None:
        nonlocal looks
        looks += 1
        if looks == 500:
            os.kill(os.getpid(), signal.SIGINT)
        looked(recorder)

    monkeypatch.setattr(Recorder, "look", look)
    result = command(f"simulate -f {SHOP} --output-dir run -o json")
    assert result.status == 130
    assert result.json()["partial"]
    assert 0 < result.json()["simulatedSeconds"] < 86400
    assert signal.getsignal(signal.SIGINT) is before
    assert command("diff run run").status == 0


def test_kinds_without_effect_are_not_worth_a_line(command: Run) -> None:
    """A dump holds events and roles, which --strict accepts."""
    Path("events.yaml").write_text(
        "apiVersion: v1\nkind: Event\nmetadata: {name: e, namespace: default, uid: u}\n"
        "involvedObject: {kind: Pod, name: gone, namespace: default}\n---\n"
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, uid: v}\n"
    )
    for name in ("simulate --duration 1m", "schedule"):
        result = command(f"{name} -f cluster.yaml -f app.yaml -f events.yaml --strict")
        assert (result.status, result.err) == (0, "")
