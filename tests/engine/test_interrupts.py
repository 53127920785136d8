"""Exceptions at any line of the engine's own code: batches keep a committed prefix, questions leave no trace."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.builders import node, pod
from tests.engine.objects import anti_affinity
from tests.engine.storage import claim, uses, volume
from tests.fuzz.engine_operations import Disturbance, Disturber, check_accounts, state

from kschedcore import Engine
from kschedcore.engine.plugin import Plugin
from kschedcore.engine.user_plugins import FilterPlugin, NodeColumns, ScorePlugin
from kschedcore.errors import Interrupted, PluginError

Json = dict[str, Any]


def engine_of_two() -> Engine:
    engine = Engine()
    engine.set_node(node("a", cpu="2", labels={"zone": "1"}))
    engine.set_node(node("b", cpu="2", labels={"zone": "2"}))
    engine.set_object(volume("disk", node="b"))
    engine.set_object(claim("data", bound_to="disk"))
    engine.add_pods(pa.table({"name": ["row", "late"], "node": ["a", "c"], "requests/cpu": [500, 100]}))
    engine.add_pod(pod("low", cpu="1", nodeName="b", labels={"app": "x"}))
    engine.nominate(pod("waiting", cpu="500m", priority=3), "b")
    return engine


def batch() -> list[Json]:
    keeps_away = anti_affinity({"app": "x"})
    return [
        pod("one", cpu="500m", affinity=keeps_away, labels={"app": "x"}),
        pod("waiting", cpu="500m", priority=3),
        pod("user", cpu="100m", volumes=uses("data")),
        pod("high", cpu="1500m", priority=10),
        pod("row", cpu="100m"),
        pod("nowhere", cpu="64"),
    ]


OPERATIONS: dict[str, Callable[[Engine], object]] = {
    "schedule": lambda e: e.schedule(batch()),
    "place": lambda e: e.place(
        pa.table({"name": ["t1", "row", "t3"], "priority": [0, 5, 9], "requests/cpu": [100, 100, 2000]})
    ),
    "decide": lambda e: e.decide(pod("waiting", cpu="500m", priority=3)),
    "set_node": lambda e: e.set_node(node("a", cpu="9", labels={"zone": "2"})),
    "add_node": lambda e: e.set_node(node("c")),
    "add_nodes": lambda e: e.add_nodes(
        pa.table({"name": ["c", "d", "a"], "allocatable/cpu": [1, 2, 3], "label/zone": ["2", "1", "1"]})
    ),
    "remove_node": lambda e: e.remove_node("b"),
    "add_pods": lambda e: e.add_pods(
        pa.table({"name": ["row", "low", "t"], "node": ["b", "b", "z"], "requests/cpu": [100, 100, 200]})
    ),
    "add_pod": lambda e: e.add_pod(pod("low", cpu="2", nodeName="a")),
    "remove_pod": lambda e: e.remove_pod("row"),
    "set_object": lambda e: (e.set_object(claim("data")), e.decide(pod("user", volumes=uses("data")))),
}


def disturbed(engine: Engine, operation: Callable[[Engine], object], kind: str, steps: int) -> bool:
    """Run an operation that is interrupted after some lines; say whether it was."""
    disturber = Disturber(kind, steps)
    try:
        with disturber.active():
            operation(engine)
    except (Disturbance, KeyboardInterrupt):
        return True
    return False


@pytest.mark.parametrize("kind", ["trace", "signal"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_interrupt_at_any_line_leaves_the_accounts_right(name: str, kind: str) -> None:
    steps, last = 1 if kind == "trace" else 5, 0
    while disturbed(engine := engine_of_two(), OPERATIONS[name], kind, steps):
        check_accounts(engine)
        assert engine.decide(pod("after", cpu="1m")).node is not None
        last, steps = steps, steps + 9
    check_accounts(engine)
    assert last > 20


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_interrupt_at_any_line_of_a_question_leaves_no_trace(name: str) -> None:
    engine = engine_of_two()
    before, steps, interrupted = state(engine), 1, True

    def query(engine: Engine) -> None:
        with engine.what_if():
            OPERATIONS[name](engine)
            engine.schedule([pod("more", cpu="1m")])
            engine.remove_node("a")

    while interrupted:
        interrupted = disturbed(engine, query, "trace", steps)
        assert state(engine) == before
        check_accounts(engine)
        steps += 13
    assert steps > 50


def test_an_interrupted_batch_returns_its_committed_decisions() -> None:
    plain = [(d.pod_name, d.node) for d in engine_of_two().schedule(batch())]
    lengths = set()
    for steps in range(1, 50_000, 37):
        engine = engine_of_two()
        there = state(engine)["bound"]
        disturber = Disturber("signal", steps)
        try:
            with disturber.active():
                engine.schedule(batch())
        except Interrupted as error:
            decided = [(d.pod_name, d.node) for d in error.decisions]
            assert decided == plain[: len(decided)]
            placed = {(tuple(name.split("/")), where) for name, where in decided if where is not None}
            new = {entry for entry in state(engine)["bound"] if entry not in there}
            assert new == {entry for entry in placed if entry not in there}
            lengths.add(len(decided))
        except KeyboardInterrupt:
            continue  # before the first pod, or after the last
        else:
            break
    assert len(lengths) > 2


def test_a_second_interrupt_while_it_recovers() -> None:
    class Twice(Disturber):
        def __call__(self, frame: Any, event: str, arg: object) -> Any:
            if self.fired and "recover" in frame.f_code.co_name and self.more:
                self.more -= 1
                raise Disturbance
            return super().__call__(frame, event, arg)

        more = 3

    for steps in range(1, 900, 11):
        engine = engine_of_two()
        before = state(engine)
        disturber = Twice("trace", steps)
        try:
            with disturber.active(), engine.what_if():
                engine.schedule(batch())
        except Disturbance:
            pass
        assert state(engine) == before
        check_accounts(engine)


class Tripping(FilterPlugin):
    """Raises the test's exception when it filters a pod of a certain name."""

    name = "Tripping"
    reason = "never"
    error: BaseException | None = None
    at = ""

    def filter_nodes(self, pod: Any, nodes: NodeColumns) -> Any:
        if self.error is not None and pod.metadata.labels.get("name") == self.at:
            raise self.error
        return np.ones(len(nodes), np.bool_)


