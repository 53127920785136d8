"""Questions that change a cluster and leave no trace."""

from __future__ import annotations

from threading import Thread
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.builders import node, pod
from tests.engine.storage import claim, volume

from kschedcore import Engine
from kschedcore.engine import sampling
from kschedcore.errors import NotFoundError
from kschedcore.manifests.manifests import Manifests
from kschedcore.testing.replay import EngineScheduler, Replay
from kschedcore.testing.strategies import Event, History, histories

Json = dict[str, Any]


def engine_with(*nodes: Json) -> Engine:
    engine = Engine()
    for each in nodes:
        engine.set_node(each)
    return engine


def seen(engine: Engine) -> Json:
    """Return the whole visible state of an engine."""
    return {
        "nodes": engine.nodes(),
        "nominations": engine.nominations,
        "utilisation": engine.utilisation(),
        "text": repr(engine),
    }


class TestNoTrace:
    def test_what_is_placed_is_taken_off(self) -> None:
        engine = engine_with(node("a", cpu="2"))
        before = seen(engine)
        with engine.what_if() as what_if:
            assert len(what_if.schedule([pod("one"), pod("two")]).placed) == 2
            assert what_if.decide(pod("three")).node is None
        assert seen(engine) == before
        assert engine.decide(pod("three")).node == "a"

    def test_a_node_that_is_taken_away_comes_back_with_its_pods(self) -> None:
        engine = engine_with(node("a"), node("b"))
        engine.schedule([pod("one"), pod("two"), pod("three")])
        before = seen(engine)
        with engine.what_if():
            engine.remove_node("a")
            assert engine.decide(pod("more")).node == "b"
        assert seen(engine) == before

    def test_a_node_that_is_added_or_changed(self) -> None:
        engine = engine_with(node("a", labels={"rack": "1"}, taints=[{"key": "k", "effect": "NoSchedule"}]))
        before = seen(engine)
        with engine.what_if():
            engine.set_node(node("b", labels={"disk": "ssd"}))
            engine.set_node(node("a", cpu="64", unschedulable=True))
            engine.schedule([pod("one")])
            engine.set_node(node("a", cpu="1"))
        assert seen(engine) == before

    def test_resources_and_labels_of_what_if_only_are_not_listed(self) -> None:
        engine = engine_with(node("a"))
        before = engine.nodes().schema
        with engine.what_if():
            special = node("b", labels={"only": "here"})
            special["status"]["allocatable"]["example.com/foo"] = "4"
            engine.set_node(special)
            assert "allocatable/example.com/foo" in engine.nodes().schema.names
        assert engine.nodes().schema == before

    def test_a_table_of_nodes_and_one_of_pods(self) -> None:
        engine = engine_with(node("a"), node("b"))
        engine.schedule([pod("one"), pod("two")])
        before = seen(engine)
        table = engine.nodes()
        with engine.what_if():
            engine.remove_node("b")
            engine.add_nodes(table)
            engine.add_pods(_pods({"name": "one", "node": "b"}, {"name": "other", "node": "a"}))
            assert engine.utilisation()["pods"]["requested"] == 3
        assert seen(engine) == before
        assert not engine.is_assumed(_view("other"))

    def test_nominations_and_victims(self) -> None:
        engine = engine_with(node("a", cpu="1"))
        engine.schedule([pod("low")])
        engine.nominate(pod("waiting", cpu="500m", priority=5), "a")
        before = seen(engine)
        with engine.what_if():
            (decision,) = engine.schedule([pod("high", priority=10)])
            assert decision.victims == ("default/low",)
            engine.remove_pod("low")
            assert engine.schedule([pod("high", priority=10)])[0].node == "a"
        assert seen(engine) == before
        assert engine.nominations == {("default", "waiting"): "a"}

    def test_objects_that_rules_look_up(self) -> None:
        engine = engine_with(node("a"), node("b"))
        engine.set_object(claim("data", bound_to="disk"))
        engine.set_object(volume("disk", node="a"))
        mounts = pod("user", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])
        assert engine.decide(mounts).node == "a"
        with engine.what_if():
            engine.set_object(volume("disk", node="b"))
            assert engine.decide(mounts).node == "b"
            engine.remove_object("PersistentVolume", "disk")
            assert engine.decide(mounts).node is None
            engine.remove_object("PersistentVolumeClaim", "data")
            assert engine.decide(mounts).node is None
        assert engine.decide(mounts).node == "a"

    def test_namespaces(self) -> None:
        engine = engine_with(node("a"))
        engine.set_namespace({"metadata": {"name": "team", "labels": {"loud": "yes"}}})
        engine.add_pod(pod("noise", namespace="team", labels={"app": "x"}, nodeName="a"))
        term = {
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app": "x"}},
            "namespaceSelector": {"matchLabels": {"loud": "yes"}},
        }
        shy = pod(
            "shy", affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        )
        assert engine.decide(shy).node is None
        with engine.what_if():
            engine.set_namespace({"metadata": {"name": "team"}})
            engine.set_namespace({"metadata": {"name": "fresh", "labels": {"loud": "yes"}}})
            assert engine.decide(shy).node == "a"
        assert engine.decide(shy).node is None

    def test_an_error_ends_it_too(self) -> None:
        engine = engine_with(node("a"))
        before = seen(engine)

        def decide() -> None:
            with engine.what_if():
                engine.schedule([pod("one")])
                engine.remove_node("z")

        with pytest.raises(NotFoundError):
            decide()
        assert seen(engine) == before

    def test_questions_within_questions(self) -> None:
        engine = engine_with(node("a", cpu="2"))
        with engine.what_if():
            engine.schedule([pod("one")])
            with engine.what_if():
                engine.schedule([pod("two")])
                assert engine.decide(pod("three")).node is None
            assert engine.decide(pod("three")).node == "a"
        assert engine.utilisation()["pods"]["requested"] == 0

    def test_draws_among_equals_are_not_used_up(self) -> None:
        def placed(*, wondering: bool) -> list[str | None]:
            engine = Engine(tie_break="random", seed=7)
            for number in range(16):
                engine.set_node(node(f"n{number}"))
            places: list[str | None] = []
            for number in range(8):
                if wondering:
                    with engine.what_if():
                        engine.schedule([pod(f"what-{number}-{k}") for k in range(3)])
                        engine.remove_node("n3")
                places.append(engine.schedule([pod(f"p{number}")])[0].node)
            return places

        assert placed(wondering=True) == placed(wondering=False)

    def test_earlier_results_do_not_change(self) -> None:
        engine = engine_with(node("a", cpu="1"))
        with engine.what_if():
            engine.set_node(node("b", cpu="1"))
            engine.schedule([pod("one"), pod("two")])
            decision = engine.decide(pod("three"))
        assert decision.message.startswith("0/2 nodes are available: 2 Insufficient cpu.")


