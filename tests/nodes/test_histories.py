"""Invariants of every pod at every moment, whatever its containers do."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from .world import PODS, Object, World, container

NEXT = {
    "Pending": {"Pending", "Running", "Succeeded", "Failed"},
    "Running": {"Running", "Succeeded", "Failed"},
    "Succeeded": {"Succeeded"},
    "Failed": {"Failed"},
}
EXEC = {"exec": {"command": ["x"]}}
PROBE = st.fixed_dictionaries({
    "exec": st.just(EXEC["exec"]), "periodSeconds": st.integers(1, 20), "failureThreshold": st.integers(1, 3),
    "initialDelaySeconds": st.integers(0, 10),
})  # fmt: skip
ANSWERS = st.lists(st.booleans(), max_size=3).map(
    lambda oks: [{"from": 15 * place, "succeeds": ok} for place, ok in enumerate(oks)]
)
BEHAVIOUR = st.fixed_dictionaries(
    {},
    optional={
        "pull": st.sampled_from([{"seconds": 3}, {"error": "no", "failsFor": 30}]),
        "start": st.sampled_from([{"seconds": 0}, {"seconds": 2}, {"error": "no such file"}]),
        "runs": st.lists(
            st.fixed_dictionaries({"seconds": st.integers(0, 60), "exitCode": st.sampled_from([0, 0, 1])}),
            min_size=1, max_size=3,
        ),
        "stop": st.fixed_dictionaries({"seconds": st.sampled_from([0, 4, 1000])}),
        "postStart": st.sampled_from([{"seconds": 2}, {"error": "no"}]),
        "preStop": st.sampled_from([{"seconds": 2}, {"seconds": 50}, {"error": "no"}]),
        "startup": ANSWERS, "liveness": ANSWERS, "readiness": ANSWERS,
    },
)  # fmt: skip
HOOKS = {"postStart": EXEC, "preStop": EXEC}
CONTAINER = st.fixed_dictionaries(
    {},
    optional={
        "livenessProbe": PROBE,
        "readinessProbe": PROBE,
        "startupProbe": PROBE,
        "lifecycle": st.just(HOOKS),
    },
)
INIT: st.SearchStrategy[dict[str, Any]] = CONTAINER.map(
    lambda fields: {**fields, "restartPolicy": "Always"}
) | st.just({})


def named(names: str, each: list[dict[str, Any]]) -> list[Object]:
    return [container(name, **fields) for name, fields in zip(names, each, strict=False)]


@given(
    st.sampled_from(["Always", "OnFailure", "Never"]), st.lists(INIT, max_size=2),
    st.lists(CONTAINER, min_size=1, max_size=2), st.lists(BEHAVIOUR, min_size=4, max_size=4),
    st.none() | st.integers(0, 120), st.none() | st.integers(1, 100),
)  # fmt: skip
@settings(max_examples=80)
def test_what_always_holds(
    policy: str, inits: list[Any], apps: list[Any], behaviours: list[Any], deleted_at: int | None,
    deadline: int | None,
) -> None:  # fmt: skip
    world = World(
        *({**each, "match": {"container": name}} for each, name in zip(behaviours, "ijab", strict=True))
    )
    states: list[Object] = []
    world.informers["pods"].listen(lambda change: states.append(change.object))
    spec: dict[str, Any] = {"restartPolicy": policy, "initContainers": named("ij", inits)}
    if deadline is not None:
        spec["activeDeadlineSeconds"] = deadline
    world.run(containers=named("ab", apps), terminationGracePeriodSeconds=20, **spec)
    if deleted_at is not None:
        world.to(deleted_at)
        world.send("DELETE", f"{PODS}/pod")
        world.to(deleted_at + 20 + 2)
        assert not world.exists()
    world.to(200)
    reported = [each for each in states if "startTime" in each["status"]]
    for pod in reported:
        check_moment(pod)
    for before, after in pairwise(reported):
        check_step(before, after)
    if deadline is not None and world.exists():
        # A failed pod waits for its deadline no more than for anything else; others are ended by it.
        assert deadline + 22 > 200 or world.phase() in ("Succeeded", "Failed")


def statuses(pod: Object, key: str) -> list[Object]:
    found: list[Object] = pod["status"].get(key, [])
    return found


def conditions(pod: Object) -> dict[str, bool]:
    return {each["type"]: each["status"] == "True" for each in pod["status"]["conditions"]}


def has_begun(status: Object) -> bool:
    return "waiting" not in status["state"] or bool(status["lastState"])


def check_moment(pod: Object) -> None:
    inits, apps = statuses(pod, "initContainerStatuses"), statuses(pod, "containerStatuses")
    sidecars = {each["name"] for each in pod["spec"].get("initContainers", ()) if "restartPolicy" in each}
    running = [each["name"] for each in (*inits, *apps) if "running" in each["state"]]
    holds, phase = conditions(pod), pod["status"]["phase"]
    if phase in ("Succeeded", "Failed"):
        assert not running
    if holds["Ready"]:
        assert phase == "Running"
        assert all(each["ready"] for each in apps)
        assert all(each["ready"] for each in inits if each["name"] in sidecars)
    for place, each in enumerate(inits):
        unknown = each["state"].get("terminated", {}).get("reason") == "ContainerStatusUnknown"
        if has_begun(each) and not unknown:
            for earlier in inits[:place]:
                assert has_begun(earlier)
                assert earlier["name"] in sidecars or earlier["state"]["terminated"]["exitCode"] == 0
    if any("running" in each["state"] for each in apps):
        assert all(each["name"] in sidecars or each["ready"] for each in inits)
        assert holds["Initialized"]
    for each in (*inits, *apps):
        assert not each["ready"] or each["started"] or "terminated" in each["state"]
        ended = each["state"].get("terminated") or each["lastState"].get("terminated") or {}
        if ended.get("startedAt"):
            assert datetime.fromisoformat(ended["startedAt"]) <= datetime.fromisoformat(ended["finishedAt"])


def check_step(before: Object, after: Object) -> None:
    assert after["status"]["phase"] in NEXT[before["status"]["phase"]]
    assert after["status"]["startTime"] == before["status"]["startTime"]
    # Before that, a sidecar that ends takes a pod back to where it was.
    if any(has_begun(each) for each in statuses(before, "containerStatuses")):
        assert conditions(after)["Initialized"]
    for key in ("initContainerStatuses", "containerStatuses"):
        for old, new in zip(statuses(before, key), statuses(after, key), strict=False):
            assert old["restartCount"] <= new["restartCount"]
            if "running" in old["state"] and "running" in new["state"]:
                assert (old["state"] == new["state"]) == (old["restartCount"] == new["restartCount"])
