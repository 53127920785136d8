"""Compiled classes and infos do not pile up."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engine.objects import anti_affinity, node, pod

from kschedcore import Engine
from kschedcore.engine import classes


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
    """Pods that the scheduler can tell apart, each keeping to a node of its own among its kind."""
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


def test_classes_of_pods_that_are_gone_go_before_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
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
