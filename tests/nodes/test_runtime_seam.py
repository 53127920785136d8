"""Polled and predicting runtimes lead to the same histories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.nodes import Behaviours, SimulatedRuntime
from kschedcore.nodes.runtimes.interface import Exit, Instance, Outlook, ProbeKind, Usage, Verdict

from .world import World, container

SECOND = timedelta(seconds=1)


class Polled(SimulatedRuntime):
    """A runtime that reports the current state of containers only."""

    def __init__(self, behaviours: Behaviours) -> None:
        super().__init__(behaviours)
        self.exits: dict[str, Exit] = {}

    def outlook(self, instance: Instance, now: datetime) -> Outlook:
        exits = (super().outlook(instance, now).exit, self.exits.get(instance.id))
        first = min((each for each in exits if each is not None), key=lambda each: each.at, default=None)
        return Outlook(first) if first is not None and first.at <= now else Outlook(until=now + SECOND)

    def stop(self, instance: Instance, now: datetime, grace_seconds: float) -> Outlook:
        exit_ = super().stop(instance, now, grace_seconds).exit
        assert exit_ is not None
        self.exits[instance.id] = exit_
        return Outlook(until=now)

    def probe(self, instance: Instance, kind: ProbeKind, probe: Mapping[str, Any], now: datetime) -> Verdict:
        found = super().probe(instance, kind, probe, now)
        return Verdict(found.success, now, found.message)

    def usage(self, instance: Instance, now: datetime) -> Usage:
        found = super().usage(instance, now)
        return Usage(found.cpu, found.memory, now)


class PolledWorld(World):
    def make_runtime(self, behaviours: Behaviours) -> SimulatedRuntime:
        return Polled(behaviours)


TIMES = st.integers(0, 90)
ANSWERS = st.lists(st.booleans(), min_size=1, max_size=3).map(
    lambda oks: [{"from": 20 * place, "succeeds": ok} for place, ok in enumerate(oks)]
)
PROBE = st.fixed_dictionaries({
    "exec": st.just({"command": ["x"]}), "periodSeconds": st.integers(1, 15), "failureThreshold": st.integers(1, 3),
})  # fmt: skip
BEHAVIOUR = st.fixed_dictionaries({
    "start": st.sampled_from([{"seconds": 0}, {"seconds": 2, "jitter": 0}]),
    "runs": st.lists(
        st.fixed_dictionaries({"seconds": st.integers(1, 60), "exitCode": st.sampled_from([0, 1])}), max_size=3
    ),
    "stop": st.sampled_from([{"seconds": 0}, {"seconds": 3}, {"seconds": 1000}]),
    "liveness": ANSWERS, "readiness": ANSWERS, "startup": ANSWERS,
})  # fmt: skip
CONTAINER = st.fixed_dictionaries(
    {}, optional={"livenessProbe": PROBE, "readinessProbe": PROBE, "startupProbe": PROBE}
)


@given(
    BEHAVIOUR, CONTAINER, st.sampled_from(["Always", "OnFailure", "Never"]), st.none() | TIMES,
    st.lists(TIMES, min_size=1, max_size=4),
)  # fmt: skip
@settings(max_examples=50)
def test_a_runtime_that_has_to_be_polled_leads_to_the_same(
    behaviour: dict[str, Any], fields: dict[str, Any], policy: str, deleted_at: int | None, looks: list[int]
) -> None:
    def history(make: type[World]) -> list[Any]:
        world = make(behaviour)
        reported = []
        world.run(containers=[container(**fields)], restartPolicy=policy)
        for moment in sorted({*looks, *([] if deleted_at is None else [deleted_at])}):
            world.to(moment)
            if moment == deleted_at:
                world.delete()
            reported.append(world.status() if world.exists() else None)
        return reported

    assert history(PolledWorld) == history(World)


def test_memory_is_measured_every_ten_seconds_by_a_runtime_that_does_not_know_better() -> None:
    usage = [{"memory": "1Mi"}, {"from": 25, "memory": "2Gi"}]
    world = PolledWorld(
        {"start": {"seconds": 0}, "usage": usage}, status={"capacity": {"memory": "1Gi", "pods": "9"}}
    )
    world.run()
    world.to(29)
    assert world.phase() == "Running"
    world.to(32)
    assert world.status()["reason"] == "Evicted"
