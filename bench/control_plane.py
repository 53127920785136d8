"""Benchmark of a whole cluster: from apply to Running through store, admission, controllers, scheduler and agents.

    python bench/control_plane.py                     5,000 nodes, 50,000 pods of 500 Deployments
    python bench/control_plane.py --profile           the same, and where the time goes
    python bench/control_plane.py --requests          the same, and the requests to the API server with their cost
    python bench/control_plane.py --day               1,000 nodes, a simulated day, 50,000 pods come and go
    python bench/control_plane.py --month             50 nodes, a simulated month, and memory after each day

Times are processor time of one core. Every run checks what came of it, and fails if a sum is wrong.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import pstats
import resource
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

from kschedcore.apiserver.requests import Requests
from kschedcore.cli.entry import COLLECT
from kschedcore.client.transport import Request, Response
from kschedcore.cluster import Cluster

Object = dict[str, Any]
Figures = dict[str, float]

MINUTES = 24 * 60


def deployment(number: int, replicas: int) -> Object:
    """A Deployment of the size that production has: two containers with small requests."""
    labels = {"app": f"web-{number}"}
    containers = [
        {
            "name": name,
            "image": f"registry.example/{name}:{number}",
            "ports": [{"containerPort": 8080}],
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        }
        for name in ("app", "proxy")
    ]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"web-{number}"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def job(number: int, pods: int, seconds: int) -> Object:
    """Return a Job whose pods run for a given time and that is deleted ten minutes after it finished."""
    behaviour = json.dumps({"runs": [{"seconds": seconds}]})
    container = {
        "name": "work",
        "image": "registry.example/work:1",
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}},
    }
    template = {
        "metadata": {"annotations": {"kschedcore.io/behaviour": behaviour}},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }
    spec = {"completions": pods, "parallelism": pods, "ttlSecondsAfterFinished": 600, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"work-{number}"}, "spec": spec}


def clocked(action: Callable[[], object]) -> float:
    """Seconds of processor time."""
    gc.collect()
    start = time.process_time()
    action()
    return time.process_time() - start


def resident_megabytes() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6


def expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise SystemExit(f"{what}: found {found}, expected {wanted}")


def rollout(nodes: int, pods: int, deployments: int) -> Iterator[tuple[str, float]]:
    """Apply Deployments to an empty cluster and wait until all their pods run."""
    manifests = [deployment(number, pods // deployments) for number in range(deployments)]
    total = pods // deployments * deployments
    built: list[Cluster] = []
    yield "nodes, s", clocked(lambda: built.append(Cluster.simulated(nodes=nodes)))
    (cluster,) = built
    start = cluster.now()

    def live() -> None:
        cluster.apply(*manifests)
        if not cluster.run_until_settled("10m"):
            raise SystemExit("the cluster did not settle")

    seconds = clocked(live)
    check_rollout(cluster, total)
    yield "all Running, s", seconds
    yield "pods/s", total / seconds
    yield "simulated, s", (cluster.now() - start).total_seconds()
    yield "memory, MB", resident_megabytes()


def check_rollout(cluster: Cluster, total: int) -> None:
    """Every pod runs on a node and is ready, and all sums say so."""
    found = cluster.list("pods")
    expect(len(found), total, "pods")
    expect({pod["status"]["phase"] for pod in found}, {"Running"}, "phases")
    expect(sum(bool(pod["spec"].get("nodeName")) for pod in found), total, "bound pods")
    for kind in ("deployments", "replicasets"):
        ready = sum(each["status"].get("readyReplicas", 0) for each in cluster.list(kind))
        expect(ready, total, f"ready replicas of {kind}")


def lives(nodes: int, days: int, pods_a_day: int) -> Iterator[tuple[str, float]]:
    """Jobs that come every minute; a line a day with what it cost and the memory then."""
    cluster = Cluster.simulated(nodes=nodes)
    each = pods_a_day // MINUTES
    for day in range(1, days + 1):
        seconds = clocked(partial(live_a_day, cluster, (day - 1) * MINUTES, each))
        cluster.run_for("20m")
        expect(len(cluster.list("pods")), 0, "pods left after the last Job")
        yield f"day {day}, s", seconds
        yield f"day {day}, pods/s", each * MINUTES / seconds
        yield f"day {day}, memory, MB", resident_megabytes()
        yield f"day {day}, events", len(cluster.events())


def live_a_day(cluster: Cluster, first: int, pods: int) -> None:
    """A Job a minute, whose pods run for one to ten minutes; all must succeed."""
    done = []
    watch = cluster.watch("jobs")
    for minute in range(MINUTES):
        number = first + minute
        cluster.create(job(number, pods, 60 * (1 + number % 10)))
        cluster.run_for("1m")
        done += [seen.object for seen in watch.poll() if seen.type == "DELETED"]
    cluster.run_for("21m")
    done += [seen.object for seen in watch.poll() if seen.type == "DELETED"]
    expect(len(done), MINUTES, "Jobs that ended")
    expect(sum(each["status"].get("succeeded", 0) for each in done), pods * MINUTES, "pods that succeeded")


def measured(options: argparse.Namespace) -> Figures:
    """One run."""
    if options.day:
        return dict(lives(options.nodes or 1_000, 1, options.pods or 50_000))
    if options.month:
        return dict(lives(options.nodes or 50, options.days, options.pods or MINUTES))
    return dict(rollout(options.nodes or 5_000, options.pods or 50_000, options.deployments))


def profiled(options: argparse.Namespace) -> Figures:
    """One run, and the functions in which most of its time was spent."""
    profile = cProfile.Profile(time.process_time)
    figures = profile.runcall(measured, options)
    pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(60)
    return figures


class RequestCounts:
    """Count and cost of API server requests, by verb, resource and client."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._times: Counter[str] = Counter()

    def wrapped(self, send: Callable[..., Response]) -> Callable[..., Response]:
        """Return ``send`` with its time measured."""

        def timed(server: Requests, request: Request, **named: Any) -> Response:
            start = time.thread_time()
            response = send(server, request, **named)
            kind = f"{request.method} {_resource(request.target)} by {request.user_agent}"
            self._seconds[kind] += time.thread_time() - start
            self._times[kind] += 1
            return response

        return timed

    def show(self, pods: float) -> None:
        """A line for each kind of request that there is one of for every hundred pods, the costliest first."""
        total = sum(self._seconds.values())
        print(f"{'request':52} {'a pod':>8} {'us':>8} {'us a pod':>10}")
        for kind, seconds in sorted(self._seconds.items(), key=lambda each: -each[1]):
            times = self._times[kind]
            if times * 100 >= pods:
                each, all_ = seconds / times * 1e6, seconds / pods * 1e6
                print(f"{kind:52} {times / pods:8.2f} {each:8.0f} {all_:10.0f}")
        print(f"{'all':52} {sum(self._times.values()) / pods:8.2f} {'':8} {total / pods * 1e6:10.0f}")


