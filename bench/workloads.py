"""Pods placed per second on the workloads of kube-scheduler's own benchmark.

    python bench/workloads.py --workload SchedulingBasic --nodes 5000 --init-pods 1000 --pods 10000

Workloads are named and shaped as kube-scheduler's own scheduler_perf has them, and a few are ours. What is
measured is the engine alone: pods are parsed and templates compiled before the clock starts in ``batch`` mode;
in ``call`` mode every pod is one call from a parsed object. A run checks itself: the same pods are placed again
by an engine that forgets everything before each decision, and a speed is reported only if all decisions agree.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from kschedcore import Engine
from kschedcore._native.podclass import PodClass
from kschedcore.api.objects import Pod, PodResourceClaimStatus, PodStatus, decode
from kschedcore.cel.devices import device_environment
from kschedcore.cli.entry import COLLECT
from kschedcore.manifests.manifests import Manifests

Json = dict[str, Any]

HOSTNAME = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
CHECKED = 2_000
"""The number of a run's pods that are decided again without any cache."""


@dataclass
class Workload:
    """A cluster, pods bound before the clock starts, and templates of pods that are taken in turn.

    Pods of a workload with ``claims`` each have a ResourceClaim of their own, made from the template of that name.
    """

    cluster: Json
    init: Sequence[Json]
    templates: Sequence[Json]
    churn: bool = False
    preempts: bool = False
    claims: Json | None = None
    order: Sequence[int] = field(default_factory=list)


def node(i: int, **more: Any) -> Json:
    """A node as scheduler_perf makes them: 4 cpu, 32 GiB, 110 pods; 3 zones."""
    name = f"node-{i:06d}"
    return {
        "metadata": {
            "name": name,
            "labels": {HOSTNAME: name, ZONE: f"zone{i % 3 + 1}", **more.pop("labels", {})},
        },
        "spec": more.pop("spec", {}),
        "status": {"allocatable": {"cpu": "4", "memory": "32Gi", "pods": "110"} | more},
    }


def pod(
    name: str, *, cpu: str = "100m", memory: str = "500Mi", labels: Json | None = None, **spec: Any
) -> Json:
    """A pod as scheduler_perf makes them: 100m and 500 MB."""
    requests = {"cpu": cpu, "memory": memory}
    return {
        "metadata": {"name": name, "namespace": "default", "labels": labels or {}},
        "spec": {
            "containers": [{"name": "pause", "image": "pause", "resources": {"requests": requests}}],
            **spec,
        },
    }


def term(labels: Json, key: str) -> Json:
    """A pod affinity term."""
    return {"topologyKey": key, "labelSelector": {"matchLabels": labels}}


def required(kind: str, labels: Json, key: str) -> Json:
    """Required pod (anti-)affinity."""
    return {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term(labels, key)]}}}


def preferred(kind: str, labels: Json, key: str) -> Json:
    """Preferred pod (anti-)affinity."""
    weighted = {"weight": 1, "podAffinityTerm": term(labels, key)}
    return {"affinity": {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [weighted]}}}


def spread(when: str, key: str) -> Json:
    """A spread constraint over pods labelled ``color: blue``."""
    selector = {"matchLabels": {"color": "blue"}}
    constraint = {"maxSkew": 5, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector}
    return {"topologySpreadConstraints": [constraint]}


BLUE = {"color": "blue"}
GREEN = {"color": "green"}


def plain(nodes: int, init: int, template: Json, **more: Any) -> Workload:
    """A uniform cluster with basic pods on it."""
    cluster = {"nodes": [node(i) for i in range(nodes)]}
    return Workload(cluster, [pod(f"init-{i}") for i in range(init)], [template], **more)


def node_affinity(nodes: int, init: int) -> Workload:
    """Pods that need one of two zones, on nodes of which some are tainted."""
    expressions = [{"key": ZONE, "operator": "In", "values": ["zone1", "zone2"]}]
    rule = {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": expressions}]
        }
    }
    return plain(nodes, init, pod("p", affinity={"nodeAffinity": rule}))


