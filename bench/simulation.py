"""Benchmark of simulations: a trace of months, a month of a small cluster, a day of autoscalers.

    python -m bench.simulation trace CASE         a recorded case's pods come over 150 days to its nodes
    python -m bench.simulation month              10 nodes, 30 days, 60 pods an hour; the memory after each week
    python -m bench.simulation autoscalers        200 Deployments follow their load for a day
    python -m bench.simulation trace CASE --profile

Times are processor time of one core. Every run checks what came of it, and fails if a sum is wrong.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import gzip
import json
import pstats
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from bench.control_plane import expect, resident_megabytes

from kschedcore.cli.entry import COLLECT
from kschedcore.manifests.loading import Document
from kschedcore.simulation import Simulation

Object = dict[str, Any]
Figures = dict[str, float]

DAYS = 150
APPS = 200
DAY = 86_400
RESOURCES = {"cpu": "m", "memory": "Mi", "nvidia.com/gpu": ""}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "spec": {"containers": [{"name": "main", "image": "workload", "resources": {}}]},
}


def documents(objects: list[Object], folder: Path, **spec: Any) -> list[Document]:
    """A cluster's objects and a scenario, as if read from a file in the folder."""
    scenario = {"apiVersion": "simulation.kschedcore.dev/v1alpha1", "kind": "Scenario", "spec": spec}
    return [Document(each, str(folder / "all.yaml"), i) for i, each in enumerate([*objects, scenario], 1)]


def trace_table(pods: list[Object]) -> pa.Table:
    """Requests and labels as recorded; when each pod comes, and for how long it runs, is drawn."""
    source = random.Random(0)
    arrivals = sorted(source.uniform(0, DAYS * DAY) for _ in pods)
    requests = [pod["spec"]["containers"][0]["resources"]["requests"] for pod in pods]
    amounts = {
        resource: [float(each.get(resource, "0").removesuffix(unit) or 0) for each in requests]
        for resource, unit in RESOURCES.items()
    }
    return pa.table(
        {
            "name": [pod["metadata"]["name"] for pod in pods],
            "arrival": arrivals,
            "lifetime": [source.lognormvariate(8.5, 2.0) for _ in pods],
            "qos": [pod["metadata"]["labels"]["qos"] for pod in pods],
            **{name: pa.array(values).cast(pa.int64()) for name, values in amounts.items()},
        }
    )


def trace(case: Path, folder: Path) -> Iterator[tuple[str, float]]:
    """All of a trace's pods come, run and go."""
    recorded = json.loads(gzip.decompress(case.read_bytes()))
    nodes = [{"apiVersion": "v1", "kind": "Node", **node} for node in recorded["cluster"]["nodes"]]
    pods = recorded["pending"]
    pyarrow.parquet.write_table(trace_table(pods), folder / "pods.parquet")
    requests = {name: {"column": name, "unit": unit} for name, unit in RESOURCES.items()}
    columns = {"name": "name", "lifetime": "lifetime", "labels": {"qos": "qos"}, "requests": requests}
    arrivals = {"name": "trace", "template": POD, "trace": {"file": "pods.parquet", "columns": columns}}
    yield from simulated(documents(nodes, folder, arrivals=[arrivals]), DAYS + 1, expect_all_came(len(pods)))


def month(folder: Path) -> Iterator[tuple[str, float]]:
    """Jobs of one pod arrive at a small cluster, and are deleted ten minutes after they have ended."""
    capacity = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    nodes = [node(f"node-{number}", capacity) for number in range(10)]
    container = {"name": "main", "image": "work:1", "resources": {"requests": {"cpu": "1"}}}
    spec = {"ttlSecondsAfterFinished": 600, "template": {"spec": {"containers": [container]}}}
    arrivals = {
        "name": "batch", "every": {"exponential": "1m"}, "lifetime": {"lognormal": {"median": "10m", "sigma": 1}},
        "template": {"apiVersion": "batch/v1", "kind": "Job", "spec": spec},
    }  # fmt: skip
    yield from simulated(documents(nodes, folder, arrivals=[arrivals]), 30, expect_nothing_lost)


