"""Decisions can be pickled and compared; engines cannot be pickled."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.builders import node, pod

import kschedcore as ks
from kschedcore.manifests.manifests import Manifests
from kschedcore.testing.strategies import Case, cases


def again(item: Any) -> Any:
    return pickle.loads(pickle.dumps(item))


@settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases())
def test_results_are_equal_after_unpickling(drawn: Case) -> None:
    manifests = Manifests.from_cluster(drawn.cluster)
    engine = ks.Engine(manifests, config=drawn.cluster.get("config"))
    explanation = engine.explain(drawn.pending[0])
    decisions = engine.schedule(drawn.pending)
    capacity = engine.capacity(drawn.pending[0])
    for item in (explanation, decisions, capacity):
        assert again(item) == item == copy.deepcopy(item)
        assert repr(again(item)) == repr(item)
    assert again(decisions).to_arrow() == decisions.to_arrow()
    assert [each.diagnosis for each in again(decisions)] == [each.diagnosis for each in decisions]
    assert again(explanation).to_step() == explanation.to_step()


def test_decisions_that_differ_are_not_equal() -> None:
    engine = ks.Engine()
    engine.set_node(node("a", cpu="1"))
    placed, waiting = engine.schedule([pod("one"), pod("two")])
    assert placed != waiting
    assert waiting.diagnosis != ks.Engine().decide(pod("two")).diagnosis
    assert engine.schedule([pod("three")]) != engine.schedule([pod("four")])


def test_an_answer_outlives_its_engine() -> None:
    engine = ks.Engine()
    engine.set_node(node("a", cpu="1"))
    decision = again(engine.decide(pod("big", cpu="2")))
    del engine
    assert decision.message == (
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )


def test_manifests(tmp_path: Any) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(
        "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus: {allocatable: {cpu: 4, pods: 10}}\n"
    )
    manifests = again(ks.load(path))
    assert [each.metadata.name for each in manifests.nodes] == ["a"]
    assert ks.Engine(manifests).capacity(pod("p", memory="0")).replicas == 4


@pytest.mark.parametrize(
    "error",
    [
        ks.errors.ManifestError(
            "is bad", source="a.yaml", document=2, line=7, subject="Pod x/y", path="spec"
        ),
        ks.errors.UsageError("is none"),
        ks.errors.NotFoundError("is not there"),
        ks.errors.ConfigError("is refused"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors(error: ks.errors.KschedcoreError) -> None:
    assert str(again(error)) == str(error)
    assert type(again(error)) is type(error)
    assert vars(again(error)) == vars(error)


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_engines_and_clusters_cannot_be_pickled_and_the_error_names_the_alternative(duplicate: Any) -> None:
    with pytest.raises(TypeError, match=r"an Engine cannot be pickled or copied: .* what_if\(\)"):
        duplicate(ks.Engine())
    with (
        ks.Cluster.simulated(nodes=1) as cluster,
        pytest.raises(TypeError, match="a Cluster cannot be pickled"),
    ):
        duplicate(cluster)
