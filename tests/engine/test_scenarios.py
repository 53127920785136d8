"""Faults that schedulers of this kind really had, each with the scenario that shows it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import node, pod
from tests.engine.objects import anti_affinity, spread

from kschedcore import Decision, Engine
from kschedcore.errors import NotFoundError

ZONE = "topology.kubernetes.io/zone"


def engine_with(*nodes: dict[str, object]) -> Engine:
    engine = Engine()
    for each in nodes:
        engine.set_node(each)
    return engine


def requested(engine: Engine, resource: str = "cpu") -> int:
    return engine.utilisation()[resource]["requested"]


def test_a_node_deleted_and_added_again_is_as_full_as_it_was() -> None:
    engine = engine_with(node("a", cpu="2"))
    engine.schedule([pod("one"), pod("two")])
    engine.remove_node("a")
    assert engine.decide(pod("three")).message == "no nodes available to schedule pods"
    engine.set_node(node("a", cpu="2"))
    assert requested(engine) == 2000
    assert engine.decide(pod("three")).diagnosis.reasons == {"Insufficient cpu": 1}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"affinity": anti_affinity({"app": "other"})},
        {"affinity": anti_affinity({"app": "web"}, ZONE)},
        {"topologySpreadConstraints": [spread("kubernetes.io/hostname", {"app": "web"})]},
        {"topologySpreadConstraints": [spread(ZONE, {"app": "web"}, when="ScheduleAnyway")]},
    ],
    ids=["plain", "anti-affinity", "anti-affinity-in-zones", "spread", "spread-anyway"],
)
@pytest.mark.parametrize("method", ["decide", "schedule"])
def test_a_cluster_without_nodes_decides_first_and_grows_afterwards(
    method: str, spec: dict[str, Any]
) -> None:
    engine = Engine()
    engine.add_pod(pod("bound", labels={"app": "web"}), "b")

    def decide(name: str) -> Decision:
        candidate = pod(name, labels={"app": "web"}, **spec)
        return engine.decide(candidate) if method == "decide" else engine.schedule([candidate])[0]

    assert decide("early").message == "no nodes available to schedule pods"
    engine.set_node(node("a", labels={ZONE: "z"}))
    engine.set_node(node("b", labels={ZONE: "y"}, cpu="1"))
    assert decide("late").node == "a"


def test_a_node_that_returns_smaller_takes_no_pod_until_it_has_free_capacity() -> None:
    engine = engine_with(node("a", cpu="4"))
    engine.schedule([pod("one"), pod("two"), pod("three")])
    engine.set_node(node("a", cpu="2"))
    assert engine.decide(pod("four")).node is None
    engine.remove_pod("one")
    assert engine.decide(pod("four")).node is None
    engine.remove_pod("two")
    assert engine.decide(pod("four")).node == "a"


def test_a_pod_recreated_under_its_name_replaces_its_predecessor() -> None:
    engine = engine_with(node("a"), node("b"))
    engine.add_pod(pod("db", cpu="3", meta={"uid": "first"}), "a")
    engine.add_pod(pod("db", cpu="1", meta={"uid": "second"}), "b")
    assert requested(engine) == 1000
    assert engine.schedule([pod("db", cpu="2", meta={"uid": "third"})])[0].node == "a"
    assert requested(engine) == 2000


def test_a_nomination_outlives_its_node() -> None:
    engine = engine_with(node("a", cpu="1"), node("b", cpu="1"))
    engine.add_pod(pod("low", priority=0), "a")
    engine.add_pod(pod("other", priority=100), "b")
    nominated = engine.schedule([pod("high", priority=10)])[0]
    assert (nominated.nominated_node, nominated.victims) == ("a", ("default/low",))
    engine.remove_node("a")
    engine.set_node(node("c", cpu="1"))
    assert engine.decide(pod("small", priority=0)).node == "c"
    engine.set_node(node("a", cpu="1"))
    engine.remove_pod("low")
    decision = engine.decide(pod("small", priority=0))
    assert (decision.node, decision.feasible) == ("c", 1)


def test_a_victim_is_not_placed_where_it_was_evicted() -> None:
    engine = engine_with(node("a", cpu="1"))
    engine.add_pod(pod("low", priority=0), "a")
    high = pod("high", priority=10)
    assert engine.schedule([high])[0].nominated_node == "a"
    engine.remove_pod("low")
    again = engine.schedule([pod("low-again", priority=0)])[0]
    assert (again.node, again.nominated_node) == (None, None)
    assert engine.schedule([high])[0].node == "a"


def test_a_pod_does_not_wait_for_resources_that_it_uses_itself() -> None:
    engine = engine_with(node("a", cpu="1"))
    engine.nominate(pod("high", priority=10), "a")
    assert engine.decide(pod("low", priority=0)).node is None
    assert engine.decide(pod("equal", priority=10)).node is None
    assert engine.decide(pod("higher", priority=11)).node == "a"
    assert engine.schedule([pod("high", priority=10)])[0].node == "a"


def test_a_tainted_zone_sets_the_minimum_unless_the_constraint_honours_taints() -> None:
    taint = {"key": "maintenance", "effect": "NoSchedule"}
    nodes = [node("a", labels={ZONE: "a"}), node("b", labels={ZONE: "b"}, taints=[taint])]
    app = {"app": "web"}

    def second(**policy: Any) -> str | None:
        engine = engine_with(*nodes)
        engine.add_pod(pod("one", labels=app), "a")
        constraints = [spread(ZONE, app, **policy)]
        return engine.decide(pod("two", labels=app, topologySpreadConstraints=constraints)).node

    assert second() is None
    assert second(nodeTaintsPolicy="Honor") == "a"


def test_a_pod_that_matches_two_constraints_counts_once_for_each() -> None:
    nodes = [node(name, labels={ZONE: name}) for name in "ab"]
    engine = engine_with(*nodes)
    labels = {"app": "web", "tier": "fe"}
    both = [spread(ZONE, {"app": "web"}), spread(ZONE, {"tier": "fe"})]
    pods = [pod(f"p{i}", labels=labels, topologySpreadConstraints=both) for i in range(6)]
    placed = [d.node for d in engine.schedule(pods)]
    assert [placed.count("a"), placed.count("b")] == [3, 3]


def test_a_terminating_pod_still_keeps_others_away_but_is_not_spread_over() -> None:
    leaving = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    app = {"app": "web"}
    engine = engine_with(node("a", labels={ZONE: "a"}), node("b", labels={ZONE: "b"}))
    engine.add_pod(pod("old", labels=app, meta=leaving, affinity=anti_affinity(app)), "a")
    assert engine.decide(pod("new", labels=app)).node == "b"
    engine.remove_pod("old")
    engine.add_pod(pod("old", labels=app, meta=leaving), "a")
    spread_over = [spread(ZONE, app)]
    assert engine.decide(pod("new", labels=app, topologySpreadConstraints=spread_over)).feasible == 2


def test_no_victim_where_eviction_cannot_help() -> None:
    taint = {"key": "gpu", "effect": "NoSchedule"}
    engine = engine_with(
        node("tainted", cpu="1", taints=[taint]), node("small", cpu="1"), node("right", cpu="2")
    )
    for hour, name in enumerate(("tainted", "small", "right")):
        started = {"startTime": f"2026-01-01T0{hour}:00:00Z"}
        engine.add_pod(pod(f"low-{name}", priority=0, status=started), name)
    engine.add_pod(pod("other", priority=50), "right")
    decision = engine.decide(pod("high", cpu="2", priority=10))
    assert decision.nominated_node is None
    assert decision.message == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. "
        "no new claims to deallocate, preemption: "
        "0/3 nodes are available: 1 Insufficient cpu, 2 Preemption is not helpful for scheduling."
    )
    assert engine.decide(pod("high", cpu="1", priority=10)).victims == ("default/low-right",)


def test_a_node_is_filtered_with_its_nominated_pods_first() -> None:
    """Found by a random history: a node that fails both ways reports its reasons with the nominated pod added."""
    engine = engine_with(node("a", pods=1))
    engine.nominate(pod("waiting", priority=10), "a")
    diagnosis = engine.decide(pod("low", cpu="9", priority=0)).diagnosis
    assert diagnosis is not None
    assert diagnosis.reasons == {"Insufficient cpu": 1, "Too many pods": 1}


def test_a_relabelled_pod_keeps_its_place_among_the_victims() -> None:
    """Found by a random history: of equals the pod that came first stays, whatever was written to it since."""
    engine = engine_with(node("a", cpu="2"))
    started = {"startTime": "2026-01-01T00:00:00Z"}
    for name in ("first", "second"):
        engine.add_pod(pod(name, priority=0, status=started), "a")
    engine.add_pod(pod("first", labels={"color": "blue"}, priority=0, status=started), "a")
    assert engine.decide(pod("high", priority=10)).victims == ("default/second",)
    engine.remove_node("a")
    engine.set_node(node("a", cpu="2"))
    assert engine.decide(pod("high", priority=10)).victims == ("default/second",)


def test_a_policy_of_never_preempts_nothing() -> None:
    engine = engine_with(node("a", cpu="1"))
    engine.add_pod(pod("low", priority=0), "a")
    decision = engine.decide(pod("polite", priority=10, preemptionPolicy="Never"))
    assert decision.nominated_node is None
    assert decision.message.endswith("preemption: not eligible due to preemptionPolicy=Never.")


def test_removing_a_missing_object_is_an_error() -> None:
    engine = engine_with(node("a"))
    with pytest.raises(NotFoundError, match="node 'b' not found"):
        engine.remove_node("b")
    with pytest.raises(NotFoundError, match="pod default/ghost is not bound to a node"):
        engine.remove_pod("ghost")
