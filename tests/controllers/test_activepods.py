"""The order in which surplus pods are deleted: each rule alone, and the rules in their order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.controllers.activepods import is_active, pods_to_delete

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def pod(
    name: str, *, node: str = "n", phase: str = "Running", ready: int | None = 100, cost: str = "", restarts: int = 0,
    age: int = 100,
) -> dict[str, Any]:  # fmt: skip
    conditions = []
    if ready is not None:
        since = (NOW - timedelta(seconds=ready)).isoformat()
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": (NOW - timedelta(seconds=age)).isoformat(),
            "annotations": {"controller.kubernetes.io/pod-deletion-cost": cost} if cost else {},
        },
        "spec": {"nodeName": node} if node else {},
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [{"restartCount": restarts}],
        },
    }


def first(*pods: dict[str, Any]) -> str:
    [victim] = pods_to_delete(pods, 1, pods, NOW)
    return str(victim["metadata"]["name"])


@pytest.mark.parametrize(
    ("goes", "stays"),
    [
        (pod("z", node="", phase="Pending"), pod("a", phase="Pending", ready=None)),
        (pod("z", phase="Pending", ready=None), pod("a", phase="Unknown", ready=None)),
        (pod("z", phase="Unknown"), pod("a", ready=None)),
        (pod("z", ready=None, cost="5"), pod("a", cost="-5")),
        (pod("z", cost="-1", ready=1000), pod("a", ready=1)),
        (pod("z", ready=1), pod("a", ready=1000)),
        (pod("z", restarts=2, age=1000), pod("a", restarts=1, age=1)),
        (pod("z", age=1), pod("a", age=1000)),
    ],
)
def test_each_rule_outranks_those_below_it(goes: dict[str, Any], stays: dict[str, Any]) -> None:
    assert first(goes, stays) == first(stays, goes) == "z"


def test_the_node_with_more_replicas_gives_one_up_even_when_they_are_old() -> None:
    assert first(pod("new", node="b", ready=1), pod("x", node="a"), pod("y", node="a")) in ("x", "y")


def test_replicas_of_related_sets_make_a_node_crowded() -> None:
    own = [pod("a", node="a", ready=1), pod("b", node="b")]
    [victim] = pods_to_delete(own, 1, [*own, pod("other", node="b")], NOW)
    assert victim["metadata"]["name"] == "b"


def test_ages_of_one_magnitude_are_ordered_by_uid() -> None:
    assert first(pod("b", ready=600), pod("a", ready=900)) == "a"


@pytest.mark.parametrize("cost", ["often", "007", "2147483648", "-2147483649", "+1", "1.5"])
def test_what_is_no_cost_counts_as_zero(cost: str) -> None:
    assert first(pod("odd", cost=cost), pod("cheap", cost="-1")) == "cheap"
    assert first(pod("odd", cost=cost), pod("dear", cost="1")) == "odd"


@pytest.mark.parametrize(("phase", "active"), [("Pending", True), ("Succeeded", False), ("Failed", False)])
def test_pods_that_ended_are_not_replicas(phase: str, active: bool) -> None:
    assert is_active(pod("p", phase=phase)) == active


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "a"]),
            st.sampled_from(["Pending", "Running"]),
            st.sampled_from([None, 10]),
            st.sampled_from(["", "-3", "4"]),
        ),
        max_size=8,
    ),
    st.integers(0, 9),
)
def test_no_pod_is_deleted_before_one_of_lower_rank(
    drawn: list[tuple[str, str, int | None, str]], n: int
) -> None:
    pods = [
        pod(str(i), node=node, phase=phase, ready=ready, cost=cost)
        for i, (node, phase, ready, cost) in enumerate(drawn)
    ]
    standing = {
        str(i): (node != "", phase == "Running", ready is not None, int(cost or 0))
        for i, (node, phase, ready, cost) in enumerate(drawn)
    }
    chosen = [each["metadata"]["name"] for each in pods_to_delete(pods, n, pods, NOW)]
    assert len(chosen) == len(set(chosen)) == min(n, len(pods))
    ranks = [standing[name] for name in chosen]
    assert ranks == sorted(standing.values())[: len(chosen)]
