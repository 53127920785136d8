"""``Engine.verdicts`` and ``Engine.free``: columns that say what explanations and tables say."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore import Engine
from kschedcore.engine.explanation import Verdicts

TAINT = {"key": "t", "effect": "NoSchedule"}


def node(number: int, cpu: str, zone: str, tainted: bool) -> dict[str, Any]:
    return {
        "metadata": {"name": f"n{number}", "labels": {"zone": zone}},
        "spec": {"taints": [TAINT]} if tainted else {},
        "status": {"allocatable": {"cpu": cpu, "memory": "4Gi", "pods": "3"}},
    }


def pod(cpu: str, zone: str | None, claim: bool = False) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}
    if zone is not None:
        spec["nodeSelector"] = {"zone": zone}
    if claim:
        spec["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "missing"}}]
    return {"metadata": {"name": "p", "namespace": "default"}, "spec": spec}


def by_node(verdicts: Verdicts) -> dict[str, Any]:
    return {
        name: None if code < 0 else verdicts.rejections[code]
        for name, code in zip(verdicts.nodes, verdicts.codes.tolist(), strict=True)
    }


NODES = st.lists(
    st.tuples(st.sampled_from("124"), st.sampled_from("ab"), st.booleans()), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=100)
@given(nodes=NODES, cpu=st.sampled_from("135"), zone=st.sampled_from([None, "a", "b", "c"]))
def test_verdicts_are_those_of_the_explanation(
    nodes: list[tuple[str, str, bool]], cpu: str, zone: str | None
) -> None:
    engine = Engine()
    for number, (size, place, tainted) in enumerate(nodes):
        engine.set_node(node(number, size, place, tainted))
    engine.schedule([{**pod("1", None), "metadata": {"name": "first", "namespace": "default"}}])
    explained, verdicts = engine.explain(pod(cpu, zone), preempt=False), engine.verdicts(pod(cpu, zone))
    assert verdicts.pre_filter is None
    assert by_node(verdicts) == explained.verdicts
    assert len(set(verdicts.rejections)) == len(verdicts.rejections)


def test_a_cycle_that_pre_filter_ends_rejects_no_single_node() -> None:
    engine = Engine()
    engine.set_node(node(0, "4", "a", False))
    verdicts = engine.verdicts(pod("1", None, claim=True))
    assert verdicts.pre_filter is not None
    assert by_node(verdicts) == {"n0": None}


def test_free_is_allocatable_less_requested() -> None:
    engine = Engine()
    for number, cpu in enumerate("24"):
        engine.set_node(node(number, cpu, "a", False))
    engine.add_pod({**pod("500m", None), "spec": {**pod("500m", None)["spec"], "nodeName": "n1"}})
    assert engine.free("cpu") == {"n0": 2000, "n1": 3500}
    assert engine.free("pods") == {"n0": 3, "n1": 2}
    assert engine.free("example.com/gpu") == {"n0": 0, "n1": 0}