def autoscalers(folder: Path) -> Iterator[tuple[str, float]]:
    """Every Deployment has a load of its own, up and down with the day, and an autoscaler that follows it."""
    capacity = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    objects = [node(f"node-{number}", capacity) for number in range(200)]
    for number in range(APPS):
        objects += scaled_deployment(f"web-{number}")
    loads = [
        {
            "match": {"labels": {"app": f"web-{number}"}},
            "cpu": {"day": {"low": "500m", "high": "5", "peak": f"{6 + number % 12}h"}},
        }
        for number in range(APPS)
    ]
    yield from simulated(documents(objects, folder, loads=loads), 1, expect_scaled)


def node(name: str, capacity: Object) -> Object:
    """A Node."""
    status = {"allocatable": capacity, "capacity": capacity}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


def scaled_deployment(name: str) -> list[Object]:
    """A Deployment and its autoscaler."""
    labels = {"app": name}
    container = {"name": "app", "image": "web:1", "resources": {"requests": {"cpu": "500m"}}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return [
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name},
            "spec": {
                "scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 30,
                "metrics": [{"type": "Resource", "resource": metric}],
            },
        },
    ]  # fmt: skip


def expect_nothing_lost(summary: Object) -> None:
    """Every pod that came was placed, and has succeeded or still runs."""
    pods = summary["pods"]
    expect((pods["pending"], pods["failed"]), (0, 0), "pods pending and failed")
    expect(pods["succeeded"] + pods["running"], pods["created"], "pods that succeeded or run")


def expect_all_came(count: int) -> Callable[[Object], None]:
    """Every pod of a trace came."""
    return lambda summary: expect(summary["pods"]["created"], count, "pods that came")


def expect_scaled(summary: Object) -> None:
    """Pods came with the load and went again."""
    pods = summary["pods"]
    expect(pods["pending"], 0, "pods pending")
    if pods["created"] < 10 * APPS:
        raise SystemExit(f"only {pods['created']} pods: no autoscaler did anything")


def simulated(
    given: list[Document], days: float, check: Callable[[Object], None]
) -> Iterator[tuple[str, float]]:
    """Simulate so many days; memory is looked at after every fifth of them."""
    gc.collect()
    start = time.process_time()
    simulation = Simulation(given, f"{days}d")
    yield "begun, s", time.process_time() - start
    fifths: list[float] = []

    def look(part: float, _pods: int) -> None:
        if part * 5 >= len(fifths) + 1:
            fifths.append(resident_megabytes())

    summary = simulation.run_to(None, look)
    seconds = time.process_time() - start
    check(summary)
    yield "all, s", seconds
    yield "pods", summary["pods"]["created"]
    yield "pods/s", summary["pods"]["created"] / seconds
    for number, megabytes in enumerate(fifths, 1):
        yield f"memory after {number}/5, MB", megabytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["trace", "month", "autoscalers"])
    parser.add_argument("case", nargs="?", type=Path, help="a recorded case, for trace")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    options = parser.parse_args()
    if (options.what == "trace") != (options.case is not None):
        parser.error("a case is needed for trace, and for nothing else")
    # As the command line does: what a cluster holds forms no cycles.
    gc.set_threshold(*COLLECT)
    profile = cProfile.Profile(time.process_time)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = {"trace": lambda: trace(options.case, folder), "month": lambda: month(folder),
                 "autoscalers": lambda: autoscalers(folder)}  # fmt: skip
        if options.profile:
            profile.enable()
        for figure, value in kinds[options.what]():
            print(f"{figure:24} {value:14,.3f}", flush=True)
        profile.disable()
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)


if __name__ == "__main__":
    main()