class TrippingScore(ScorePlugin):
    name = "TrippingScore"
    error: BaseException | None = None

    def score_nodes(self, pod: Any, nodes: NodeColumns) -> Any:  # noqa: ARG002
        if self.error is not None:
            raise self.error
        return np.zeros(len(nodes), np.int64)


@pytest.fixture
def tripping() -> Any:
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [
            {"plugins": {"multiPoint": {"enabled": [{"name": "Tripping"}, {"name": "TrippingScore"}]}}}
        ],
    }
    engine = Engine(config=config, plugins=[Tripping, TrippingScore])
    engine.set_node(node("a", cpu="64"))
    yield engine
    Tripping.error = TrippingScore.error = None


def named(*names: str) -> list[Json]:
    return [pod(name, cpu="100m", labels={"name": name}) for name in names]


def test_ctrl_c_in_a_plugin_ends_the_batch_there(tripping: Engine) -> None:
    Tripping.error, Tripping.at = KeyboardInterrupt(), "r"
    with pytest.raises(Interrupted) as caught:
        tripping.schedule(named("p", "q", "r", "s"))
    assert [d.pod_name for d in caught.value.decisions] == ["default/p", "default/q"]
    assert tripping.utilisation()["pods"]["requested"] == 2
    Tripping.error = None
    assert len(tripping.schedule(named("r", "s")).placed) == 2
    check_accounts(tripping)


def test_ctrl_c_in_a_plugin_while_a_table_is_placed(tripping: Engine) -> None:
    Tripping.error, Tripping.at = KeyboardInterrupt(), "r"
    table = pa.table({"name": ["p", "q", "r"], "label/name": ["p", "q", "r"], "priority": [0, 2, 1]})
    with pytest.raises(Interrupted) as caught:
        tripping.place(table)
    assert caught.value.decisions.to_pylist()[0]["pod"] == "q"
    assert len(caught.value.decisions) == 1
    assert tripping.utilisation()["pods"]["requested"] == 1
    check_accounts(tripping)