def taints(nodes: int, init: int) -> Workload:
    """Pods that tolerate one of two taints, on nodes with either or a soft one."""
    kinds = [
        {"taints": [{"key": "a", "effect": "NoSchedule"}]},
        {"taints": [{"key": "b", "effect": "NoSchedule"}]},
        {"taints": [{"key": "soft", "effect": "PreferNoSchedule"}]},
    ]
    cluster = {"nodes": [node(i, spec=kinds[i % 3]) for i in range(nodes)]}
    toleration = {"key": "a", "operator": "Exists", "effect": "NoSchedule"}
    init_pods = [pod(f"init-{i}", tolerations=[toleration]) for i in range(init)]
    return Workload(cluster, init_pods, [pod("p", tolerations=[toleration])])


def shapes(nodes: int, init: int) -> Workload:
    """1,000 different requests in random order."""
    draw = random.Random(1)
    templates = [
        pod(
            "p",
            cpu=f"{draw.randint(1, 400)}m",
            memory=f"{draw.randint(16, 2048)}Mi",
            labels={"shape": str(i)},
        )
        for i in range(1000)
    ]
    made = plain(nodes, init, templates[0])
    made.templates = templates
    made.order = [draw.randrange(1000) for _ in range(200_000)]
    return made


def mixed(nodes: int, init: int) -> Workload:
    """A bit of everything, in turn."""
    made = plain(nodes, init, pod("p"))
    made.templates = [
        pod("p"),
        pod("p", labels=BLUE, **required("podAffinity", BLUE, ZONE)),
        pod("p", labels=GREEN, **required("podAntiAffinity", GREEN, HOSTNAME)),
        pod("p", labels={"color": "red"}, **preferred("podAffinity", {"color": "red"}, HOSTNAME)),
        pod("p", labels={"color": "yellow"}, **preferred("podAntiAffinity", {"color": "yellow"}, HOSTNAME)),
    ]
    return made


def unschedulable(nodes: int, init: int) -> Workload:
    """Pods that fit nowhere."""
    return plain(nodes, init, pod("p", cpu="9"))


def preemption(nodes: int) -> Workload:
    """A cluster full of pods of low priority, and pods of high priority that each need three victims."""
    made = plain(nodes, 0, pod("p", cpu="3", priority=10), preempts=True)
    made.init = [pod(f"low-{i}", cpu="900m", priority=0) for i in range(4 * nodes)]
    return made


def devices(nodes: int, init: int) -> Workload:
    """Nodes of eight devices each, and pods that claim one of them by a template."""
    made = plain(
        nodes // 5, init, pod("p", resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "gpu"}])
    )
    driver = "gpu.example.com"
    made.cluster["deviceClasses"] = [
        {
            "metadata": {"name": "gpu"},
            "spec": {"selectors": [{"cel": {"expression": f"device.driver == '{driver}'"}}]},
        }
    ]
    made.cluster["resourceSlices"] = [
        {
            "metadata": {"name": f"{name}-gpu"},
            "spec": {
                "driver": driver,
                "nodeName": name,
                "pool": {"name": name, "generation": 1, "resourceSliceCount": 1},
                "devices": [
                    {
                        "name": f"gpu-{i}",
                        "attributes": {"uuid": {"string": f"{name}-{i}"}, "memory": {"int": 40 + i}},
                    }
                    for i in range(8)
                ],
            },
        }
        for name in (each["metadata"]["name"] for each in made.cluster["nodes"])
    ]
    selector = {"cel": {"expression": f"device.attributes['{driver}'].memory >= 40"}}
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpu", "selectors": [selector]}}
    made.claims = {"devices": {"requests": [request]}}
    return made


