"""Output of runs: rows in batches, folders, and summaries without keeping rows in memory."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulation.scenes import node, pod, simulate, simulation, web

from kschedcore.errors import ManifestError, NotFoundError
from kschedcore.simulation import Difference, Run, Simulation, rows, rundirectory
from kschedcore.simulation.totals import Waits

FILES = ("summary.json", "pods.parquet", "events.parquet", "samples.parquet")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rows, rundirectory):
        monkeypatch.setattr(module, "BATCH", 7)


def busy() -> Simulation:
    arrivals = {
        "name": "batch", "template": pod(), "every": {"exponential": "20s"}, "lifetime": {"exponential": "2m"},
    }  # fmt: skip
    steps = [{"at": "10m", "failNodes": {"names": ["a"], "for": "20m"}}]
    return simulation("1h", node("a", "z"), node("b", "y"), web(2), arrivals=[arrivals], steps=steps)


@pytest.mark.usefixtures("small_batches")
def test_a_run_written_as_it_goes_on_is_the_same_as_one_written_afterwards(tmp_path: Path) -> None:
    run = busy().run()
    run.write(tmp_path / "afterwards")
    assert busy().run_to(tmp_path / "meanwhile") == run.summary
    assert busy().run_to(None) == run.summary
    for name in FILES:
        assert (tmp_path / "afterwards" / name).read_bytes() == (tmp_path / "meanwhile" / name).read_bytes()
    assert sorted(each.name for each in (tmp_path / "meanwhile").iterdir()) == sorted(FILES)


@pytest.mark.usefixtures("small_batches")
def test_only_what_lives_is_kept() -> None:
    live = busy()
    summary = live.run_to(None)
    there = live.cluster.list("pods", all_namespaces=True)
    lives = {each["metadata"]["uid"] for each in there if each["status"]["phase"] in ("Pending", "Running")}
    assert set(live._recorder.live) == lives
    assert set(live._recorder.apps) == {("default", "Deployment/web")}
    assert summary["pods"]["created"] > 5 * len(lives)


def test_a_run_that_fails_leaves_what_there_was(tmp_path: Path) -> None:
    simulate("1m", node("a", "z")).write(tmp_path)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    step = {"at": "1m", "scale": {"target": "deploy/none", "replicas": 2}}
    with pytest.raises(ManifestError, match="not found"):
        simulation("1h", node("a", "z"), steps=[step]).run_to(tmp_path)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_percentiles_of_waits_are_waits_to_four_digits(milliseconds: list[int]) -> None:
    waits = Waits()
    for each in milliseconds:
        waits.add(timedelta(milliseconds=each))
    ordered = sorted(milliseconds)
    for name, found in waits.percentiles().items():
        exact = ordered[math.ceil(len(ordered) * int(name[1:]) / 100) - 1]
        assert found * 1000 == pytest.approx(exact, rel=0.5e-3, abs=1e-6)
        if exact < 10_000:
            assert found == exact / 1000
    assert Waits().percentiles() == {}


def test_a_run_is_read_as_it_was_written_and_differs_from_itself_in_nothing(tmp_path: Path) -> None:
    run = simulate("1h", node("a", "z"), web(2))
    run.write(tmp_path)
    read = Run.read(tmp_path)
    assert (read.summary, read.pods, read.events, read.samples) == (
        run.summary, run.pods, run.events, run.samples,
    )  # fmt: skip
    difference = Difference.between(run, read)
    assert difference.same_inputs
    assert not [each for each in difference.figures + difference.zones if each.by]
    assert (difference.apps, difference.pods, difference.moved) == ([], [], 0)


def test_a_folder_that_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is no run; expected a folder that kschedcore simulate"):
        Run.read(tmp_path)
    simulate("1m", node("a", "z")).write(tmp_path)
    (tmp_path / "summary.json").write_text('{"kind": "Other"}')
    with pytest.raises(ManifestError, match="is no document of kind SimulationSummary"):
        Run.read(tmp_path)
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(ManifestError, match="cannot be read as a run"):
        Run.read(tmp_path)
