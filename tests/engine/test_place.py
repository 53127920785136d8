"""A table of pods placed in one call."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.builders import node, pod
from tests.engine.objects import anti_affinity

from kschedcore import Engine
from kschedcore.engine.decision import SCHEMA
from kschedcore.errors import ManifestError, UsageError
from kschedcore.manifests.manifests import Manifests
from kschedcore.testing.strategies import Case, cases

Json = dict[str, Any]


def engine_with(*nodes: Json, **options: Any) -> Engine:
    engine = Engine(**options)
    for each in nodes:
        engine.set_node(each)
    return engine


def table(*pods: Json) -> pa.Table:
    """Pods as rows that share templates where they can."""
    return pa.table(
        {
            "name": [each["metadata"]["name"] for each in pods],
            "namespace": [each["metadata"].get("namespace", "default") for each in pods],
            "uid": [each["metadata"].get("uid") for each in pods],
            "template": pa.array([_template(each) for each in pods], pa.string()).dictionary_encode(),
        },
    )


def _template(item: Json) -> str:
    meta = {key: value for key, value in item["metadata"].items() if key not in ("name", "uid")}
    return json.dumps({**item, "metadata": {"name": "template", **meta}}, sort_keys=True)


def nodes_of(placed: pa.Table) -> dict[str, str | None]:
    return dict(zip(placed["pod"].to_pylist(), placed["node"].to_pylist(), strict=True))


class TestPlace:
    def test_rows_come_back_in_their_order_and_the_important_go_first(self) -> None:
        engine = engine_with(node("a", cpu="1"))
        placed = engine.place(table(pod("low"), pod("high", priority=5)))
        assert placed.schema == SCHEMA
        assert nodes_of(placed) == {"low": None, "high": "a"}
        assert placed["message"].to_pylist()[0].startswith("0/1 nodes are available: 1 Insufficient cpu.")
        assert placed["message"].to_pylist()[1] is None

    def test_what_is_placed_is_accounted_and_can_be_taken_off(self) -> None:
        engine = engine_with(node("a"), node("b"))
        engine.place(table(*(pod(f"p{number}") for number in range(4))))
        assert engine.utilisation()["cpu"]["requested"] == 4000
        engine.remove_pod("p2")
        assert engine.utilisation()["cpu"]["requested"] == 3000

    def test_a_pod_that_is_placed_again_gives_back_what_it_had(self) -> None:
        engine = engine_with(node("a"))
        engine.place(table(pod("p")))
        engine.place(table(pod("p", cpu="500m")))
        assert engine.utilisation()["cpu"]["requested"] == 500

    def test_each_row_is_placed_after_those_before_it(self) -> None:
        engine = engine_with(*(node(name) for name in "abc"))
        alone = [pod(f"p{k}", labels={"app": "x"}, affinity=anti_affinity({"app": "x"})) for k in range(4)]
        assert list(nodes_of(engine.place(table(*alone))).values()) == ["a", "b", "c", None]

    def test_victims_are_returned(self) -> None:
        engine = engine_with(node("a", cpu="1"))
        engine.place(table(pod("low")))
        placed = engine.place(table(pod("high", priority=5)))
        assert placed["nominated_node"].to_pylist() == ["a"]
        assert placed["victims"].to_pylist() == [["default/low"]]
        assert engine.nominations == {("default", "high"): "a"}

    def test_without_preemption(self) -> None:
        engine = engine_with(node("a", cpu="1"))
        engine.place(table(pod("low")))
        placed = engine.place(table(pod("high", priority=5)), preempt=False)
        assert placed["nominated_node"].to_pylist() == [None]
        assert placed["message"].to_pylist() == ["0/1 nodes are available: 1 Insufficient cpu."]

    def test_no_rows(self) -> None:
        assert engine_with(node("a")).place(table()).schema == SCHEMA

    def test_no_nodes(self) -> None:
        placed = Engine().place(table(pod("p")))
        assert placed["message"].to_pylist() == ["no nodes available to schedule pods"]

    def test_in_a_question(self) -> None:
        engine = engine_with(node("a"), node("b"))
        engine.place(table(pod("before")))
        before = engine.nodes()
        with engine.what_if():
            engine.place(table(pod("one"), pod("before", cpu="2")))
        assert engine.nodes() == before

    def test_pods_that_wait_at_a_gate_or_name_another_scheduler(self) -> None:
        engine = engine_with(node("a"))
        placed = engine.place(
            table(pod("gated", schedulingGates=[{"name": "g"}]), pod("foreign", schedulerName="x"), pod("p"))
        )
        assert nodes_of(placed) == {"gated": None, "foreign": None, "p": "a"}
        assert placed["message"].to_pylist()[0] == "waiting for scheduling gates: [g]"


class TestRefusals:
    def test_nothing_is_placed_when_a_row_is_bad(self) -> None:
        engine = engine_with(node("a"))
        rows = pa.table({"name": ["one", "one"], "requests/cpu": [100, 100]})
        with pytest.raises(UsageError, match="row 1 of the table of pods: column 'name' is 'one'"):
            engine.place(rows)
        with pytest.raises(ManifestError, match="row 0 of the table of pods: column 'template'"):
            engine.place(pa.table({"name": ["one"], "template": ["{}"]}))
        assert engine.utilisation()["pods"]["requested"] == 0

    def test_bound_pods(self) -> None:
        with pytest.raises(UsageError, match="a table of pending pods has a column 'node'; expected none"):
            Engine().place(pa.table({"name": ["one"], "node": ["a"]}))

    def test_no_table(self) -> None:
        with pytest.raises(UsageError, match="list is not an Arrow table"):
            Engine().place([pod("one")])  # type: ignore[arg-type]


def key(row: Json) -> tuple[str, str]:
    return row["namespace"], row["pod"]


@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    cases(max_pending=6),
    st.sampled_from(["first", "random"]),
    st.booleans(),
    st.lists(st.integers(0, 5), max_size=6),
)
def test_a_table_is_placed_as_its_objects_are(
    drawn: Case, tie_break: Any, preempt: bool, copies: list[int]
) -> None:
    pods = [each for each in drawn.pending if not (each.get("status") or {}).get("nominatedNodeName")]
    for number, place in enumerate(copies if pods else ()):
        original = pods[place % len(pods)]
        meta = {**original["metadata"], "name": f"copy-{number}", "uid": f"copy-{number}"}
        pods.append({**original, "metadata": meta})
    engines = [
        Engine(
            Manifests.from_cluster(drawn.cluster),
            config=drawn.cluster.get("config"),
            tie_break=tie_break,
            seed=3,
        )
        for _ in range(2)
    ]
    by_row = engines[0].place(table(*pods), preempt=preempt).to_pylist()
    decided = engines[1].schedule(pods, preempt=preempt).to_arrow().to_pylist()
    assert [key(row) for row in by_row] == [
        (each["metadata"].get("namespace", "default"), each["metadata"]["name"]) for each in pods
    ]
    assert sorted(by_row, key=key) == sorted(decided, key=key)
    assert engines[0].nodes() == engines[1].nodes()
    assert engines[0].nominations == engines[1].nominations


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("request/cpu", "did you mean 'requests/cpu'?"),
        ("labels/app", "did you mean 'label/app'?"),
        ("priorities", "did you mean 'priority'?"),
        (
            "zzz",
            "expected name, node, namespace, uid, startTime, priority, labels, template, label/…, requests/…",
        ),
    ],
)
def test_a_misspelt_column_is_refused_with_a_suggestion(column: str, hint: str) -> None:
    engine = Engine()
    with pytest.raises(
        UsageError, match=re.escape(f"the table of pods has an unknown column '{column}'; {hint}")
    ):
        engine.place(pa.table({"name": ["p"], column: [1]}))


def test_a_misspelt_column_of_a_node_table_is_refused() -> None:
    message = "the table of nodes has an unknown column 'allocatabel/cpu'; did you mean 'allocatable/cpu'?"
    with pytest.raises(UsageError, match=re.escape(message)):
        Engine().add_nodes(pa.table({"name": ["n"], "allocatabel/cpu": [1]}))


def test_the_table_of_nodes_can_be_handed_back() -> None:
    engine, other = Engine(), Engine()
    engine.add_nodes(pa.table({"name": ["n"], "allocatable/cpu": [1000]}))
    other.add_nodes(pa.table(engine.nodes().to_pydict()))
    assert other.nodes().num_rows == 1
