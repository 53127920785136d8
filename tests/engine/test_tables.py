"""Nodes and bound pods from Arrow tables act as the objects they stand for."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore import Engine
from kschedcore.errors import KschedcoreError
from kschedcore.manifests.manifests import Manifests
from kschedcore.testing.strategies import Case, cases

Json = dict[str, Any]

QUICK = settings(max_examples=60, derandomize=True)


def table_of(pods: list[Json]) -> pa.Table:
    """Bound pods as a table that shares templates."""
    templates = [{**pod, "metadata": {**pod["metadata"], "name": "t"}} for pod in pods]
    return pa.table(
        {
            "name": pa.array([pod["metadata"]["name"] for pod in pods], pa.string()),
            "namespace": pa.array([pod["metadata"].get("namespace") for pod in pods], pa.string()),
            "uid": pa.array([pod["metadata"].get("uid") for pod in pods], pa.string()),
            "node": pa.array([pod["spec"]["nodeName"] for pod in pods], pa.string()),
            "template": pa.array(map(json.dumps, templates), pa.string()).dictionary_encode(),
        }
    )


def bound(drawn: Case) -> list[Json]:
    return [pod for pod in drawn.cluster["pods"] if pod["spec"].get("nodeName")]


@QUICK
@given(cases(max_pending=4), st.data())
def test_a_table_of_pods_acts_as_the_objects_do(drawn: Case, data: st.DataObject) -> None:
    config, pods = drawn.cluster.get("config"), bound(drawn)
    empty = {**drawn.cluster, "pods": []}
    objects = Engine(Manifests.from_cluster(empty), config=config)
    table = Engine(Manifests.from_cluster(empty), config=config)
    for pod in pods:
        objects.add_pod(pod)
    table.add_pods(table_of(pods))
    assert table.nodes().equals(objects.nodes())
    gone = [pod["metadata"] for pod in pods if data.draw(st.booleans())]
    for meta in gone:
        for engine in (objects, table):
            engine.remove_pod(meta["name"], meta.get("namespace", "default"))
    for pod in drawn.pending:
        assert table.explain(pod).to_step() == objects.explain(pod).to_step()
        ours, theirs = table.schedule([pod])[0], objects.schedule([pod])[0]
        assert (ours.node, ours.victims, ours.nominated_node) == (
            theirs.node,
            theirs.victims,
            theirs.nominated_node,
        )
    assert table.nodes().equals(objects.nodes())
    assert repr(table) == repr(objects)


def engine_of(*names: str) -> Engine:
    engine = Engine()
    engine.add_nodes(pa.table({"name": list(names), "allocatable/cpu": [4000] * len(names)}))
    return engine


def requested(engine: Engine) -> dict[str, int]:
    return {row["name"]: row["requested/cpu"] for row in engine.nodes().to_pylist()}


def test_requests_labels_and_priority_may_be_columns() -> None:
    engine = engine_of("a", "b")
    engine.add_pods(
        pa.table(
            {
                "name": ["x", "y"],
                "node": ["a", "b"],
                "requests/cpu": [1000, 2500],
                "labels": pa.array([[("app", "x")], None], pa.map_(pa.string(), pa.string())),
                "label/tier": [None, "front"],
                "priority": [5, None],
            }
        )
    )
    assert requested(engine) == {"a": 1000, "b": 2500}


def test_a_row_replaces_the_pod_of_its_name() -> None:
    engine = engine_of("a", "b")
    for node, cpu in (("a", 1000), ("b", 500), ("b", 700)):
        engine.add_pods(pa.table({"name": ["x"], "node": [node], "requests/cpu": [cpu]}))
    assert requested(engine) == {"a": 0, "b": 700}


def test_pods_wait_for_a_node_and_return_with_it() -> None:
    engine = engine_of("a")
    engine.add_pods(pa.table({"name": ["x", "y"], "node": ["a", "b"], "requests/cpu": [1, 2]}))
    assert requested(engine) == {"a": 1}
    engine.remove_node("a")
    engine.add_nodes(pa.table({"name": ["b", "a"]}))
    assert requested(engine) == {"a": 1, "b": 2}


def test_a_finished_pod_takes_nothing() -> None:
    engine = engine_of("a")
    template = {
        "metadata": {},
        "spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": "Succeeded"},
    }
    engine.add_pods(pa.table({"name": ["x"], "node": ["a"], "template": [json.dumps(template)]}))
    assert requested(engine) == {"a": 0}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["x"]}, "a table of pods needs a column 'node'"),
        ({"name": ["x", None], "node": ["a", "a"]}, "row 1 of the table of pods: column 'name' is None"),
        ({"name": ["x", "x"], "node": ["a", "a"]}, "row 1 of the table of pods: column 'name' is 'x'"),
        (
            {"name": ["x"], "node": ["a"], "requests/cpu": [-1]},
            "row 0 of the table of pods: column 'requests/cpu' is -1; expected an integer from 0",
        ),
        ({"name": ["x"], "node": ["a"], "requests/cpu": ["1"]}, "has type string; expected integers"),
        (
            {"name": ["x"], "node": ["a"], "template": ["{"]},
            "row 0 of the table of pods: column 'template': is not JSON",
        ),
        ({"name": ["x"], "node": ["a"], "priority": [1 << 40]}, "expected an integer of 32 bits"),
    ],
)
def test_a_fault_is_reported_with_its_place(columns: Json, message: str) -> None:
    engine = engine_of("a")
    with pytest.raises(KschedcoreError, match=message.replace("(", r"\(")):
        engine.add_pods(pa.table(columns))
    assert requested(engine) == {"a": 0}