def test_ctrl_c_in_a_plugin_while_it_counts(tripping: Engine) -> None:
    Tripping.error, Tripping.at = KeyboardInterrupt(), "p"
    with pytest.raises(KeyboardInterrupt):
        tripping.capacity(named("p")[0])
    Tripping.error = None
    assert tripping.capacity(named("p")[0], limit=5).replicas == 5


def test_an_error_of_a_plugin_is_no_answer_for_later(tripping: Engine) -> None:
    Tripping.error, Tripping.at = RuntimeError("broken"), "p"
    with pytest.raises(PluginError, match="broken") as caught:
        tripping.schedule(named("p", "q"))
    assert [(d.pod_name, d.node) for d in caught.value.decisions] == [  # type: ignore[attr-defined]
        ("default/p", None),
        ("default/q", "a"),
    ]
    Tripping.error = None
    assert tripping.decide(named("p")[0]).node == "a"
    TrippingScore.error = RuntimeError("broken too")
    with pytest.raises(PluginError, match="broken too"):
        tripping.decide(named("other")[0])
    TrippingScore.error = None
    assert tripping.decide(named("other")[0]).total is not None


def test_interrupt_main_while_many_pods_are_placed() -> None:
    engine = Engine()
    for number in range(50):
        engine.set_node(node(f"n{number}", cpu="1000", memory="1000Gi", pods=100_000))
    timer = threading.Timer(0.05, _thread.interrupt_main)
    pods = [pod(f"p{number}", cpu="1m", memory="1Mi") for number in range(20_000)]
    timer.start()
    try:
        decisions: Any = engine.schedule(pods)
        engine.decide(pod("wait"))
        timer.join()
    except Interrupted as error:
        decisions = error.decisions
    except KeyboardInterrupt:
        decisions = list(state(engine)["bound"])
    timer.cancel()
    timer.join()
    assert engine.utilisation()["pods"]["requested"] == len(decisions)


def test_memory_that_runs_out_in_a_callback() -> None:
    class Failing:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, *_: object) -> Any:
            self.calls += 1
            raise MemoryError

    engine = engine_of_two()
    before = state(engine)
    failing = Failing()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("kschedcore.engine.framework.Framework.post_filter", failing)
        with pytest.raises(MemoryError) as caught:
            engine.schedule([pod("one", cpu="100m", priority=1), pod("high", cpu="2"), pod("rest", cpu="1m")])
    assert failing.calls == 1
    assert [d.pod_name for d in caught.value.decisions] == ["default/one"]  # type: ignore[attr-defined]
    engine.remove_pod("one")
    assert state(engine) == before


def test_the_handler_of_ctrl_c_is_left_alone() -> None:
    handler = signal.getsignal(signal.SIGINT)
    engine_of_two().schedule(batch())
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_exception_in_the_middle_of_a_dry_run_puts_every_pod_back() -> None:
    class Following(Plugin):
        name = "Following"
        points = frozenset({"preFilter"})
        left = -1

        def add_pod(self, pod: Any, bound: Any) -> None:  # noqa: ARG002
            self.count()

        def remove_pod(self, pod: Any, bound: Any) -> None:  # noqa: ARG002
            self.count()

        def count(self) -> None:
            Following.left -= 1
            if Following.left == 0:
                raise KeyboardInterrupt

    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": {"multiPoint": {"enabled": [{"name": "Following"}]}}}],
    }
    engine = Engine(config=config, plugins=[Following])
    engine.set_node(node("a", cpu="3"))
    for name in "pqr":
        engine.add_pod(pod(name, nodeName="a"))
    before, raised = state(engine), 0
    for left in range(1, 12):
        Following.left = left
        try:
            assert len(engine.decide(pod("high", cpu="2", priority=9)).victims) == 2
        except KeyboardInterrupt:
            raised += 1
        assert state(engine) == before
        check_accounts(engine)
    assert raised > 4
