"""An engine refuses to be called by code that runs within one of its methods, and nothing is touched."""

from __future__ import annotations

import gc
import inspect
import signal
from collections.abc import Callable, Iterator, Mapping
from threading import Thread
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.builders import node, pod
from tests.engine.storage import claim

from kschedcore import Engine
from kschedcore.api.objects import Pod, decode
from kschedcore.engine.decision import Decision
from kschedcore.engine.plugin import Plugin, PodContext
from kschedcore.engine.user_plugins import FilterPlugin, NodeColumns, ScorePlugin
from kschedcore.errors import PluginError, UsageError

Json = dict[str, Any]
Call = Callable[[Engine], object]


def _enter_what_if(engine: Engine) -> None:
    with engine.what_if():
        pass


def _table(**columns: list[Any]) -> pa.Table:
    return pa.table(columns)


CALLS: dict[str, Call] = {
    "schedule": lambda e: e.schedule([pod("inner")]),
    "schedule_unreserved": lambda e: e.schedule_unreserved([pod("inner")]),
    "place": lambda e: e.place(_table(name=["inner"])),
    "decide": lambda e: e.decide(pod("inner")),
    "explain": lambda e: e.explain(pod("inner")),
    "verdicts": lambda e: e.verdicts(pod("inner")),
    "free": lambda e: e.free("cpu"),
    "capacity": lambda e: e.capacity(pod("inner")),
    "in_queue_order": lambda e: e.in_queue_order([pod("inner")]),
    "forget": lambda e: e.forget(),
    "what_if": _enter_what_if,
    "set_node": lambda e: e.set_node(node("inner")),
    "add_nodes": lambda e: e.add_nodes(_table(name=["inner"])),
    "remove_node": lambda e: e.remove_node("a"),
    "add_pod": lambda e: e.add_pod(pod("inner", nodeName="a")),
    "add_pods": lambda e: e.add_pods(_table(name=["inner"], node=["a"])),
    "remove_pod": lambda e: e.remove_pod("there"),
    "nominate": lambda e: e.nominate(pod("inner"), "a"),
    "withdraw_nomination": lambda e: e.withdraw_nomination("inner"),
    "forget_pod": lambda e: e.forget_pod(pod("there")),
    "is_assumed": lambda e: e.is_assumed(pod("there")),
    "assume_pod": lambda e: e.assume_pod(pod("inner"), "a"),
    "devices": lambda e: e.devices(),
    "claims": lambda e: e.claims(),
    "claims_of": lambda e: e.claims_of(decode(Pod, pod("inner"))),
    "note_late_claim": lambda e: e.note_late_claim("inner"),
    "claims_after": lambda e: e.claims_after(Decision(decode(Pod, pod("inner")), None)),
    "assumed_claims": lambda e: e.assumed_claims(decode(Pod, pod("inner"))),
    "is_claim_assumed": lambda e: e.is_claim_assumed("inner"),
    "write_claims": lambda e: e.write_claims(()),
    "set_namespace": lambda e: e.set_namespace({"metadata": {"name": "inner"}}),
    "set_object": lambda e: e.set_object(claim("inner")),
    "remove_object": lambda e: e.remove_object("PersistentVolumeClaim", "data"),
    "nodes": lambda e: e.nodes(),
    "pods": lambda e: e.pods(),
    "utilisation": lambda e: e.utilisation(),
    "nominations": lambda e: e.nominations,
}
"""The methods that use an engine's state, by name."""

HARMLESS = {"extenders", "framework_of", "look_up_objects", "samples", "scheduler_names"}
"""The methods that only return configuration and may be called at any time."""


def test_every_public_member_is_listed() -> None:
    public = {name for name, _ in inspect.getmembers(Engine) if not name.startswith("_")}
    assert public == CALLS.keys() | HARMLESS