def _view(name: str) -> Any:
    return Manifests.from_cluster({"nodes": [], "pods": [pod(name, nodeName="a")]}).bound[0]


def _pods(*rows: Json) -> Any:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows))


class TestThreads:
    def test_another_thread_waits_for_the_end_of_the_question(self) -> None:
        engine = engine_with(node("a"), node("b"))
        other = Thread(target=engine.remove_node, args=("a",))
        with engine.what_if():
            other.start()
            other.join(0.05)
            assert other.is_alive()
            assert engine.nodes().num_rows == 2
        other.join()
        assert engine.nodes()["name"].to_pylist() == ["b"]

    def test_threads_take_turns(self) -> None:
        engine = engine_with(*(node(f"n{number}", cpu="5") for number in range(20)))
        placed: list[list[Any]] = [[] for _ in range(4)]

        def work(number: int) -> None:
            for k in range(20):
                batch = [pod(f"p-{number}-{k}-{each}") for each in range(2)]
                placed[number] += [decision.node for decision in engine.schedule(batch, preempt=False)]

        threads = [Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        there = [where for each in placed for where in each if where is not None]
        assert {name: there.count(name) for name in set(there)} == {f"n{number}": 5 for number in range(20)}


def dream(engine: EngineScheduler, replay: Replay, events: list[Event], twist: int) -> None:
    """Live through other events, in a question within a question, and place pods there besides."""
    inner = Replay(History(replay.history.cluster, events), engine)
    inner.node_names, inner.pods = set(replay.node_names), dict(replay.pods)
    for place, decision in enumerate(inner.decisions()):
        if place == twist:
            with engine.engine.what_if():
                engine.engine.schedule([decision.pod])


@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(
    history=histories(max_events=8),
    others=st.lists(histories(max_events=6).map(lambda drawn: drawn.events), min_size=1, max_size=3),
    tie_break=st.sampled_from(["first", "random"]),
    percentage=st.sampled_from([None, 30]),
)
def test_an_engine_that_wonders_decides_as_one_that_does_not(
    history: History, others: list[list[Event]], tie_break: Any, percentage: int | None
) -> None:
    head = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
    config = {**head, **(history.cluster.get("config") or {})}
    if percentage is not None:
        config["percentageOfNodesToScore"] = percentage
    plain, wondering = EngineScheduler(history.cluster), EngineScheduler(history.cluster)
    for scheduler in (plain, wondering):
        manifests = Manifests.from_cluster(history.cluster)
        scheduler.engine = Engine(manifests, config=config, tie_break=tie_break, seed=5)
    replay = Replay(history, plain, wondering)
    with patch.object(sampling, "MIN_FEASIBLE_NODES", 2):
        for place, decision in enumerate(replay.decisions()):
            note(str(decision.pod))
            assert decision.steps[0] == decision.steps[1]
            before = seen(wondering.engine)
            with wondering.engine.what_if():
                dream(wondering, replay, others[place % len(others)], place % 3)
            assert seen(wondering.engine) == before
            assert seen(wondering.engine) == seen(plain.engine)
            once, again = (s.engine.explain(decision.pod).to_step() for s in (plain, wondering))
            assert once == again
