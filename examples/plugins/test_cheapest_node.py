"""A plugin of one's own, tested: what it prefers, and that the engine's caches never show.

Run it: ``pytest examples/plugins/test_cheapest_node.py``.
"""

from __future__ import annotations

from collections.abc import Mapping

from examples.plugins.cheapest_node import CONFIG, PRICE, CheapestNode, Headroom
from hypothesis import HealthCheck, given, settings

from kschedcore.testing import EngineScheduler, Replay, assert_does_not_fit, assert_fits
from kschedcore.testing.strategies import History, histories

PLUGINS = [Headroom, CheapestNode]


def node(name: str, price: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {PRICE: price}},
        "status": {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"}},
    }


def pod(cpu: str) -> dict[str, object]:
    container = {"name": "work", "image": "work", "resources": {"requests": {"cpu": cpu}}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}


CLUSTER: list[Mapping[str, object]] = [node("dear", "20"), node("cheap", "4"), CONFIG]


def test_the_cheapest_node_is_taken() -> None:
    assert [each.node for each in assert_fits(pod("1"), CLUSTER, plugins=PLUGINS)] == ["cheap"]


def test_a_quarter_of_each_node_is_kept_free() -> None:
    assert_fits(pod("3"), CLUSTER, plugins=PLUGINS)
    assert_does_not_fit(pod("3500m"), CLUSTER, "2 node(s) had too little headroom", plugins=PLUGINS)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(features=["tolerations", "priority"]))
def test_whatever_happens_decisions_are_those_of_an_engine_that_remembers_nothing(history: History) -> None:
    cluster = {**history.cluster, "config": CONFIG}
    engines = [
        EngineScheduler(cluster, plugins=PLUGINS),
        EngineScheduler(cluster, plugins=PLUGINS, forgetful=True),
    ]
    for decided in Replay(history, *engines).decisions():
        assert decided.steps[0] == decided.steps[1]
