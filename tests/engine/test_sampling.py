"""percentageOfNodesToScore: how many nodes are looked for, in which order, and where the next search begins."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import builders

from kschedcore.engine.engine import Engine
from kschedcore.engine.sampling import NodeSampler, NodeTree, nodes_to_find

HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


@pytest.mark.parametrize(
    ("nodes", "percentage", "wanted"),
    [
        (99, 1, 99),
        (100, 1, 100),
        (1000, 0, 420),
        (1000, 30, 300),
        (1000, 5, 100),
        (5000, 0, 500),
        (6000, 0, 300),
        (10000, 0, 500),
        (300, 100, 300),
    ],
)
def test_how_many_feasible_nodes_end_a_search(nodes: Any, percentage: int, wanted: int) -> None:
    assert nodes_to_find(nodes, percentage) == wanted


class TestNodeTree:
    def tree(self, *nodes: Any) -> Any:
        tree = NodeTree(Engine()._journal)
        for name, zone in nodes:
            tree.set(name, {"topology.kubernetes.io/zone": zone} if zone else {})
        return tree

    def test_zones_take_turns(self) -> None:
        tree = self.tree(("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("none", ""), ("b2", "b"))
        assert tree.order() == ["a1", "b1", "none", "a2", "b2", "a3"]

    def test_a_node_that_moves_goes_to_its_new_zones_end(self) -> None:
        tree = self.tree(("a1", "a"), ("b1", "b"), ("b2", "b"))
        tree.set("a1", {"topology.kubernetes.io/zone": "b"})
        assert tree.order() == ["b1", "b2", "a1"]

    def test_an_emptied_zone_loses_its_place(self) -> None:
        tree = self.tree(("a1", "a"), ("b1", "b"))
        tree.remove("a1")
        tree.set("a2", {"topology.kubernetes.io/zone": "a"})
        assert tree.order() == ["b1", "a2"]

    def test_the_older_label_counts_first(self) -> None:
        tree = self.tree(("b1", "b"))
        tree.set("x", {"topology.kubernetes.io/zone": "c", "failure-domain.beta.kubernetes.io/zone": "b"})
        tree.set("c1", {"topology.kubernetes.io/zone": "c"})
        assert tree.order() == ["b1", "c1", "x"]

    def test_zones_of_one_name_in_different_regions_differ(self) -> None:
        tree = NodeTree(Engine()._journal)
        for name, region in (("e1", "east"), ("e2", "east"), ("w1", "west")):
            labels = {"topology.kubernetes.io/zone": "1", "topology.kubernetes.io/region": region}
            tree.set(name, labels)
        assert tree.order() == ["e1", "w1", "e2"]


def searched(eligible: Any, feasible: Any, wanted: int, start: int) -> Any:
    """One node after another, as the loop of kube-scheduler reads."""
    nodes = [place for place in range(len(eligible)) if eligible[place]]
    found: list[int] = []
    failed = 0
    for step in range(len(nodes)):
        place = nodes[(start + step) % len(nodes)]
        if not feasible[place]:
            failed += 1
        elif len(found) == wanted:
            break
        else:
            found.append(place)
    return found, (start + len(found) + failed) % len(eligible)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30),
    st.integers(1, 30),
    st.integers(0, 29),
)
def test_the_sample_is_what_one_step_after_another_finds(nodes: Any, wanted: int, start: int) -> None:
    eligible = [may for may, _ in nodes]
    feasible = [may and fits for may, fits in nodes]
    sampler = NodeSampler()
    sampler.start = start % len(nodes)
    places, following = sampler.sample(np.array(eligible), np.array(feasible), wanted)
    found, expected = searched(eligible, feasible, wanted, sampler.start)
    assert places.tolist() == found
    if any(eligible):
        assert following == expected


class TestEngine:
    NODES = 250

    def engine(self, percentage: int, **profile: Any) -> Any:
        engine = Engine(config={**HEAD, "profiles": [{"percentageOfNodesToScore": percentage, **profile}]})
        for index in range(self.NODES):
            cpu, zone = "4" if index < 100 else "400", {"topology.kubernetes.io/zone": f"z{index % 2}"}
            engine.set_node(builders.node(f"n{index:03}", cpu, memory="64Gi", pods=9, labels=zone))
        return engine

    def pod(self, name: str, cpu: str = "1") -> Any:
        return builders.pod(name, cpu)

    def test_each_search_goes_on_where_the_last_one_stopped(self) -> None:
        engine = self.engine(40)
        feasible = [engine.explain(self.pod("a")).feasible]
        for name in "ab":
            engine.schedule([self.pod(name)])
            feasible.append(engine.explain(self.pod("c")).feasible)
        names = [f"n{index:03}" for index in range(self.NODES)]
        assert feasible == [names[:100], names[100:200], names[:50] + names[200:]]

    def test_the_pod_goes_to_the_best_of_the_nodes_found(self) -> None:
        first, second = self.engine(40).schedule([self.pod("a"), self.pod("b")])
        assert (first.node, first.feasible) == ("n000", 100)
        assert (second.node, second.feasible) == ("n100", 100)

    def test_a_question_does_not_move_the_start(self) -> None:
        engine = self.engine(40)
        assert engine.decide(self.pod("a")).node == "n000"
        assert engine.decide(self.pod("a")).node == "n000"

    def test_all_nodes_are_filtered_when_none_is_feasible(self) -> None:
        engine = self.engine(40)
        decision = engine.decide(self.pod("big", cpu="1000"))
        assert decision.message.startswith("0/250 nodes are available: 250 Insufficient cpu.")

    def test_nodes_that_do_not_fit_are_passed_over(self) -> None:
        engine = self.engine(40)
        decision = engine.decide(self.pod("big", cpu="104"))  # fits n100 and what follows
        assert (decision.node, decision.feasible) == ("n100", 100)

    def test_without_scores_the_first_feasible_node_is_taken(self) -> None:
        engine = self.engine(40, plugins={"score": {"disabled": [{"name": "*"}]}})
        placed = engine.schedule([self.pod("a"), self.pod("b")])
        assert [decision.node for decision in placed] == ["n000", "n001"]

    def test_one_hundred_per_cent_filters_every_node(self) -> None:
        assert self.engine(100).decide(self.pod("a")).feasible == 250

    def test_an_explanation_shows_the_nodes_that_were_not_sampled(self) -> None:
        explanation = self.engine(40).explain(self.pod("a"))
        assert len(explanation.feasible) == 100
        assert explanation.verdicts["n100"].reasons == ("node(s) were not sampled",)

    def test_preemption_considers_every_node(self) -> None:
        engine = self.engine(40)
        for index in range(self.NODES):
            engine.add_pod({**self.pod(f"low-{index}", cpu="4" if index < 100 else "400")}, f"n{index:03}")
        high = self.pod("high")
        high["spec"]["priority"] = 10
        (decision,) = engine.schedule([high])
        assert decision.nominated_node is not None
