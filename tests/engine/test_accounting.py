"""The accounted amounts equal those of the objects, after any history."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model.resources import node_allocatable, pod_requests

from kschedcore import Engine
from kschedcore.manifests.manifests import Manifests
from kschedcore.testing.replay import EngineScheduler, Replay
from kschedcore.testing.strategies import Case, cases, histories

Json = dict[str, Any]

QUICK = settings(max_examples=60, derandomize=True)


def accounted(engine: Engine) -> dict[str, dict[str, int]]:
    """Node -> resource -> the requested amount in the engine."""
    rows = engine.nodes().to_pylist()
    return {
        row["name"]: {
            column.removeprefix("requested/"): amount
            for column, amount in row.items()
            if column.startswith("requested/") and amount
        }
        for row in rows
    }


def recounted(nodes: set[str], pods: list[Json]) -> dict[str, dict[str, int]]:
    """The same, added up from the objects."""
    totals: dict[str, dict[str, int]] = {name: defaultdict(int) for name in nodes}
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if node in totals:
            totals[node]["pods"] += 1
            for resource, amount in pod_requests(pod).items():
                totals[node][resource] += amount
    return {name: {r: a for r, a in total.items() if a} for name, total in totals.items()}


@QUICK
@given(histories(max_events=16))
def test_accounting_equals_recounting(history: Any) -> None:
    scheduler = EngineScheduler(history.cluster)
    replay = Replay(history, scheduler)
    for _ in replay.decisions():
        pass
    assert accounted(scheduler.engine) == recounted(replay.node_names, list(replay.pods.values()))


@QUICK
@given(cases(max_pending=6))
def test_a_decision_never_overcommits(drawn: Case) -> None:
    """Nodes that fit what was on them still do after any number of decisions."""
    engine = Engine(Manifests.from_cluster(drawn.cluster), config=drawn.cluster.get("config"))
    before = accounted(engine)
    engine.schedule(drawn.pending, preempt=False)
    for each in drawn.cluster["nodes"]:
        name, allocatable = each["metadata"]["name"], node_allocatable(each)
        for resource, amount in accounted(engine)[name].items():
            assert amount <= max(allocatable.get(resource, 0), before[name].get(resource, 0))


@QUICK
@given(cases(max_pending=4))
def test_a_table_of_nodes_decides_as_the_objects_do(drawn: Case) -> None:
    config = drawn.cluster.get("config")
    objects = Engine(Manifests.from_cluster({**drawn.cluster, "pods": []}), config=config)
    table = Engine(Manifests.from_cluster({**drawn.cluster, "pods": [], "nodes": []}), config=config)
    table.add_nodes(pa.Table.from_batches([objects.nodes()]))
    assert table.nodes().equals(objects.nodes())
    for pod in drawn.cluster["pods"]:
        objects.add_pod(pod)
        table.add_pod(pod)
    for pod in drawn.pending:
        assert table.explain(pod).to_step() == objects.explain(pod).to_step()


@QUICK
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30))
def test_adding_and_removing_one_pod_many_times_leaves_no_trace(moves: list[tuple[int, bool]]) -> None:
    engine = Engine()
    for i in range(4):
        engine.set_node({"metadata": {"name": f"n{i}"}, "status": {"allocatable": {"cpu": "8", "pods": "9"}}})
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"resources": {"requests": {"cpu": "1500m"}}, "ports": [{"hostPort": 80}]}]},
    }
    there = None
    for target, add in moves:
        if add:
            engine.add_pod(pod, f"n{target}")
            there = target
        elif there is not None:
            engine.remove_pod("p")
            there = None
    expected = {f"n{i}": {"cpu": 1500, "pods": 1} if i == there else {} for i in range(4)}
    assert accounted(engine) == expected