class Callback:
    """Calls an engine from within, once, and keeps what came of it."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.call: Call | None = None
        self.error: BaseException | None = None
        self.calls = 0

    def __call__(self) -> None:
        if self.engine is None or self.call is None:
            return
        call, self.call = self.call, None
        self.calls += 1
        try:
            call(self.engine)
        except UsageError as error:
            self.error = error
            raise


CALLBACK = Callback()


class CallingFilter(FilterPlugin):
    name = "CallingFilter"
    reason = "never"

    def filter_nodes(self, pod: Any, nodes: NodeColumns) -> Any:  # noqa: ARG002
        if self.name == WHERE[0]:
            CALLBACK()
        return np.ones(len(nodes), np.bool_)


class CallingScore(ScorePlugin):
    name = "CallingScore"

    def score_nodes(self, pod: Any, nodes: NodeColumns) -> Any:  # noqa: ARG002
        if self.name == WHERE[0]:
            CALLBACK()
        return np.zeros(len(nodes), np.int64)


class CallingPlugin(Plugin):
    """Calls from PreEnqueue, PreFilter or while a Filter is compiled."""

    name = "CallingPlugin"
    points = frozenset({"preEnqueue", "preFilter", "filter"})

    def pre_enqueue(self, pod: Any) -> Any:  # noqa: ARG002
        if WHERE[0] == "preEnqueue":
            CALLBACK()

    def pre_filter(self, context: PodContext) -> Any:  # noqa: ARG002
        if WHERE[0] == "preFilter":
            CALLBACK()

    def filter(self, context: PodContext) -> Any:  # noqa: ARG002
        if WHERE[0] == "filter":
            CALLBACK()


class CallingSort(Plugin):
    name = "CallingSort"
    points = frozenset({"queueSort"})

    def sort_key(self, pod: Any) -> Any:
        if WHERE[0] == "queueSort":
            CALLBACK()
        return pod.metadata.name


WHERE = [""]
PLACES = ["CallingFilter", "CallingScore", "preEnqueue", "preFilter", "filter", "queueSort"]

CONFIG = {
    "apiVersion": "kubescheduler.config.k8s.io/v1",
    "kind": "KubeSchedulerConfiguration",
    "profiles": [
        {
            "plugins": {
                "multiPoint": {
                    "enabled": [{"name": name} for name in ("CallingFilter", "CallingScore", "CallingPlugin")]
                },
                "queueSort": {"enabled": [{"name": "CallingSort"}], "disabled": [{"name": "*"}]},
            }
        }
    ],
}


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(config=CONFIG, plugins=[CallingFilter, CallingScore, CallingPlugin, CallingSort])
    for name in "ab":
        engine.set_node(node(name))
    engine.add_pod(pod("there", nodeName="a"))
    engine.set_object(claim("data"))
    CALLBACK.__init__()  # type: ignore[misc]
    yield engine
    CALLBACK.__init__()  # type: ignore[misc]
    WHERE[0] = ""


def seen(engine: Engine) -> Json:
    return {
        "nodes": engine.nodes(),
        "nominations": engine.nominations,
        "utilisation": engine.utilisation(),
        "text": repr(engine),
    }


OUTER: dict[str, Call] = {
    "decide": lambda e: e.decide(pod("outer")),
    "schedule": lambda e: e.schedule([pod("outer"), pod("second")]),
    "capacity": lambda e: e.capacity(pod("outer"), limit=3),
    "explain": lambda e: e.explain(pod("outer")),
}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("name", CALLS)
def test_a_plugin_may_not_call_the_engine_that_runs_it(engine: Engine, where: str, name: str) -> None:
    for outer in OUTER.values():
        before = seen(engine)
        engine.forget()
        WHERE[0] = where
        CALLBACK.__init__()  # type: ignore[misc]
        CALLBACK.engine, CALLBACK.call = engine, CALLS[name]
        with engine.what_if():
            if outer is OUTER["schedule"] or where != "queueSort":
                with pytest.raises((PluginError, UsageError), match=r"was called while Engine\."):
                    outer(engine)
        WHERE[0] = ""
        if where != "queueSort" or outer is OUTER["schedule"]:
            assert CALLBACK.calls == 1
            assert "running on this thread" in str(CALLBACK.error)
        assert seen(engine) == before
        assert engine.decide(pod("after")).node == "b"


def test_a_signal_handler_may_not_call_the_engine_that_it_interrupts(engine: Engine) -> None:
    refused: list[str] = []

    def handler(*_: object) -> None:
        try:
            engine.remove_node("a")
        except UsageError as error:
            refused.append(str(error))

    class Raising(Mapping[str, Any]):
        """A pod whose reading delivers a signal."""

        def __init__(self) -> None:
            self.data = pod("p")

        def __getitem__(self, key: str) -> Any:
            signal.raise_signal(signal.SIGUSR1)
            return self.data[key]

        def __iter__(self) -> Iterator[str]:
            return iter(self.data)

        def __len__(self) -> int:
            return len(self.data)

    previous = signal.signal(signal.SIGUSR1, handler)
    try:
        assert engine.decide(Raising()).node == "b"
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert refused
    assert "Engine.remove_node() was called while Engine.decide() is running" in refused[0]
    assert engine.nodes()["name"].to_pylist() == ["a", "b"]


def test_pods_may_come_from_a_generator_that_calls_the_engine(engine: Engine) -> None:
    def pods() -> Iterator[Json]:
        for number in range(2):
            yield pod(f"p{len(engine.nodes())}-{number}")

    assert [decision.node for decision in engine.schedule(pods())] == ["b", "a"]


def test_another_thread_waits_instead(engine: Engine) -> None:
    threads: list[Thread] = []

    def call_from_elsewhere(engine: Engine) -> None:
        threads.append(Thread(target=engine.set_node, args=(node("late"),)))
        threads[0].start()
        threads[0].join(0.05)
        assert threads[0].is_alive()

    WHERE[0] = "CallingFilter"
    CALLBACK.engine, CALLBACK.call = engine, call_from_elsewhere
    assert engine.decide(pod("outer")).feasible == 2
    threads[0].join()
    assert len(engine.nodes()) == 3


def test_methods_may_be_called_within_what_if(engine: Engine) -> None:
    with engine.what_if():
        for name, call in CALLS.items():
            if name not in ("remove_node", "remove_pod", "remove_object"):
                call(engine)
    assert engine.utilisation()["pods"]["requested"] == 1


def test_an_engine_is_freed_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        freed: list[str] = []
        engine = Engine()
        engine.set_node(node("a"))
        engine.schedule([pod("p")])
        with engine.what_if():
            engine.remove_node("a")
        import weakref

        weakref.finalize(engine, freed.append, "engine")
        del engine
        assert freed == ["engine"]
    finally:
        gc.enable()
