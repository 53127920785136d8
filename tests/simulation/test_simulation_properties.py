"""Whatever happens in a simulation, its figures are what a plain recount of its rows says, and runs repeat."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.recount import lives_of, recounted, requested_by
from tests.simulation.scenes import deployment, node, pod, simulation

from kschedcore.simulation import Difference, Run, Simulation

Object = dict[str, Any]

NODES = ("n-1", "n-2", "n-3")
APPS = ("web", "api")
MILLICORES = {"web": 1000, "api": 500, "batch": 700}
"""The request of one pod, by the first part of its name."""

FILES = ("summary.json", "pods.parquet", "events.parquet", "samples.parquet")

times = st.integers(1, 115).map(lambda minutes: f"{minutes}m")
apps = st.sampled_from(APPS)
node_sets = st.fixed_dictionaries(
    {}, optional={
        "names": st.sampled_from(NODES).map(lambda name: [name]),
        "count": st.just(1),
        "for": st.sampled_from(["2m", "10m", "40m"]),
    },
)  # fmt: skip


def workload(name: str, replicas: int) -> Object:
    return deployment(name, replicas, f"{MILLICORES[name]}m", terminationGracePeriodSeconds=5)


actions = st.one_of(
    st.tuples(st.just("apply"), st.builds(lambda name, n: [workload(name, n)], apps, st.integers(0, 6))),
    st.tuples(st.just("delete"), apps.map(lambda name: [f"deployment/{name}"])),
    st.tuples(st.just("scale"), st.fixed_dictionaries({
        "target": apps.map("deployment/{}".format), "replicas": st.integers(0, 8),
    })),
    st.tuples(st.just("rolloutRestart"), apps.map("deployment/{}".format)),
    st.tuples(st.sampled_from(["failNodes", "repairNodes", "cordonNodes", "uncordonNodes", "drainNodes"]), node_sets),
    st.tuples(st.just("addNodes"), st.fixed_dictionaries({"like": st.just("n-1"), "count": st.integers(1, 2)})),
)  # fmt: skip


@st.composite
def scenarios(draw: st.DrawFn) -> Object:
    """Steps at any time, in an order in which none names a Deployment that is not there; arrivals beside them."""
    drawn = draw(st.lists(st.tuples(st.integers(1, 115), actions), max_size=6))
    steps, there = [], set(APPS)
    for minute, (name, value) in sorted(drawn, key=lambda each: each[0]):
        target = _deployment_of(name, value)
        if target is not None and name != "apply" and target not in there:
            continue
        if target is not None:
            (there.discard if name == "delete" else there.add)(target)
        steps.append({"at": f"{minute}m", name: value})
    spans = st.fixed_dictionaries({"exponential": st.sampled_from(["1m", "5m", "20m"])})
    arrivals = {"name": "batch", "template": pod("700m"), "every": draw(spans), "lifetime": draw(spans)}
    return {"steps": steps, "arrivals": draw(st.sampled_from([[], [arrivals]]))}


def _deployment_of(name: str, value: Any) -> str | None:
    if name == "apply":
        return str(value[0]["metadata"]["name"])
    ref = value[0] if name == "delete" else value.get("target") if name == "scale" else value
    return ref.partition("/")[2] if isinstance(ref, str) else None


def made(scenario: Object, seed: int = 0) -> Simulation:
    objects = [node(name, f"zone-{index % 2}") for index, name in enumerate(NODES)]
    return simulation("2h", *objects, *(workload(name, 2) for name in APPS), seed=seed, **scenario)


@settings(max_examples=25)
@given(scenarios(), st.integers(0, 3))
def test_the_summary_follows_from_the_rows(scenario: Object, seed: int) -> None:
    run = made(scenario, seed).run()
    counted = recounted(run)
    running = run.summary["pods"].pop("running")
    assert {name: run.summary[name] for name in counted} == counted
    pods = run.pods.to_pylist()
    assert running == sum(row["phase"] == "Running" and row["ended"] is None for row in pods)
    for name, app in run.summary["apps"].items():
        lost = Counter(
            e["reason"]
            for e in run.events.to_pylist()
            if e["type"] == "Disrupted" and f"{e['namespace']}/{e['app']}" == name
        )
        assert app["disruptions"] == lost


@settings(max_examples=25)
@given(scenarios())
def test_rows_agree_with_each_other(scenario: Object) -> None:
    live = made(scenario)
    run = live.run()
    events, pods = run.events.to_pylist(), run.pods.to_pylist()
    lives = lives_of(events)
    recorded = [
        (life["Created"]["object"], *(life[t]["time"] if t in life else None for t in _LIFE))
        for life in lives
    ]
    rows = [(f"Pod/{row['name']}", row["created"], row["scheduled"], row["ended"]) for row in pods]
    assert Counter(recorded) == Counter(rows)
    assert [e["time"] for e in events] == sorted(e["time"] for e in events)
    last = run.samples.to_pylist()[-1]["time"]
    # A pod that was never bound changes no utilisation when it ends.
    moved = [e["time"] for e in events if e["type"] in ("Scheduled", "Ended") and e["node"]]
    assert all(time <= last for time in moved)
    bound = requested_by(events, last, MILLICORES)
    sampled = sum(
        s["requested"] for s in run.samples.to_pylist() if (s["time"], s["resource"]) == (last, "cpu")
    )
    there = {each["metadata"]["name"] for each in live.cluster.list("nodes") if _is_usable(each)}
    assert sampled == sum(amount for name, amount in bound.items() if name in there)
    for name, amount in bound.items():
        assert amount <= 4000, f"{name} is overcommitted"


_LIFE = ("Created", "Scheduled", "Ended")


def _is_usable(obj: Object) -> bool:
    ready = {each["type"]: each["status"] for each in obj["status"]["conditions"]}["Ready"]
    return ready == "True" and not obj["spec"].get("unschedulable", False)


@settings(max_examples=10)
@given(scenarios(), st.integers(0, 3))
def test_a_run_repeats_byte_for_byte_and_differs_from_itself_in_nothing(scenario: Object, seed: int) -> None:
    with TemporaryDirectory() as folder:
        one, two = Path(folder) / "one", Path(folder) / "two"
        made(scenario, seed).run_to(one)
        made(scenario, seed).run_to(two)
        for name in FILES:
            assert (one / name).read_bytes() == (two / name).read_bytes()
        difference = Difference.between(Run.read(one), Run.read(two))
    assert difference.same_inputs
    assert not [each for each in difference.figures + difference.zones if each.by]
    assert (difference.apps, difference.pods, difference.moved) == ([], [], 0)


@settings(max_examples=15)
@given(scenarios(), st.integers(0, 400))
def test_a_run_that_is_cut_is_the_beginning_of_the_whole_one(scenario: Object, looks: int) -> None:
    whole = made(scenario).run()
    cut = made(scenario)

    def stop_at_last(_part: float, _pods: int) -> None:
        nonlocal looks
        looks -= 1
        if looks <= 0:
            cut.stop()

    part = cut.run(stop_at_last)
    assert part.summary["partial"] == (part.summary["simulatedSeconds"] < whole.summary["simulatedSeconds"])
    events, all_events = part.events.to_pylist(), whole.events.to_pylist()
    assert events == all_events[: len(events)]
    over = [row for row in part.pods.to_pylist() if row["ended"] is not None]
    assert over == whole.pods.to_pylist()[: len(over)]
    counted = recounted(part)
    assert {name: part.summary[name] for name in ("pendingSeconds", "disruptions", "zones")} == {
        name: counted[name] for name in ("pendingSeconds", "disruptions", "zones")
    }
