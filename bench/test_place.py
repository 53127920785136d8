"""Benchmark of common operations: read a dump, build the engine, place, count the pods that would fit.

A thousand nodes in three zones with five thousand pods on them, as a mid-sized cluster's dump would have them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import kschedcore as ks

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

NODES, PODS = 1000, 5000


def node(number: int) -> dict[str, Any]:
    name = f"node-{number:04d}"
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"zone-{number % 3}"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": {"cpu": "15800m", "memory": "62Gi", "pods": "110"}},
    }


def pod(number: int, **spec: object) -> dict[str, Any]:
    container = {
        "name": "c",
        "image": "registry.example.com/app:1",
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"pod-{number:05d}",
            "namespace": "default",
            "labels": {"app": f"app-{number % 50}"},
        },
        "spec": {"containers": [container], **spec},
    }


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dump") / "cluster.json"
    bound = [pod(number, nodeName=f"node-{number % NODES:04d}") for number in range(PODS)]
    items = [*map(node, range(NODES)), *bound]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return path


@pytest.fixture(scope="module")
def cluster(dump: Path) -> ks.Manifests:
    return ks.load(dump)


@pytest.fixture(scope="module")
def pending() -> ks.Manifests:
    return ks.Manifests.from_objects(pod(number) for number in range(PODS, 2 * PODS))


def test_read_the_dump(benchmark: BenchmarkFixture, dump: Path) -> None:
    assert len(benchmark(ks.load, dump).nodes) == NODES


def test_build_the_engine(benchmark: BenchmarkFixture, cluster: ks.Manifests) -> None:
    assert benchmark(ks.Engine, cluster).nodes().num_rows == NODES


def test_build_and_place_five_thousand_pods(
    benchmark: BenchmarkFixture, cluster: ks.Manifests, pending: ks.Manifests
) -> None:
    pods = pending.pending
    decisions = benchmark(lambda: ks.Engine(cluster).schedule(pods))
    assert len(decisions.placed) == PODS


def test_count_what_would_fit(
    benchmark: BenchmarkFixture, cluster: ks.Manifests, pending: ks.Manifests
) -> None:
    engine = ks.Engine(cluster)
    assert benchmark(engine.capacity, pending.pending[0]).replicas == NODES * 31 - PODS


def test_explain_one_pod(benchmark: BenchmarkFixture, cluster: ks.Manifests, pending: ks.Manifests) -> None:
    engine = ks.Engine(cluster)
    assert len(benchmark(engine.explain, pending.pending[0]).totals) == NODES
