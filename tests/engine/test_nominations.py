"""Nominations and the nodes that they are for."""

from __future__ import annotations

from typing import Any

from tests.builders import node, pod

from kschedcore import Engine


def _nominated() -> tuple[Engine, Any]:
    """An engine where ``urgent`` waits on the only node for ``low``, which is still there, to leave."""
    engine = Engine()
    engine.set_node(node("n", cpu="4"))
    engine.schedule([pod("low", cpu="3", priority=0)])
    urgent = pod("urgent", cpu="3", priority=10)
    [decision] = engine.schedule([urgent])
    assert decision.nominated_node == "n"
    engine.remove_pod("low")
    return engine, urgent


def test_a_nomination_outlives_its_node() -> None:
    engine, _ = _nominated()
    engine.remove_node("n")
    engine.set_node(node("n", cpu="4"))
    assert engine.decide(pod("other", cpu="2", priority=5)).node is None
    assert engine.decide(pod("other", cpu="1", priority=5)).node == "n"
    assert engine.decide(pod("first", cpu="4", priority=11)).node == "n"


def test_a_pod_nominated_to_a_deleted_node_can_be_removed() -> None:
    engine, _ = _nominated()
    engine.remove_node("n")
    engine.remove_pod("urgent")
    engine.set_node(node("n", cpu="4"))
    assert engine.decide(pod("other", cpu="4", priority=5)).node == "n"


def test_a_nomination_to_a_node_to_come_is_taken_into_account_when_it_comes() -> None:
    engine = Engine()
    waiting = pod("waiting", cpu="3", priority=10, status={"nominatedNodeName": "later"})
    engine.add_pod(waiting)
    engine.set_node(node("later", cpu="4"))
    assert engine.decide(pod("other", cpu="2", priority=5)).node is None


def test_what_if_restores_nominations_with_their_node() -> None:
    engine, _ = _nominated()
    with engine.what_if():
        engine.remove_node("n")
        engine.set_node(node("n", cpu="8"))
        assert engine.decide(pod("other", cpu="4", priority=5)).node == "n"
    assert engine.decide(pod("other", cpu="2", priority=5)).node is None
    with engine.what_if():
        engine.remove_node("n")
    assert engine.decide(pod("other", cpu="2", priority=5)).node is None
