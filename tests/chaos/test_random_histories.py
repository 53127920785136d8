"""Random histories of a whole cluster with faults, and properties of the histories themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from kschedcore.chaos.faults import WriteFault
from kschedcore.chaos.generator import random_history
from kschedcore.chaos.histories import History
from kschedcore.chaos.invariants import Invariant
from kschedcore.chaos.runner import run_history, shrink
from kschedcore.chaos.soak import main
from kschedcore.chaos.writes import Objects, Write
from kschedcore.cluster.controlplane import Components
from kschedcore.controllers.controller import Controller, Key, Watch, watch_objects
from kschedcore.controllers.registry import CONTROLLERS

BATCH, BATCHES, LENGTH = 20, 10, 25


@pytest.mark.parametrize("first", range(0, BATCH * BATCHES, BATCH))
def test_random_histories_violate_no_invariant(first: int) -> None:
    for seed in range(first, first + BATCH):
        history = random_history(seed, LENGTH)
        violation = run_history(history).violation
        assert violation is None, f"seed {seed}: {violation}\n{history.to_json()}"


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "regressions").iterdir()), ids=lambda path: path.stem
)
def test_histories_of_fixed_faults(path: Path) -> None:
    """Histories that broke something, each shrink to the steps that matter."""
    assert run_history(History.from_json(path.read_bytes())).violation is None


def test_a_history_is_deterministic() -> None:
    """The same seed gives the same steps, writes and faults, also after a round trip through JSON."""
    history = random_history(7)
    assert random_history(7) == history
    assert random_history(8) != history
    assert History.from_json(history.to_json()) == history
    first, second = run_history(history), run_history(History.from_json(history.to_json()))
    assert first == second
    assert first.writes > 50


def test_every_kind_of_fault_is_injected() -> None:
    faults = sum((run_history(random_history(seed)).faults for seed in range(500, 513)), start=Counter[str]())
    others = {"delayed events", "cut watch", "repeated event", "clock jump", "node failure"}
    restarts = {"restart of a process", "restart of a component"}
    assert faults.keys() == {fault.value for fault in WriteFault} | others | restarts


class Evicting(Controller):
    """A custom controller that violates the invariant below: it deletes every pod of class ``high``."""

    name = "evicting-controller"

    def watches(self) -> Iterable[Watch]:
        return (watch_objects("pods"),)

    def reconcile(self, key: Key) -> None:
        pod = self.informers["pods"].get(*key)
        if pod is not None and pod["spec"].get("priorityClassName") == "high":
            self.client.delete("pods", *key, grace_seconds=0)


class EvictingControllerDeletesNothing(Invariant):
    def on_write(self, write: Write, objects: Objects) -> Iterable[str]:
        if write.by == Evicting.name and write.new is None:
            yield f"{write}, of {len(objects)} kinds"


def test_custom_components_and_invariants() -> None:
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [
            {"schedulerName": "default-scheduler", "plugins": {"score": {"disabled": [{"name": "*"}]}}}
        ],
    }
    parts = Components(controllers=(*CONTROLLERS, Evicting), config=config)
    run = partial(run_history, invariants=[EvictingControllerDeletesNothing], parts=parts)
    history = random_history(7)
    violation = run(history).violation
    assert violation is not None
    shorter = shrink(history, violation, run)
    assert len(shorter.steps) < 5
    again = run(shorter).violation
    assert again is not None
    assert again.invariant == "EvictingControllerDeletesNothing"
    assert "evicting-controller deleted pods" in again.detail
    assert run_history(shorter).violation is None


def test_the_soak_prints_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--histories", "3", "--seed", "40", "--length", "15"]) == 0
    output = capsys.readouterr().out
    assert "3 histories" in output
    assert "0 violations" in output


def test_the_soak_replays_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history.json"
    path.write_text(random_history(3, 10).to_json())
    assert main(["--replay", str(path)]) == 0
    assert "no invariant was violated" in capsys.readouterr().out
    for step, message in (
        ('{"do": "rest"}', "$.steps[0]"),
        ('{"do": "cutWatches", "process": "etcd"}', "$.steps[0].process"),
        ('{"do": "restart", "component": "web"}', "'web' does not run here; expected one of"),
    ):
        path.write_text(f'{{"seed": 1, "steps": [{step}]}}')
        assert main(["--replay", str(path)]) == 2
        assert message in capsys.readouterr().err
