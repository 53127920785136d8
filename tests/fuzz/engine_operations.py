"""Random operations on an engine, against a model of what is there and an engine made from that model.

A case is a seed. It draws nodes, pods, objects and operations on them, what-if blocks within what-if blocks, tables,
plugins that call the engine back, and exceptions at random places in the engine's own Python code. After each step
the engine's accounts equal a recount of the pods that it reports as bound, and every now and then its decisions equal
those of an engine freshly made from the same objects.
"""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from tests.builders import node, pod
from tests.engine.objects import anti_affinity, spread
from tests.engine.storage import attachment, claim, csi_node, storage_class, uses, volume
from tests.model.resources import pod_requests

import kschedcore
from kschedcore import Engine
from kschedcore.engine import classes
from kschedcore.engine.user_plugins import FilterPlugin, NodeColumns, ScorePlugin
from kschedcore.errors import Interrupted, KschedcoreError, UsageError

Json = dict[str, Any]

SOURCES = str(Path(kschedcore.__file__).parent / "engine")
ZONE = "topology.kubernetes.io/zone"
NODES = [f"n{number}" for number in range(6)]
APPS = ["a", "b", "c"]
HUGE = str(2**62)


class Disturbance(BaseException):
    """Raised at a random place, as a signal handler might."""


class Disturber:
    """Raises an exception at the n-th step of the engine's Python code, by a trace function or a signal.

    Args:
        kind: ``trace`` raises from a trace function, at any line; ``signal`` has SIGINT delivered there.
        steps: After how many lines.
    """

    def __init__(self, kind: str, steps: int) -> None:
        self.kind = kind
        self.left = steps
        self.fired = False

    def __call__(self, frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(SOURCES) or frame.f_code.co_name == "<genexpr>":
            return None
        self.left -= 1
        if self.left == 0 and not self.fired:
            self.fired = True
            if self.kind == "trace":
                raise Disturbance
            signal.raise_signal(signal.SIGINT)
        return self

    @contextmanager
    def active(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self)
        try:
            yield
        finally:
            sys.settrace(before)


CALLS: list[Callable[[Engine], object]] = [
    lambda engine: engine.decide(pod("inner")),
    lambda engine: engine.set_node(node("n0", cpu="1")),
    lambda engine: engine.remove_pod("p0"),
    lambda engine: engine.capacity(pod("inner")),
    lambda engine: engine.schedule([pod("inner")]),
]


class Meddling(FilterPlugin):
    """Now and then calls the engine back, or raises an exception."""

    name = "Meddling"
    reason = "node(s) were meddled with"
    engine: Engine | None = None
    rng = random.Random(0)

    def filter_nodes(self, pod: Any, nodes: NodeColumns) -> Any:  # noqa: ARG002
        draw = self.rng.random()
        if draw < 0.02 and self.engine is not None:
            with suppress(UsageError):
                self.rng.choice(CALLS)(self.engine)
                raise AssertionError("the engine let itself be called from a plugin")
        if 0.02 <= draw < 0.03:
            raise RuntimeError("a plugin failed")
        if 0.03 <= draw < 0.035:
            raise KeyboardInterrupt
        return np.ones(len(nodes), np.bool_)


class MeddlingScore(ScorePlugin):
    name = "MeddlingScore"

    def score_nodes(self, pod: Any, nodes: NodeColumns) -> Any:
        Meddling.filter_nodes(Meddling, pod, nodes)  # type: ignore[arg-type]
        return np.zeros(len(nodes), np.int64)


class Case:
    """One sequence of operations.

    Args:
        seed: Draws everything.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.meddles = self.rng.random() < 0.3
        self.config: Json = {
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "percentageOfNodesToScore": self.rng.choice([100, 100, 30]),
        }
        if self.meddles:
            enabled = [{"name": name} for name in ("Meddling", "MeddlingScore")]
            self.config["profiles"] = [{"plugins": {"multiPoint": {"enabled": enabled}}}]
        self.engine = self.make(meddles=self.meddles)
        Meddling.engine, Meddling.rng = self.engine, random.Random(seed)
        self.nodes: dict[str, Json] = {}
        self.objects: dict[tuple[str, str], Json] = {}
        self.namespaces: dict[str, Json] = {}
        self.pods: dict[str, Json] = {}
        self.counter = 0

    def make(self, *, meddles: bool) -> Engine:
        config = self.config if meddles or not self.meddles else {**self.config, "profiles": []}
        if not meddles:
            config = {key: value for key, value in config.items() if key != "profiles"}
        return Engine(config=config, plugins=[Meddling, MeddlingScore])

    # -- what is drawn ------------------------------------------------------------------------------

    def draw_node(self) -> Json:
        rng = self.rng
        labels = {ZONE: rng.choice(["z0", "z1"])} if rng.random() < 0.8 else {}
        more: Json = {"unschedulable": True} if rng.random() < 0.1 else {}
        if rng.random() < 0.2:
            more["taints"] = [
                {"key": "k", "value": "v", "effect": rng.choice(["NoSchedule", "PreferNoSchedule"])}
            ]
        memory = rng.choice(["4Gi", "16Gi", HUGE])
        return node(rng.choice(NODES), labels=labels, cpu=str(rng.randint(1, 6)), memory=memory, **more)

    def draw_pod(self, *, bound: bool = False) -> Json:
        rng = self.rng
        spec: Json = {"priority": rng.choice([0, 0, 5, 10])}
        app = rng.choice(APPS)
        if rng.random() < 0.3:
            spec["affinity"] = anti_affinity(
                {"app": rng.choice(APPS)}, rng.choice(["kubernetes.io/hostname", ZONE])
            )
        elif rng.random() < 0.3:
            term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": rng.choice(APPS)}}}
            if rng.random() < 0.3:
                term["namespaceSelector"] = {"matchLabels": {"team": "x"}}
            spec["affinity"] = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
        if rng.random() < 0.3:
            when = rng.choice(["DoNotSchedule", "ScheduleAnyway"])
            spec["topologySpreadConstraints"] = [spread(ZONE, {"app": app}, when=when)]
        if rng.random() < 0.2:
            spec["volumes"] = uses(rng.choice(["c0", "c1", "c2"]))
        if rng.random() < 0.1:
            spec["tolerations"] = [{"operator": "Exists"}]
        if rng.random() < 0.05:
            spec["nodeName"] = rng.choice(NODES)
        if bound:
            spec["nodeName"] = rng.choice(NODES)
        meta: Json = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if rng.random() < 0.1 else {}
        status: Json = {"nominatedNodeName": rng.choice(NODES)} if not bound and rng.random() < 0.1 else {}
        memory = rng.choice(["1Gi", "2Gi", HUGE if rng.random() < 0.1 else "1Gi"])
        name = f"p{rng.randint(0, 30)}"
        return pod(
            name,
            cpu=rng.choice(["500m", "1", "2"]),
            memory=memory,
            labels={"app": app},
            namespace=rng.choice(["default", "default", "team"]),
            meta=meta,
            status=status,
            **spec,
        )

    def draw_object(self) -> Json:
        rng = self.rng
        budget = {
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "b", "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": rng.choice(APPS)}}},
            "status": {"disruptionsAllowed": rng.randint(0, 1)},
        }
        return rng.choice(
            [
                claim(f"c{rng.randint(0, 2)}", bound_to=rng.choice(["", "v0", "v1"])),
                claim("c0", modes=("ReadWriteOncePod",)),
                volume(f"v{rng.randint(0, 1)}", node=rng.choice(["", *NODES]), handle=rng.choice(["", "h"])),
                storage_class("wait"),
                csi_node(rng.choice(NODES), rng.randint(0, 2)),
                attachment(f"at{rng.randint(0, 1)}", rng.choice(NODES), f"v{rng.randint(0, 1)}"),
                budget,
            ]
        )

    # -- what is done -------------------------------------------------------------------------------

    def operations(self) -> list[tuple[int, Callable[[], object]]]:
        engine, rng = self.engine, self.rng

        def batch() -> list[Json]:
            drawn = [self.draw_pod() for _ in range(rng.randint(1, 6))]
            for each in drawn:
                self.counter += 1
                each["metadata"]["name"] = f"s{self.counter}"
            return drawn

        def table(*, bound: bool) -> pa.Table:
            rows = rng.randint(1, 5)
            self.counter += rows
            columns: Json = {
                "name": [f"t{self.counter - row if rng.random() < 0.7 else row}" for row in range(rows)],
                "requests/cpu": pa.array([rng.choice([100, 1000]) for _ in range(rows)]),
                "label/app": [rng.choice(APPS) for _ in range(rows)],
            }
            if bound:
                columns["node"] = [rng.choice(NODES) for _ in range(rows)]
            return pa.table(columns)

        def nodes_table() -> pa.Table:
            names = rng.sample(NODES, rng.randint(1, 3))
            zones = [rng.choice(["z0", "z1"]) for _ in names]
            amounts = {"allocatable/cpu": [4000] * len(names), "allocatable/pods": [9] * len(names)}
            amounts["allocatable/memory"] = [1 << 34] * len(names)
            return pa.table({"name": names, f"label/{ZONE}": zones, **amounts})

        def namespace() -> None:
            labels = rng.choice([{}, {"team": "x"}])
            engine.set_namespace({"metadata": {"name": "team", "labels": labels}})

        return [
            (6, lambda: engine.set_node(self.draw_node())),
            (2, lambda: engine.remove_node(rng.choice(NODES))),
            (2, lambda: engine.add_nodes(nodes_table())),
            (6, lambda: engine.add_pod(self.draw_pod(bound=True))),
            (2, lambda: engine.add_pods(table(bound=True))),
            (4, lambda: engine.remove_pod(f"p{rng.randint(0, 30)}", rng.choice(["default", "team"]))),
            (2, lambda: engine.remove_pod(f"s{rng.randint(0, self.counter + 1)}")),
            (2, lambda: engine.remove_pod(f"t{rng.randint(0, self.counter + 1)}")),
            (2, lambda: engine.nominate(self.draw_pod(), rng.choice(NODES))),
            (1, lambda: engine.withdraw_nomination(f"p{rng.randint(0, 30)}")),
            (3, lambda: engine.set_object(self.draw_object())),
            (1, lambda: engine.remove_object("PersistentVolumeClaim", f"c{rng.randint(0, 2)}")),
            (1, lambda: engine.remove_object("PersistentVolume", f"v{rng.randint(0, 1)}")),
            (2, namespace),
            (6, lambda: engine.schedule(batch())),
            (2, lambda: engine.place(table(bound=False))),
            (4, lambda: engine.decide(self.draw_pod())),
            (2, lambda: engine.explain(self.draw_pod())),
            (1, lambda: engine.capacity(self.draw_pod(), limit=rng.choice([None, 3]))),
            (1, engine.forget),
            (3, self.what_if),
        ]

    def what_if(self) -> None:
        """Do some operations within ``what_if``, which leaves no trace."""
        before = state(self.engine)
        with suppress(Disturbance, KeyboardInterrupt, KschedcoreError), self.engine.what_if():
            for _ in range(self.rng.randint(1, 5)):
                self.step()
        assert state(self.engine) == before

    def step(self) -> None:
        """Do one operation, and perhaps disturb it."""
        weights, choices = zip(*self.operations(), strict=True)
        (operation,) = self.rng.choices(choices, weights)
        if self.rng.random() < 0.4 and sys.gettrace() is None:
            disturber = Disturber(self.rng.choice(["trace", "signal"]), int(self.rng.expovariate(1 / 60)) + 1)
            with suppress(Disturbance, KeyboardInterrupt, KschedcoreError, RuntimeError), disturber.active():
                operation()
        else:
            try:
                operation()
            except Interrupted as error:
                assert self.meddles
                self.check_decisions(error.decisions)
            except (KschedcoreError, KeyboardInterrupt):
                pass
        check_accounts(self.engine)

    def check_decisions(self, decisions: Any) -> None:
        """Check that an interrupted batch's placed pods are there."""
        rows = decisions.to_pylist() if isinstance(decisions, pa.Table) else decisions.to_arrow().to_pylist()
        for row in rows:
            bound = self.engine._bound.get((row["namespace"], row["pod"]))
            assert (bound is not None and bound.node == row["node"]) or row["node"] is None

    def run(self, steps: int) -> None:
        """Run the case."""
        for number in range(steps):
            self.step()
            if number % 8 == 7 and not self.meddles:
                check_decisions(self)


def state(engine: Engine) -> Json:
    """Return the whole visible state of an engine."""
    return {
        "nodes": engine.nodes(),
        "nominations": engine.nominations,
        "utilisation": engine.utilisation(),
        "text": repr(engine),
        "bound": sorted((key, bound.node) for key, bound in bound_pods(engine).items()),
    }


def bound_pods(engine: Engine) -> dict[tuple[str, str], Any]:
    bound = engine._bound
    keys = list(bound._by_key) + [
        (namespace, name) for namespace, names in bound._rows._numbers.items() for name in names
    ]
    assert len(set(keys)) == len(keys) == len(bound)
    return {key: bound.get(key) for key in keys}


def wrapped(amount: int) -> int:
    return (amount + 2**63) % 2**64 - 2**63


def check_accounts(engine: Engine) -> None:
    """Check that what is accounted equals a recount of the bound pods, and that the tables agree."""
    bound, core = engine._bound, engine._core
    totals: dict[str, dict[str, int]] = {name: {} for name in core.nodes.names()}
    numbers = set()
    for each in bound_pods(engine).values():
        assert (each.number >= 0) == (each.node in totals)
        if each.number < 0:
            continue
        numbers.add(each.number)
        own = totals[each.node]
        requests = pod_requests(kschedcore_manifest(each.pod))
        for resource, amount in {**requests, "pods": 1}.items():
            own[resource] = own.get(resource, 0) + amount
    assert numbers == set(core.pods.numbers().tolist())
    for row in engine.nodes().to_pylist():
        reported = {
            k.removeprefix("requested/"): v for k, v in row.items() if k.startswith("requested/") and v
        }
        assert reported == {k: wrapped(v) for k, v in totals[row["name"]].items() if wrapped(v)}
    utilised = engine.utilisation()
    for resource, amounts in utilised.items():
        assert amounts["requested"] == sum(own.get(resource, 0) for own in totals.values()) >= 0
    assert sum(bound._priorities.values()) == len(bound)
    assert +bound._priorities == {k: v for k, v in bound._priorities.items() if v}


def kschedcore_manifest(view: Any) -> Json:
    import msgspec

    built: Json = msgspec.to_builtins(view)
    return built


def fresh_copy(case: Case) -> Engine:
    """Make an engine from what another one holds."""
    engine, fresh = case.engine, case.make(meddles=False)
    for name, labels in engine._core.topology.namespaces.items():
        fresh.set_namespace({"metadata": {"name": name, "labels": labels}})
    fresh.add_nodes(engine.nodes())
    for kind, objects in engine._listers._objects.items():
        for item in objects.values():
            fresh._listers.set(kind, item)
    pods = sorted(bound_pods(engine).items(), key=lambda entry: (entry[1].arrival, entry[0]))
    for _, each in pods:
        fresh.add_pod(each.pod, each.node)
    for key, nomination in engine._nominator._by_key.items():
        fresh._nominator._by_key[key] = nomination
        fresh.nominate(nominated(key, nomination.info), nomination.node)
    return fresh


def nominated(key: tuple[str, str], info: Any) -> Json:
    """A pod with the requests that an info accounts."""
    requests = {
        name: f"{amount}m" if name == "cpu" else str(amount) for name, amount in info.requested().items()
    }
    found = pod(key[1], namespace=key[0], labels=info.labels, priority=info.priority)
    found["spec"]["containers"][0]["resources"] = {"requests": requests}
    return found


def check_decisions(case: Case) -> None:
    """Check that decisions equal those of an engine made from the same objects."""
    if case.engine.nominations or case.config["percentageOfNodesToScore"] != 100:
        return  # nominated pods' terms and the place where a search begins are not visible
    fresh = fresh_copy(case)
    assert (
        fresh.nodes()
        .sort_by("name")
        .equals(case.engine.nodes().sort_by("name").select(fresh.nodes().schema.names))
    )
    for _ in range(4):
        each = case.draw_pod()
        each["status"] = {}
        ours, theirs = case.engine.explain(each).to_step(), fresh.explain(each).to_step()
        assert ours == theirs, each


@contextmanager
def frequent_sweeps() -> Iterator[None]:
    """Drop infos and classes as soon as nothing needs them."""
    with (
        patch.object(classes, "SPARE_INFOS", 0),
        patch.object(classes, "SPARE_CLASSES", 2),
        patch.object(classes, "MIN_CLASSES", 2),
        patch.object(classes, "MAX_BYTES", 0),
    ):
        yield


def run(seed: int) -> str:
    """Run the case of a seed; return nothing, since a failed check is an exception."""
    with frequent_sweeps():
        Case(seed).run(40)
    return ""