WORKLOADS: dict[str, Callable[[int, int], Workload]] = {
    "SchedulingBasic": lambda nodes, init: plain(nodes, init, pod("p")),
    "SchedulingNodeAffinity": node_affinity,
    "SchedulingTaints": taints,
    "SchedulingPodAntiAffinity": lambda nodes, init: plain(
        nodes, init, pod("p", labels=GREEN, **required("podAntiAffinity", GREEN, HOSTNAME))
    ),
    "SchedulingPodAffinity": lambda nodes, init: plain(
        nodes, init, pod("p", labels=BLUE, **required("podAffinity", BLUE, ZONE))
    ),
    "SchedulingPreferredPodAffinity": lambda nodes, init: plain(
        nodes, init, pod("p", labels=BLUE, **preferred("podAffinity", BLUE, HOSTNAME))
    ),
    "SchedulingPreferredPodAntiAffinity": lambda nodes, init: plain(
        nodes, init, pod("p", labels=BLUE, **preferred("podAntiAffinity", BLUE, HOSTNAME))
    ),
    "TopologySpreading": lambda nodes, init: plain(
        nodes, init, pod("p", labels=BLUE, **spread("DoNotSchedule", ZONE))
    ),
    "PreferredTopologySpreading": lambda nodes, init: plain(
        nodes, init, pod("p", labels=BLUE, **spread("ScheduleAnyway", ZONE))
    ),
    "HostSpreading": lambda nodes, init: plain(
        nodes, init, pod("p", labels=BLUE, **spread("DoNotSchedule", HOSTNAME))
    ),
    "PreferredHostSpreading": lambda nodes, init: plain(
        nodes, init, pod("p", labels=BLUE, **spread("ScheduleAnyway", HOSTNAME))
    ),
    "MixedSchedulingBasePod": mixed,
    "Unschedulable": unschedulable,
    "PreemptionBasic": lambda nodes, _: preemption(nodes),
    "Shapes": shapes,
    "ResourceClaimTemplate": devices,
    "Churn": lambda nodes, init: plain(nodes, init, pod("p"), churn=True),
}


def from_case(path: Path) -> Workload:
    """A recorded case, whose pending pods are templates taken in turn."""
    data = path.read_bytes()
    case = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return Workload(case["cluster"], [], case["pending"])


class Run:
    """One engine with a workload's cluster, and the pods to place on it."""

    def __init__(self, workload: Workload, pods: int) -> None:
        self.workload = workload
        start = time.perf_counter()
        self.engine = Engine(Manifests.from_cluster(workload.cluster))
        self.engine.schedule([decode(Pod, each) for each in workload.init], preempt=False)
        self.build_s = time.perf_counter() - start
        templates = [decode(Pod, each) for each in workload.templates]
        order = workload.order or range(len(templates))
        self.pods = [templates[order[i % len(order)]] for i in range(pods)]
        if workload.claims is not None:
            device_environment()  # imports of CEL are no part of a decision
            self.pods = [self._claiming(each, i, workload.claims) for i, each in enumerate(self.pods)]
        self.latencies: list[float] = []

    def _claiming(self, template: Pod, i: int, spec: Json) -> Pod:
        """Return a pod with a claim of its own, which the engine knows."""
        made = named(template, i)
        uid, name = f"uid-{i}", f"pod-{i}-gpu"
        owner = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": made.metadata.name,
            "uid": uid,
            "controller": True,
        }
        metadata = {"name": name, "namespace": "default", "uid": f"claim-{i}", "ownerReferences": [owner]}
        self.engine.set_object({"kind": "ResourceClaim", "metadata": metadata, "spec": spec})
        status = PodStatus(
            resource_claim_statuses=(PodResourceClaimStatus(name="gpu", resource_claim_name=name),)
        )
        metadata_of_pod = msgspec.structs.replace(made.metadata, uid=uid)
        return msgspec.structs.replace(made, metadata=metadata_of_pod, status=status)

    def batch(self) -> list[str | None]:
        """Place everything in one call: of the core, or of the engine where pods claim devices."""
        if self.workload.claims is not None:
            start = time.perf_counter()
            decisions = self.engine.schedule(self.pods)
            self.seconds = time.perf_counter() - start
            return [each.node for each in decisions]
        compiled: list[PodClass] = []
        for each in self.pods:
            found = self.engine._compile(each)
            assert isinstance(found, PodClass)
            compiled.append(found)
        core = self.engine._core
        start = time.perf_counter()
        if self.workload.churn:
            slots = []
            for pod_class in compiled:
                slot, _, _, _, numbers, *_ = core.place([pod_class])
                slots.append(int(slot[0]))
                core.unbind(int(numbers[0]))
        else:
            slots = core.place(compiled)[0].tolist()
        self.seconds = time.perf_counter() - start
        return [None if slot < 0 else core.nodes.name_of(int(slot)) for slot in slots]

    def calls(self, *, forget: bool = False) -> list[str | None]:
        """Place one pod a call."""
        engine, workload = self.engine, self.workload
        placed: list[str | None] = []
        start = time.perf_counter()
        for i, template in enumerate(self.pods):
            if forget:
                engine.forget()
            begun = time.perf_counter()
            each = named(template, i)
            decision = engine.schedule([each], preempt=workload.preempts)[0]
            for victim in decision.victims:
                namespace, _, name = victim.partition("/")
                engine.remove_pod(name, namespace)
            if decision.victims:
                decision = engine.schedule([each])[0]
            if workload.churn and decision.node:
                engine.remove_pod(each.metadata.name)
            self.latencies.append(time.perf_counter() - begun)
            placed.append(decision.node)
        self.seconds = time.perf_counter() - start
        return placed