def _resource(path: str) -> str:
    """``pods``, ``pods/status``: a path without its names."""
    parts = path.partition("?")[0].strip("/").split("/")
    below = parts[2 if parts[0] == "api" else 3 :]
    below = below[2:] if below[:1] == ["namespaces"] and len(below) > 2 else below
    return "/".join(below[::2])


def counted(options: argparse.Namespace) -> Figures:
    """Run once and count the requests to the API server."""
    found = RequestCounts()
    with patch.object(Requests, "send", found.wrapped(Requests.send)):
        figures = measured(options)
    pods = options.pods or 50_000
    found.show(pods // MINUTES * MINUTES if options.day else pods)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=0, help="how many nodes")
    parser.add_argument("--pods", type=int, default=0, help="how many pods, altogether or a day")
    parser.add_argument("--deployments", type=int, default=500, help="of how many Deployments")
    parser.add_argument("--day", action="store_true", help="a simulated day of pods that come and go")
    parser.add_argument("--month", action="store_true", help="many such days, smaller ones")
    parser.add_argument("--days", type=int, default=30, help="how many days a month has")
    parser.add_argument("--repeat", type=int, default=1, help="how many runs to take the medians of")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--requests", action="store_true", help="show the requests to the API server")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    # As the command line does: what a cluster holds forms no cycles.
    gc.set_threshold(*COLLECT)
    measure = profiled if options.profile else counted if options.requests else measured
    runs = [measure(options) for _ in range(options.repeat)]
    figures = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
    if options.output == "json":
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:24} {value:14,.3f}")


if __name__ == "__main__":
    main()
