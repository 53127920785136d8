"""Cached dry runs of preemption change no decision: an engine without the cache decides alike."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests import builders

from kschedcore.engine.decision import Decision
from kschedcore.engine.engine import Engine
from kschedcore.errors import NotFoundError

Json = dict[str, Any]

ZONE = "topology.kubernetes.io/zone"
NODES = [f"n{number}" for number in range(5)]


def node(name: str, cpu: int = 4, taints: Any = ()) -> Json:
    zone = {ZONE: f"z{NODES.index(name) % 2}"}
    return builders.node(name, str(cpu), memory="8Gi", pods=6, labels=zone, taints=list(taints))


def affinity(kind: str, key: str) -> Json:
    term: Json = {"labelSelector": {"matchLabels": {"app": "a"}}, "topologyKey": key}
    if kind == "preferred":
        terms: Json = {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5, "podAffinityTerm": term}]
        }
    else:
        terms = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    return {"podAntiAffinity": terms}


def spread(when: str) -> list[Json]:
    selector = {"matchLabels": {"app": "a"}}
    return [{"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": when, "labelSelector": selector}]


SPECS = st.sampled_from([
    {},
    {},
    {},
    {"affinity": affinity("required", "kubernetes.io/hostname")},
    {"affinity": affinity("preferred", ZONE)},
    {"topologySpreadConstraints": spread("DoNotSchedule")},
    {"topologySpreadConstraints": spread("ScheduleAnyway")},
    {"preemptionPolicy": "Never"},
])  # fmt: skip
PODS = st.tuples(
    st.just("pod"), st.integers(0, 3), st.sampled_from(["500m", "1500m", "3"]), st.sampled_from("ab"), SPECS
)
STEPS = st.lists(
    st.one_of(
        PODS,
        PODS,
        st.tuples(st.just("remove"), st.integers(0, 30)),
        st.tuples(st.just("node"), st.sampled_from(NODES), st.integers(2, 5)),
        st.tuples(st.just("taint"), st.sampled_from(NODES)),
        st.tuples(st.just("without"), st.sampled_from(NODES)),
        st.tuples(st.just("budget"), st.integers(0, 1)),
        st.tuples(st.just("no budget")),
    ),
    min_size=5,
    max_size=40,
)


class Twin:
    """An engine, and the pods that are bound or wait for their victims."""

    def __init__(self, *, forgetful: bool) -> None:
        self.engine = Engine()
        self._forgetful = forgetful
        for name in NODES:
            self.engine.set_node(node(name))

    def apply(self, number: int, step: tuple[Any, ...], victims: list[str]) -> Any:
        """Take a step and return its result."""
        if self._forgetful:
            self.engine.forget()
        match step:
            case "pod", priority, cpu, app, spec:
                return self._pod(number, priority, cpu, app, spec, victims)
            case "remove", other:
                return self._remove(f"p{other}")
            case "node", name, cpu:
                self.engine.set_node(node(name, cpu))
            case "taint", name:
                self.engine.set_node(node(name, taints=[{"key": "k", "effect": "NoSchedule"}]))
            case "without", name:
                try:
                    self.engine.remove_node(name)
                except NotFoundError:
                    return "none"
            case "budget", allowed:
                self.engine.set_object({
                    "kind": "PodDisruptionBudget",
                    "metadata": {"name": "b", "namespace": "default"},
                    "spec": {"selector": {"matchLabels": {"app": "a"}}},
                    "status": {"disruptionsAllowed": allowed},
                })  # fmt: skip
            case ("no budget",):
                try:
                    self.engine.remove_object("PodDisruptionBudget", "b")
                except NotFoundError:
                    return "none"
        return None

    def _remove(self, name: str) -> str:
        try:
            self.engine.remove_pod(name)
        except NotFoundError:
            return "none"
        return "removed"

    def _pod(self, number: int, priority: int, cpu: str, app: str, spec: Json, victims: list[str]) -> Any:
        container = {"name": "c", "resources": {"requests": {"cpu": cpu}}}
        pod = {
            "metadata": {"name": f"p{number}", "uid": f"u{number}", "labels": {"app": app}},
            "spec": {"priority": priority, "containers": [container], **spec},
        }
        first = self._decide(pod)
        if not first.victims:
            return comparable(first)
        victims[:] = first.victims
        for victim in first.victims:
            self.engine.remove_pod(victim.partition("/")[2])
        return comparable(first), comparable(self._decide(pod))

    def _decide(self, pod: Json) -> Decision:
        explained = self.engine.explain(pod)
        decision = self.engine.schedule([pod])[0]
        # Decisions with and without an explanation are equal.
        assert comparable(explained.decision) == comparable(decision)
        if decision.node is not None:
            assert explained.totals[decision.node] == decision.total
            assert len(explained.feasible) == decision.feasible
        return decision


def comparable(decision: Decision) -> Any:
    return (
        decision.node, decision.total, decision.ties, decision.feasible, decision.message,
        decision.equal_nominations, decision.keeps_nomination,
    )  # fmt: skip


@settings(max_examples=200)
@given(STEPS)
def test_remembering_makes_no_difference(steps: list[tuple[Any, ...]]) -> None:
    warm, forgetful = Twin(forgetful=False), Twin(forgetful=True)
    for number, step in enumerate(steps):
        assert warm.apply(number, step, []) == forgetful.apply(number, step, [])
    assert warm.engine.utilisation() == forgetful.engine.utilisation()


def test_a_storm_is_the_same_to_the_last_victim() -> None:
    """Preemption after preemption, each of which finds most nodes as the one before it left them."""
    warm, forgetful = Twin(forgetful=False), Twin(forgetful=True)
    low: list[tuple[Any, ...]] = [("pod", 0, "1500m", "a", {})] * 10
    high: list[tuple[Any, ...]] = [("pod", 1 + number // 10, "3", "b", {}) for number in range(20)]
    evicted = 0
    for number, step in enumerate([*low, *high]):
        victims: list[str] = []
        assert warm.apply(number, step, victims) == forgetful.apply(number, step, [])
        evicted += len(victims)
    assert evicted == 10 + 5
