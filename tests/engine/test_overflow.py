"""Amounts near 2**63: quantities are capped when they are read, sums wrap around as kube-scheduler's int64 do."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import node, pod

from kschedcore import Engine

LARGEST = 2**63 - 1


def engine_with(memory: str, **scoring: Any) -> Engine:
    config: dict[str, Any] = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
    }
    if scoring:
        args = {"scoringStrategy": scoring}
        config["profiles"] = [{"pluginConfig": [{"name": "NodeResourcesFit", "args": args}]}]
    engine = Engine(config=config)
    engine.set_node(node("n", memory=memory))
    engine.set_node(node("other", memory="1Gi"))
    return engine


def test_four_pods_of_a_quarter_wrap_to_an_empty_node_as_in_go() -> None:
    engine = engine_with(str(2**62))
    for number in range(4):
        engine.add_pod(pod(f"p{number}", memory=str(2**62), nodeName="n", cpu="1m"))
    row = engine.nodes().to_pylist()[0]
    assert row["requested/memory"] == 0
    assert engine.utilisation()["memory"] == {"allocatable": 2**62 + 2**30, "requested": 2**64}
    assert engine.decide(pod("more", memory="2Gi", cpu="1m")).node == "n"
    for number in range(4):
        engine.remove_pod(f"p{number}")
    assert engine.utilisation()["memory"]["requested"] == 0


def test_utilisation_is_exact_while_a_node_column_is_negative() -> None:
    engine = engine_with(str(2**62))
    for number in range(3):
        engine.add_pod(pod(f"p{number}", memory=str(2**62), nodeName="n", cpu="1m"))
    assert engine.nodes().to_pylist()[0]["requested/memory"] == -(2**62)
    assert engine.utilisation()["memory"]["requested"] == 3 * 2**62


@pytest.mark.parametrize("strategy", ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"])
def test_scores_do_not_end_the_process(strategy: str) -> None:
    more: dict[str, Any] = {"type": strategy, "resources": [{"name": "memory", "weight": 100}]}
    if strategy == "RequestedToCapacityRatio":
        more["requestedToCapacityRatio"] = {
            "shape": [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}]
        }
    engine = engine_with(str(LARGEST), **more)
    for number in range(12):
        engine.set_node(node(f"m{number}", memory=str(LARGEST - number)))
        engine.add_pod(pod(f"p{number}", memory=str(2**62 + number), nodeName="n", cpu="1m"))
        assert engine.explain(pod("q", memory=str(2**61), cpu="1m")).decision.node is not None


def test_a_quantity_beyond_int64_is_capped() -> None:
    engine = engine_with("100Ei")
    assert engine.nodes().to_pylist()[0]["allocatable/memory"] == LARGEST
    assert engine.decide(pod("p", memory="100Ei", cpu="1m")).node == "n"
    engine.add_pod(pod("p", memory="100Ei", cpu="1m", nodeName="n"))
    assert engine.utilisation()["memory"]["requested"] == LARGEST
