"""Phases, restarts and ends against a model that counts and follows seconds; and agents that are restarted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kschedcore.nodes.containers import Container, Running, State, Terminated, Waiting
from kschedcore.nodes.phases import pod_phase

from . import model
from .world import World, container

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICIES = st.sampled_from(["Always", "OnFailure", "Never"])
CODES = st.sampled_from([0, 1, 137])
STATES = st.builds(
    model.State,
    st.sampled_from(["init", "sidecar", "app"]),
    st.sampled_from(["waiting", "running", "terminated"]),
    CODES,
    st.booleans(),
    st.none() | CODES,
)


def as_container(number: int, state: model.State) -> Container:
    """The same container as agents know it."""
    last = None if state.last is None else Terminated(state.last, "Error", NOW, NOW)
    states: dict[str, State] = {
        "waiting": Waiting("CrashLoopBackOff" if last else "ContainerCreating"),
        "running": Running(NOW),
        "terminated": Terminated(state.code, "Completed", NOW, NOW),
    }
    now = states[state.state]
    started = state.state == "running" and state.started
    return Container(f"c{number}", state.role, {"name": f"c{number}"}, now, last, started=started)


@given(POLICIES, st.lists(STATES, max_size=4), STATES, st.booleans())
@settings(max_examples=500)
def test_the_phase_follows_from_counting(
    policy: str, others: list[model.State], app: model.State, over: bool
) -> None:
    states = sorted([*others, model.State("app", app.state, app.code, app.started, app.last)], key=in_order)
    containers = [as_container(number, each) for number, each in enumerate(states)]
    assert pod_phase(policy, containers, over=over) == model.phase(policy, states, over=over)


def in_order(state: model.State) -> bool:
    return state.role == "app"


RUNS = st.lists(st.tuples(st.sampled_from([1, 2, 30, 599, 600, 601, 1000]), CODES), min_size=1, max_size=6)


def seen(world: World, before: dict[str, Any], log: list[tuple[str, int]]) -> dict[str, Any]:
    """Add to the log the changes of the pod since the last observation."""
    now = int(world.seconds)
    if not world.exists():
        log.append(("gone", now))
        return {}
    status = world.status()
    reported = status.get("containerStatuses", [{"state": {}, "lastState": {}, "restartCount": -1}])[0]
    ended = reported["state"].get("terminated") or reported["lastState"].get("terminated") or {}
    if ended and ended.get("containerID") != before.get("ended"):
        log.append((f"exit {ended['exitCode']}", int(world.after(ended["finishedAt"]))))
    if status["phase"] in ("Succeeded", "Failed") and before.get("phase") == "Running":
        log.append(("over", now))
    running = reported["state"].get("running")
    if running and reported["restartCount"] != before.get("count"):
        log.append(("start", int(world.after(running["startedAt"]))))
    count = reported["restartCount"] if running else before.get("count")
    return {"ended": ended.get("containerID"), "phase": status["phase"], "count": count}


def follow(world: World, until: int, deleted_at: int | None) -> list[tuple[str, int]]:
    """The log of the pod's changes, observed whenever something is due."""
    log: list[tuple[str, int]] = []
    look: dict[str, Any] = seen(world, {}, log)
    while world.seconds < until and not (log and log[-1][0] in ("gone", "over")):
        due = world.clock.next
        times: list[float] = [
            until,
            *([deleted_at] if deleted_at is not None and deleted_at > world.seconds else []),
        ]
        times += [] if due is None else [(due - world.begun).total_seconds()]
        world.to(min(times))
        look = seen(world, look, log)
        if deleted_at == world.seconds and log[-1][0] != "over":
            world.delete()
            look = seen(world, look, log)
    return log


@given(POLICIES, RUNS, st.integers(0, 40), st.integers(1, 40), st.none() | st.integers(1, 1500))
@example("Always", [(1, 1), (1, 1), (601, 1), (1, 1)], 0, 30, None)
@example("Always", [(30, 0)], 40, 1, 40)
@settings(max_examples=60)
def test_restarts_and_ends_happen_at_the_times_of_the_model(
    policy: str, runs: list[tuple[int, int]], stop: int, grace: int, deleted_at: int | None
) -> None:
    machine = model.Machine(policy, runs, stop, grace)
    machine.live(2000, deleted_at)
    world = World({
        "start": {"seconds": 0}, "stop": {"seconds": stop},
        "runs": [{"seconds": seconds, "exitCode": code} for seconds, code in runs],
    })  # fmt: skip
    world.run(restartPolicy=policy, terminationGracePeriodSeconds=grace)
    assert follow(world, 2000, deleted_at) == machine.log


SPECS = st.fixed_dictionaries({
    "restartPolicy": POLICIES,
    "containers": st.just([container("a"), container("b")]),
    "initContainers": st.sampled_from([[], [container("i")], [container("s", restartPolicy="Always"), container("i")]]),
    "terminationGracePeriodSeconds": st.sampled_from([1, 30]),
})  # fmt: skip
BEHAVIOURS = st.lists(
    st.fixed_dictionaries({
        "start": st.just({"seconds": 0}),
        "stop": st.fixed_dictionaries({"seconds": st.sampled_from([0, 3, 100])}),
        "runs": st.lists(
            st.fixed_dictionaries({"seconds": st.integers(1, 50), "exitCode": CODES}), min_size=1, max_size=4
        ),
    }),
    min_size=4, max_size=4,
)  # fmt: skip
MOMENTS = st.lists(st.integers(0, 400), max_size=6)


_SHORT = {"start": {"seconds": 0}, "stop": {"seconds": 0}, "runs": [{"seconds": 1, "exitCode": 0}]}
_SLOW_TO_STOP = {**_SHORT, "stop": {"seconds": 3}, "runs": [{"seconds": 16, "exitCode": 0}]}


@given(SPECS, BEHAVIOURS, MOMENTS, st.none() | st.integers(1, 300))
@example(
    {
        "restartPolicy": "Always",
        "containers": [container("a"), container("b")],
        "terminationGracePeriodSeconds": 30,
    },
    [_SHORT, _SLOW_TO_STOP, _SHORT, _SHORT],
    [144],
    142,
)  # signalled to stop only once
@settings(max_examples=15)
def test_agents_restarted_at_any_time_go_on_as_if_they_had_not_been(
    spec: dict[str, Any], behaviours: list[dict[str, Any]], restarts: list[int], deleted_at: int | None
) -> None:
    reported = [{**each, "match": {"container": name}} for each, name in zip(behaviours, "absi", strict=True)]

    def history(moments: list[int]) -> Any:
        world = World(*reported)
        world.run(**spec, metadata={"finalizers": ["example.com/keep"]})
        for moment in sorted({*restarts, *([deleted_at] if deleted_at is not None else []), 400}):
            world.to(moment)
            if moment == deleted_at:
                world.delete()
            if moment in moments:
                world.restart()
                world.loop.run_ready()
        return world.status()

    assert history(restarts) == history([])
