"""Benchmark of each part of the core by itself, on 5,000 nodes: interning, passes, catch-up, counts, loading.

python -m pytest -m '' --benchmark-only bench/test_parts.py
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from bench.growth import node_table, pod_table
from bench.workloads import BLUE, HOSTNAME, ZONE, plain, pod, preferred, required, shapes

from kschedcore import Engine
from kschedcore._native.podclass import PodClass
from kschedcore.api.objects import Pod, decode
from kschedcore.manifests.manifests import Manifests

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

NODES = 5_000
CHANGED = 100
HEAD = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}


def engine_of(template: dict[str, Any], *, points: tuple[str, ...] = ("filter", "score")) -> Engine:
    """An engine with 5,000 nodes and 1,000 pods; its profile enables only the given extension points."""
    off = {point: {"disabled": [{"name": "*"}]} for point in ("filter", "score") if point not in points}
    # Without any plugin that filters there would be nothing to be in the profile for.
    if "filter" in off:
        off["filter"]["enabled"] = [{"name": "NodeName"}]
    made = plain(NODES, 0, template)
    engine = Engine(Manifests.from_cluster(made.cluster), config={**HEAD, "profiles": [{"plugins": off}]})
    engine.schedule([view(pod(f"init-{i}")) for i in range(1_000)])
    return engine


def view(manifest: dict[str, Any]) -> Pod:
    return decode(Pod, manifest)


def compiled(engine: Engine, template: dict[str, Any]) -> PodClass:
    found = engine._compile(view(template))
    assert isinstance(found, PodClass)
    return found


PASSES = {
    "plain": pod("p"),
    "taints and labels": pod("p", tolerations=[{"operator": "Exists"}], nodeSelector={ZONE: "zone1"}),
    "required affinity": pod("p", labels=BLUE, **required("podAffinity", BLUE, ZONE)),
    "preferred affinity": pod("p", labels=BLUE, **preferred("podAffinity", BLUE, HOSTNAME)),
}


@pytest.mark.parametrize("points", [("filter",), ("score",), ("filter", "score")], ids="+".join)
@pytest.mark.parametrize("template", PASSES.values(), ids=PASSES)
def test_full_pass(benchmark: BenchmarkFixture, template: dict[str, Any], points: tuple[str, ...]) -> None:
    """Every node, from nothing."""
    pod_class = compiled(engine_of(template, points=points), template)

    def whole() -> int:
        pod_class.invalidate()
        pod_class.catch_up()
        return pod_class.feasible

    assert benchmark(whole) > 0


@pytest.mark.parametrize("template", PASSES.values(), ids=PASSES)
def test_catch_up(benchmark: Any, template: dict[str, Any]) -> None:
    """A hundred nodes have changed since."""
    engine = engine_of(template)
    core = engine._core
    pod_class, other = compiled(engine, template), compiled(engine, pod("other"))

    def change() -> None:
        for number in [core.bind(other.info, slot) for slot in range(CHANGED)]:
            core.unbind(number)

    pod_class.catch_up()
    before = pod_class.totals().tolist()
    benchmark.pedantic(pod_class.catch_up, setup=change, rounds=200)
    assert pod_class.totals().tolist() == before


def test_interning(benchmark: Any) -> None:
    """A thousand pods of as many classes, interned and accounted."""
    pods = [view(template) for template in shapes(10, 0).templates]

    def fresh() -> tuple[tuple[Engine], dict[str, Any]]:
        return (Engine(),), {}

    def intern(engine: Engine) -> int:
        return len(set(map(id, engine._classes.infos(pods))))

    assert benchmark.pedantic(intern, setup=fresh, rounds=20) == len(pods)


def test_known_shapes(benchmark: BenchmarkFixture) -> None:
    """The same thousand pods, found again."""
    pods = [view(template) for template in shapes(10, 0).templates]
    classes = Engine()._classes
    known = classes.infos(pods)
    assert benchmark(classes.infos, pods) == known


def test_shapes_in_turn(benchmark: Any) -> None:
    """3,000 decisions on 1,000 shapes in random order, each decided before."""

    def begun() -> tuple[tuple[Engine, list[PodClass]], dict[str, Any]]:
        made = shapes(NODES, 1_000)
        engine = Engine(Manifests.from_cluster(made.cluster))
        classes = [compiled(engine, made.templates[number]) for number in made.order[:6_000]]
        engine._core.place(classes[:3_000])
        return (engine, classes[3_000:]), {}

    def go_on(engine: Engine, classes: list[PodClass]) -> int:
        return int((engine._core.place(classes)[0] >= 0).sum())

    assert benchmark.pedantic(go_on, setup=begun, rounds=5) == 3_000


@pytest.mark.parametrize("groups", [0, 1, 10])
def test_affinity_count(benchmark: BenchmarkFixture, groups: int) -> None:
    """A pod bound and unbound a hundred times, counted by as many groups in two topologies."""
    engine = engine_of(pod("p"))
    core = engine._core
    for number in range(groups):
        labels = {f"group-{number}": "yes"}
        for key in (ZONE, HOSTNAME):
            compiled(engine, pod("affine", labels=labels, **required("podAffinity", labels, key))).catch_up()
    counted = compiled(engine, pod("p", labels={f"group-{number}": "yes" for number in range(groups)}))

    def bind_and_unbind() -> None:
        for slot in range(CHANGED):
            core.unbind(core.bind(counted.info, slot))

    benchmark(bind_and_unbind)
    assert engine.utilisation()["pods"]["requested"] == 1_000


@pytest.mark.parametrize("nodes", [1_000, 100_000])
def test_what_if(benchmark: BenchmarkFixture, nodes: int) -> None:
    """One pod placed within ``what_if``, and everything restored."""
    engine = Engine()
    engine.add_nodes(node_table(nodes))
    one = view(pod("one"))

    def decide() -> str | None:
        with engine.what_if():
            return engine.schedule([one])[0].node

    assert benchmark(decide) is not None
    assert engine.utilisation()["pods"]["requested"] == 0


@pytest.mark.parametrize("shapes", [1, 100])
def test_place_a_table(benchmark: Any, shapes: int) -> None:
    """100,000 rows placed and returned as a table."""
    rows = 100_000
    kinds = pa.DictionaryArray.from_arrays(
        pa.array([row % shapes for row in range(rows)], pa.int32()),
        [json.dumps(pod("p", cpu=f"{100 + shape}m")) for shape in range(shapes)],
    )
    table = pa.table({"name": [f"p{row}" for row in range(rows)], "template": kinds})

    def fresh() -> tuple[tuple[Engine], dict[str, Any]]:
        engine = Engine()
        engine.add_nodes(node_table(NODES))
        return (engine,), {}

    def place(engine: Engine) -> int:
        return int(engine.place(table)["node"].null_count)

    assert benchmark.pedantic(place, setup=fresh, rounds=5) == 0


def test_load_nodes_from_arrow(benchmark: BenchmarkFixture) -> None:
    table = node_table(NODES)

    def load() -> Engine:
        engine = Engine()
        engine.add_nodes(table)
        return engine

    assert benchmark(load).nodes().num_rows == NODES


def test_load_pods_from_arrow(benchmark: Any) -> None:
    nodes, pods = node_table(NODES), pod_table(NODES, 10 * NODES)

    def with_nodes() -> tuple[tuple[Engine], dict[str, Any]]:
        engine = Engine()
        engine.add_nodes(nodes)
        return (engine,), {}

    def load(engine: Engine) -> int:
        engine.add_pods(pods)
        return engine.utilisation()["pods"]["requested"]

    assert benchmark.pedantic(load, setup=with_nodes, rounds=10) == 10 * NODES
