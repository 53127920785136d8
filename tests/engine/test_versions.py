"""Kubernetes versions and feature gates: what the engine decides as each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests import builders

import kschedcore
from kschedcore.api.versions import GATES, VERSIONS, Rule, release_of
from kschedcore.engine.engine import Engine
from kschedcore.errors import UsageError


def engine(kubernetes: str, *nodes: Any, **options: Any) -> Engine:
    made = Engine(kubernetes=kubernetes, **options)
    for node in nodes:
        made.set_node(node)
    return made


def node(name: str = "n", cpu: str = "4", memory: str = "4Gi", **fields: Any) -> Any:
    images = fields.pop("images", [])
    made = builders.node(name, cpu, memory=memory, pods=10, **fields)
    return {**made, "status": {**made["status"], "images": images}}


def pod(cpu: str = "1", memory: str = "1Gi", **spec: Any) -> Any:
    return builders.pod(
        "p", cpu, memory=memory, **{"containers": [builders.container("c", cpu=cpu, memory=memory)], **spec}
    )


def score(engine: Engine, pod: Any, plugin: str, node: str = "n") -> int:
    return engine.explain(pod).scores[node][plugin].weighted


@pytest.mark.parametrize(
    ("cpu", "used", "expected"),
    [
        # Balanced before (100) and after: 50 + (50 + 100 - 100) / 2.
        ("1", None, 75),
        # From 100 to 81: 50 + (50 + 81 - 100) / 2 = 65.5.
        ("2500m", None, 65),
        # cpu 3/4 and memory 1/4 before (75), 4/4 and 2/4 after (75).
        ("1", ("3", "1Gi"), 75),
        # From 62 (no cpu, memory 3/4) to 75 (cpu 2/4, memory 4/4): 50 + (50 + 75 - 62) / 2 = 81.5.
        ("2", ("0", "3Gi"), 81),
    ],
)
def test_balanced_allocation_scores_the_improvement_since_v136(
    cpu: str, used: tuple[str, str] | None, expected: int
) -> None:
    made = engine("1.36", node())
    if used:
        made.add_pod({**pod(*used, nodeName="n"), "metadata": {"name": "there"}})
    assert score(made, pod(cpu), "NodeResourcesBalancedAllocation") == expected


def test_balanced_allocation_scores_the_balance_in_v134() -> None:
    assert score(engine("1.34", node()), pod("2500m"), "NodeResourcesBalancedAllocation") == 81


@pytest.mark.parametrize(("kubernetes", "reason"), [("1.34", " taint {k: v}"), ("1.36", " taint(s)")])
def test_the_reason_of_a_taint(kubernetes: str, reason: str) -> None:
    made = engine(kubernetes, node(taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}]))
    assert f"1 node(s) had untolerated{reason}" in made.decide(pod()).message


@pytest.mark.parametrize(("kubernetes", "expected"), [("1.34", 0), ("1.36", 10)])
def test_image_locality_counts_image_volumes_since_v136(kubernetes: str, expected: int) -> None:
    """KEP-4639. 123 MB of 23 to 1,000 MB: the threshold scales with the one container, not with the volume."""
    held = [{"names": ["models/big:v1"], "sizeBytes": 123 * 1024 * 1024}]
    volume = {"name": "model", "image": {"reference": "models/big:v1"}}
    made = engine(kubernetes, node(images=held))
    assert score(made, pod(volumes=[volume]), "ImageLocality") == expected


@pytest.mark.parametrize(("kubernetes", "scored"), [("1.34", False), ("1.36", True)])
def test_dynamic_resources_scores_ordinary_pods_zero_since_v136(kubernetes: str, scored: bool) -> None:
    scores = engine(kubernetes, node()).explain(pod()).scores["n"]
    assert ("DynamicResources" in scores) is scored
    assert not scored or scores["DynamicResources"].weighted == 0


@pytest.mark.parametrize("kubernetes", VERSIONS)
def test_dynamic_resources_runs_before_preemption_in_post_filter(kubernetes: str) -> None:
    message = engine(kubernetes, node()).decide(pod("9")).message
    assert message.endswith(
        "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )


@pytest.mark.parametrize("kubernetes", VERSIONS)
def test_post_filter_fails_where_an_earlier_pre_filter_ended_the_cycle(kubernetes: str) -> None:
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "missing"}}
    decision = engine(kubernetes, node()).decide(pod(volumes=[claim]))
    assert decision.diagnosis is not None
    assert decision.diagnosis.post_filter == "not found"


def test_a_gate_takes_its_plugin_out() -> None:
    made = engine("1.34", node(), feature_gates={"DynamicResourceAllocation": False})
    assert made.decide(pod("9")).message.endswith(
        "1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )


def test_defaults_follow_the_version() -> None:
    assert not release_of("1.34").enabled("DRADeviceTaints")
    assert release_of("v1.36").enabled("DRADeviceTaints")
    assert release_of("1.34", {"DRADeviceTaints": True}).enabled("DRADeviceTaints")
    assert not release_of(release_of("1.36", {"DRADeviceTaints": False})).enabled("DRADeviceTaints")
    assert all(set(gate.locked) <= set(gate.on) <= set(VERSIONS) for gate in GATES.values())


@pytest.mark.parametrize(
    ("kubernetes", "gates", "message"),
    [
        ("1.33", {}, "kubernetes is '1.33'; expected 1.34 or 1.36"),
        (136, {}, "kubernetes is 136; expected 1.34 or 1.36"),
        (
            "1.36",
            {"DRADeviceTaint": True},
            "unrecognized feature gate: DRADeviceTaint; expected DRADeviceTaints",
        ),
        (
            "1.36",
            {"DRADeviceTaints": "yes"},
            "feature_gates: DRADeviceTaints is 'yes'; expected True or False",
        ),
        (
            "1.36",
            {"DynamicResourceAllocation": False},
            "cannot set feature gate DynamicResourceAllocation to false, feature is locked to true in v1.36",
        ),
    ],
)
def test_versions_and_gates_that_do_not_exist_are_refused(kubernetes: Any, gates: Any, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        Engine(kubernetes=kubernetes, feature_gates=gates)
    assert str(raised.value) == message


def test_every_feature_gate_is_read_somewhere() -> None:
    source = Path(kschedcore.__file__).parent
    texts = [each.read_text() for each in source.rglob("*.py") if each.name != "versions.py"]
    assert [gate for gate in GATES if not any(f'"{gate}"' in text for text in texts)] == []


def test_every_rule_is_read_somewhere() -> None:
    source = Path(kschedcore.__file__).parent
    texts = [each.read_text() for each in source.rglob("*.py") if each.name != "versions.py"]
    assert [rule.name for rule in Rule if not any(f"Rule.{rule.name}" in text for text in texts)] == []