def named(template: Pod, i: int) -> Pod:
    """A pod of a template under a name of its own, sharing everything else."""
    metadata = msgspec.structs.replace(template.metadata, name=f"pod-{i}")
    return msgspec.structs.replace(template, metadata=metadata)


def measure(name: str, workload: Workload, pods: int, mode: str) -> Json:
    """Run a workload once, and once more without caches; refuse to report what differs."""
    if workload.preempts:
        mode = "call"
    run = Run(workload, pods)
    placed = run.batch() if mode == "batch" else run.calls()
    check = Run(workload, min(pods, CHECKED if not workload.preempts else 50))
    expected = check.calls(forget=True)
    if placed[: len(expected)] != expected:
        at = next(i for i, (a, b) in enumerate(zip(placed, expected, strict=False)) if a != b)
        raise SystemExit(f"{name}: pod {at} went to {placed[at]}, and without caches to {expected[at]}")
    ranked = sorted(run.latencies)
    return {
        "workload": name,
        "nodes": len(workload.cluster["nodes"]),
        "init_pods": len(workload.init),
        "pods": pods,
        "scheduled": sum(each is not None for each in placed),
        "unschedulable": sum(each is None for each in placed),
        "mode": mode,
        "pods_per_s": round(pods / run.seconds),
        "p50_us": round(ranked[len(ranked) // 2] * 1e6, 1) if ranked else None,
        "p99_us": round(ranked[len(ranked) * 99 // 100] * 1e6, 1) if ranked else None,
        "build_s": round(run.build_s, 3),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Read flags, run, print a line a run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--workload", choices=[*WORKLOADS, "all"], help="which workload")
    parser.add_argument("--case", type=Path, help="a recorded case (plain or gzip) instead")
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--init-pods", type=int, default=1000)
    parser.add_argument("--pods", "--count", type=int, help="how many pods (default 10000; with --case, all)")
    parser.add_argument("--mode", choices=["batch", "call"], default="batch")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("-o", "--output", choices=["json", "table"], default="json")
    given = parser.parse_args(argv)
    if (given.workload is None) == (given.case is None):
        parser.error("name one of --workload and --case")
    # As the command line does: what an engine holds forms no cycles.
    gc.set_threshold(*COLLECT)
    names = list(WORKLOADS) if given.workload == "all" else [given.workload or given.case.name]
    for name in names:
        for _ in range(given.repeat):
            if given.case:
                workload = from_case(given.case)
                pods = given.pods or len(workload.templates)
            else:
                workload = WORKLOADS[name](given.nodes, given.init_pods)
                pods = given.pods or 10_000
            row = measure(name, workload, pods, given.mode)
            if given.output == "json":
                print(json.dumps(row), flush=True)
            else:
                print("  ".join(f"{key}={value}" for key, value in row.items()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
