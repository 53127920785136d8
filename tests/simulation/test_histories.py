"""Some hundred random histories of a whole cluster, broken on purpose; and that they are what they claim to be."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from kschedcore.chaos.breaking import live, shortened
from kschedcore.chaos.chronicle import Objects, Write
from kschedcore.chaos.faults import WriteFault
from kschedcore.chaos.histories import History
from kschedcore.chaos.invariants import Invariant
from kschedcore.chaos.soak import main
from kschedcore.chaos.users import draw_history
from kschedcore.cluster.controlplane import Components
from kschedcore.controllers.controller import Controller, Key, Watch, watch_objects
from kschedcore.controllers.registry import CONTROLLERS

BATCH, BATCHES, LENGTH = 20, 10, 25


@pytest.mark.parametrize("first", range(0, BATCH * BATCHES, BATCH))
def test_nothing_breaks_whatever_happens(first: int) -> None:
    for seed in range(first, first + BATCH):
        history = draw_history(seed, LENGTH)
        broken = live(history).broken
        assert broken is None, f"seed {seed}: {broken}\n{history.to_json()}"


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "found").iterdir()), ids=lambda path: path.stem
)
def test_what_was_found_stays_mended(path: Path) -> None:
    """Histories that broke something, each shortened to the steps that matter."""
    assert live(History.from_json(path.read_bytes())).broken is None


def test_a_history_is_the_same_each_time() -> None:
    """The same seed gives the same steps, writes and faults, also by way of its text."""
    history = draw_history(7)
    assert draw_history(7) == history
    assert draw_history(8) != history
    assert History.from_json(history.to_json()) == history
    first, second = live(history), live(History.from_json(history.to_json()))
    assert first == second
    assert first.writes > 50


def test_every_kind_of_fault_comes_to_pass() -> None:
    tried = sum(
        (live(draw_history(seed)).tried for seed in range(500, 512)), start=live(draw_history(0)).tried
    )
    others = {"late news", "cut watch", "event told twice", "clock jump", "node failure"}
    restarts = {"restart of a process", "restart of a component"}
    assert tried.keys() == {fault.value for fault in WriteFault} | others | restarts


class Evicting(Controller):
    """A controller of one's own, which does what it must not: it deletes every pod of class ``high``."""

    name = "evicting-controller"

    def watches(self) -> Iterable[Watch]:
        return (watch_objects("pods"),)

    def reconcile(self, key: Key) -> None:
        pod = self.informers["pods"].get(*key)
        if pod is not None and pod["spec"].get("priorityClassName") == "high":
            self.client.delete("pods", *key, grace_seconds=0)


class NothingIsDeletedByIt(Invariant):
    def written(self, write: Write, objects: Objects) -> Iterable[str]:
        if write.by == Evicting.name and write.new is None:
            yield f"{write}, of {len(objects)} kinds"


def test_parts_and_invariants_of_ones_own() -> None:
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [
            {"schedulerName": "default-scheduler", "plugins": {"score": {"disabled": [{"name": "*"}]}}}
        ],
    }
    parts = Components(controllers=(*CONTROLLERS, Evicting), config=config)
    lived = partial(live, invariants=[NothingIsDeletedByIt], parts=parts)
    history = draw_history(7)
    broken = lived(history).broken
    assert broken is not None
    shorter = shortened(history, broken, lived)
    assert len(shorter.steps) < 5
    again = lived(shorter).broken
    assert again is not None
    assert again.invariant == "NothingIsDeletedByIt"
    assert "evicting-controller deleted pods" in again.detail
    assert live(shorter).broken is None


def test_the_soak_tells_what_it_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--histories", "3", "--seed", "40", "--length", "15"]) == 0
    told = capsys.readouterr().out
    assert "3 histories" in told
    assert "0 broken" in told


def test_the_soak_replays_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "history.json"
    path.write_text(draw_history(3, 10).to_json())
    assert main(["--replay", str(path)]) == 0
    assert "nothing broke" in capsys.readouterr().out
    for step, complaint in (
        ('{"do": "rest"}', "$.steps[0]"),
        ('{"do": "cutWatches", "process": "etcd"}', "$.steps[0].process"),
        ('{"do": "restart", "component": "web"}', "'web' does not run here; expected one of"),
    ):
        path.write_text(f'{{"seed": 1, "steps": [{step}]}}')
        assert main(["--replay", str(path)]) == 2
        assert complaint in capsys.readouterr().err
