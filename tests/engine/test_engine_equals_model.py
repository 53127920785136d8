"""The engine decides as the plain reference model does, on random clusters and through random histories."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.model import ReferenceScheduler, schedule
from tests.model.versions import Kubernetes

from kschedcore.testing.replay import EngineScheduler, Replay
from kschedcore.testing.strategies import FEATURES, Case, History, cases, histories

Json = dict[str, Any]

VERSIONS: tuple[Kubernetes, ...] = ("1.34", "1.36")

THOROUGH = settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def comparable(step: Json) -> Json:
    """A step without the order of reasons and without keys that say nothing."""
    plain = {key: value for key, value in step.items() if value}
    if "rejected" in plain:
        plain["rejected"] = {
            node: {**verdict, "reasons": sorted(verdict.get("reasons") or [])}
            for node, verdict in plain["rejected"].items()
        }
    if "preFilter" in plain:
        plain["preFilter"] = {**plain["preFilter"], "reasons": sorted(plain["preFilter"]["reasons"])}
    return plain


@THOROUGH
@given(cases(), st.sampled_from(VERSIONS))
def test_placements(drawn: Case, version: Kubernetes) -> None:
    engine = EngineScheduler(drawn.cluster, kubernetes=version)
    expected_steps = schedule(drawn.cluster, drawn.pending, kubernetes=version)
    for pod, expected in zip(drawn.pending, expected_steps, strict=False):
        note(str(pod))
        step = engine.decide(pod)
        assert comparable(step) == comparable(expected)
        if "chosen" not in expected:
            break
        engine.commit(pod, expected)


@THOROUGH
@given(histories(max_events=12), st.sampled_from(VERSIONS))
def test_histories(history: History, version: Kubernetes) -> None:
    model, engine, uncached = (
        ReferenceScheduler(history.cluster, kubernetes=version),
        EngineScheduler(history.cluster, kubernetes=version),
        EngineScheduler(history.cluster, forgetful=True, kubernetes=version),
    )
    for decision in Replay(history, model, engine, uncached).decisions():
        note(str(decision.pod))
        expected, *others = map(comparable, decision.steps)
        for step in others:
            assert step == expected


@pytest.mark.parametrize("feature", sorted(FEATURES))
@settings(THOROUGH, max_examples=25)
@given(data=st.data())
def test_histories_of_one_feature(feature: str, data: st.DataObject) -> None:
    history = data.draw(histories(max_events=16, features=(feature,)))
    version = data.draw(st.sampled_from(VERSIONS))
    model = ReferenceScheduler(history.cluster, kubernetes=version)
    engine = EngineScheduler(history.cluster, kubernetes=version)
    for decision in Replay(history, model, engine).decisions():
        expected, step = map(comparable, decision.steps)
        assert step == expected
