"""Compiled classes and infos do not pile up."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import node, pod
from tests.engine.objects import anti_affinity

from kschedcore import Engine
from kschedcore.engine import classes

NEAR_DB = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "db"}}}


@pytest.fixture
def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "MIN_CLASSES", 4)
    monkeypatch.setattr(classes, "SPARE_INFOS", 8)


def engine_of_three() -> Engine:
    engine = Engine()
    for name in "abc":
        engine.set_node(node(name, cpu="64", labels={"zone": name}))
    engine._classes._max_bytes = 0
    return engine


def kinds(count: int) -> list[dict[str, Any]]:
    """Pods of different classes, each with anti-affinity to the pods of its class."""
    return [
        pod(
            f"p{i}", cpu="1m", memory="1Mi", labels={"kind": str(i)}, affinity=anti_affinity({"kind": str(i)})
        )
        for i in range(count)
    ]


@pytest.mark.usefixtures("small_cache")
def test_what_no_pod_uses_is_swept_away() -> None:
    engine = engine_of_three()
    for each in kinds(200):
        engine.schedule([each])
        engine.remove_pod(each["metadata"]["name"])
    assert len(engine._classes._classes) <= 5
    assert len(engine._classes._infos) <= 40
    assert sum(group is not None and not group.carriers for group in engine._core.topology.groups) <= 5


def test_classes_of_deleted_pods_are_freed_before_the_table_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "SPARE_CLASSES", 8)
    engine = engine_of_three()
    engine._classes._max_bytes = 1 << 30
    engine.schedule(kinds(20))
    for i, each in enumerate(kinds(200)):
        gone = {**each, "metadata": {**each["metadata"], "name": f"q{i}", "labels": {"kind": f"q{i}"}}}
        engine.schedule([gone])
        engine.remove_pod(f"q{i}")
    assert 20 <= len(engine._classes._classes) <= 2 * 20 + 3 * 8
    assert all(engine.decide(each).feasible == 2 for each in kinds(20))


@pytest.mark.usefixtures("small_cache")
def test_a_class_that_was_dropped_decides_as_before() -> None:
    engine = engine_of_three()
    first = {d.pod_name: d.node for d in engine.schedule(kinds(50))}
    for i, each in enumerate(kinds(50)):
        second = engine.decide({**each, "metadata": {**each["metadata"], "name": f"q{i}"}})
        assert second.feasible == 2
        assert second.node != first[f"default/p{i}"]


@pytest.mark.usefixtures("small_cache")
def test_a_nominated_pod_keeps_its_info() -> None:
    engine = engine_of_three()
    engine.nominate(pod("waiting", cpu="63", priority=5), "a")
    for each in kinds(100):
        engine.schedule([each])
        engine.remove_pod(each["metadata"]["name"])
    assert engine.decide(pod("low", cpu="2", priority=0)).feasible == 2


class TestOwnersOfInfos:
    """An info stays registered while a bound, waiting or nominated pod or a compiled class has it."""

    @pytest.fixture(autouse=True)
    def sweep_often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(classes, "SPARE_INFOS", 0)
        monkeypatch.setattr(classes, "SPARE_CLASSES", 0)
        monkeypatch.setattr(classes, "MIN_CLASSES", 1)

    @staticmethod
    def churn(engine: Engine, count: int = 12) -> None:
        """Let other pods come and go, so that infos without an owner are swept."""
        for each in kinds(count):
            engine.add_pod({**each, "spec": {**each["spec"], "nodeName": "a"}})
            engine.remove_pod(each["metadata"]["name"])

    def test_a_pod_that_waits_for_its_node(self) -> None:
        engine = engine_of_three()
        near = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEAR_DB]}}
        engine.add_pod(pod("db", labels={"app": "db"}, nodeName="late"))
        self.churn(engine)
        engine.set_node(node("late", labels={"zone": "late"}))
        assert engine.decide(pod("web", affinity=near)).node == "late"
        engine.forget()
        assert engine.decide(pod("web", affinity=near)).node == "late"
        engine.remove_pod("db")
        assert engine.decide(pod("web", affinity=near)).node is None

    def test_a_pod_whose_node_left_and_came_back(self) -> None:
        engine = engine_of_three()
        keeps_away = pod("db", labels={"app": "db"}, affinity=anti_affinity({"app": "web"}), nodeName="a")
        engine.add_pod(keeps_away)
        web = pod("web", labels={"app": "web"})
        for _ in range(3):
            engine.remove_node("a")
            self.churn(engine, 4)
            engine.forget()
            engine.set_node(node("a", labels={"zone": "a"}))
            assert engine.explain(web).verdicts["a"] is not None
        engine.remove_pod("db")
        assert engine.explain(web).verdicts["a"] is None

    def test_an_info_that_a_caller_kept(self) -> None:
        engine = engine_of_three()
        view = engine.schedule([pod("db", labels={"app": "db"})])[0].pod
        engine.remove_pod("db")
        kept = engine._classes.info(view)
        engine.forget()
        self.churn(engine)
        assert not kept.registered
        number = engine._core.bind(kept, engine._core.nodes.slot_of("b"))
        assert kept.registered
        near = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [NEAR_DB]}}
        assert engine.decide(pod("web", affinity=near)).node == "b"
        engine._core.unbind(number)
        assert engine.decide(pod("web", affinity=near)).node is None

    def test_a_class_keeps_its_info(self) -> None:
        engine = engine_of_three()
        engine._classes._max_bytes = 1 << 30
        own = pod("one", labels={"app": "x"}, affinity=anti_affinity({"app": "x"}))
        engine.decide(own)
        self.churn(engine, 3)
        assert [
            d.node
            for d in engine.schedule([{**own, "metadata": {**own["metadata"], "name": n}} for n in "pqr"])
        ] == [
            "a",
            "b",
            "c",
        ]

    def test_an_info_with_an_owner_is_not_forgotten(self) -> None:
        engine = engine_of_three()
        engine.add_pod(pod("db", nodeName="late"))
        info = engine._bound.get(("default", "db")).info  # type: ignore[union-attr]
        with pytest.raises(ValueError, match="0 pods and 1 holders"):
            engine._core.topology.forget(info)

    def test_infos_without_owners_are_freed(self) -> None:
        engine = engine_of_three()
        self.churn(engine, 200)
        engine.forget()
        engine.decide(pod("p"))
        assert len(engine._classes._infos) <= 3
