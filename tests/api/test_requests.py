"""What pods request, against the sidecar KEP's formula written out phase by phase."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.objects import Pod, PodSpec, decode
from kschedcore.rules.requests import non_zero_requests, pod_limits, pod_requests, scored_requests
from kschedcore.rules.resize import granted

Json = dict[str, Any]
MIB = 1024 * 1024


def spec_of(data: Json) -> PodSpec:
    return decode(Pod, {"metadata": {"name": "p"}, "spec": data}).spec


def container(**requests: str) -> Json:
    return {"name": "c", "resources": {"requests": requests}}


def sidecar(**requests: str) -> Json:
    return {**container(**requests), "restartPolicy": "Always"}


amounts = st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.integers(0, 9), max_size=3)
started = st.lists(st.tuples(st.booleans(), amounts), max_size=4)


def phases(containers: list[Json], init: list[tuple[bool, Json]]) -> list[list[Json]]:
    """Which containers run together: one phase per init container, then everything that stays."""
    running: list[Json] = []
    result = []
    for always, own in init:
        result.append([*running, own])
        if always:
            running.append(own)
    return [*result, [*running, *containers]]


@given(st.lists(amounts, max_size=3), started, amounts)
def test_a_pod_requests_what_its_hungriest_phase_does(
    containers: list[Json], init: list[tuple[bool, Json]], overhead: Json
) -> None:
    together = phases(containers, init)
    names = {name for phase in together for each in phase for name in each} | set(overhead)
    expected = {
        name: (1000 if name == "cpu" else 1)
        * (max(sum(each.get(name, 0) for each in phase) for phase in together) + overhead.get(name, 0))
        for name in names
    }
    spec = spec_of(
        {
            "containers": [container(**each) for each in containers],
            "initContainers": [(sidecar if always else container)(**each) for always, each in init],
            "overhead": overhead,
        }
    )
    assert pod_requests(spec) == expected


@given(st.lists(amounts, min_size=1, max_size=3), started)
def test_scoring_puts_the_defaults_where_a_container_names_nothing(
    containers: list[Json], init: list[tuple[bool, Json]]
) -> None:
    def scored(each: Json, name: str, default: int) -> int:
        return int(
            each.get(name, default) if name == "memory" else each[name] * 1000 if name in each else default
        )

    expected = {
        name: max(sum(scored(each, name, default) for each in phase) for phase in phases(containers, init))
        for name, default in (("cpu", 100), ("memory", 200 * MIB))
    }
    spec = spec_of(
        {
            "containers": [container(**each) for each in containers],
            "initContainers": [(sidecar if always else container)(**each) for always, each in init],
        }
    )
    for counted in (scored_requests(spec), non_zero_requests(spec)):
        assert {name: counted[name] for name in expected} == expected


def test_sums_are_rounded_once() -> None:
    spec = spec_of({"containers": [container(cpu="400u", memory="0.4"), container(cpu="400u", memory="0.4")]})
    assert pod_requests(spec) == {"cpu": 1, "memory": 1}


def test_pod_level_requests_replace_the_sum_of_the_supported_resources_alone() -> None:
    spec = spec_of(
        {
            "containers": [container(cpu="2", memory="1Gi", **{"nvidia.com/gpu": "1"})],
            "resources": {"requests": {"cpu": "1", "hugepages-2Mi": "4Mi", "nvidia.com/gpu": "7"}},
            "overhead": {"cpu": "250m"},
        }
    )
    assert pod_requests(spec) == {
        "cpu": 1250,
        "memory": 1024 * MIB,
        "hugepages-2Mi": 4 * MIB,
        "nvidia.com/gpu": 1,
    }


def test_with_pod_level_requests_a_default_stands_in_for_what_nobody_names() -> None:
    spec = spec_of({"containers": [container(), container()], "resources": {"requests": {"cpu": "1"}}})
    assert non_zero_requests(spec) == {"cpu": 1000, "memory": 400 * MIB}


def test_overhead_adds_to_limits_that_are_set() -> None:
    spec = spec_of(
        {
            "containers": [{"name": "c", "resources": {"limits": {"cpu": "1", "memory": "0"}}}],
            "overhead": {"cpu": "100m", "memory": "1Mi", "ephemeral-storage": "1Gi"},
        }
    )
    assert pod_limits(spec) == {"cpu": 1100, "memory": 0}


def test_a_pod_without_resources_requests_nothing() -> None:
    assert pod_requests(spec_of({"containers": [{"name": "c"}]})) == {}
    assert pod_requests(PodSpec()) == {}


# -- in-place resize --------------------------------------------------------------------------------


def resizing(*, asked: str, set_aside: str, running: str, reason: str | None = None) -> Pod:
    status: Json = {
        "containerStatuses": [
            {
                "name": "c",
                "allocatedResources": {"cpu": set_aside},
                "resources": {"requests": {"cpu": running}},
            }
        ]
    }
    if reason:
        status["conditions"] = [{"type": "PodResizePending", "status": "True", "reason": reason}]
    return decode(
        Pod, {"metadata": {"name": "p"}, "spec": {"containers": [container(cpu=asked)]}, "status": status}
    )


@pytest.mark.parametrize(
    ("asked", "set_aside", "running", "reason", "expected"),
    [
        ("1", "1", "1", None, 1000),
        ("3", "1", "1", None, 3000),  # growing: what the spec asks for
        ("1", "2", "3", None, 3000),  # shrinking: what still runs
        ("1", "3", "2", None, 3000),
        ("4", "1", "2", "Deferred", 4000),
        ("4", "1", "2", "Infeasible", 2000),  # asked for in vain
    ],
)
def test_a_resized_pod_holds_the_most_of_what_it_may_come_to_use(
    asked: str, set_aside: str, running: str, reason: str | None, expected: int
) -> None:
    pod = resizing(asked=asked, set_aside=set_aside, running=running, reason=reason)
    assert pod_requests(granted(pod.spec, pod.status)) == {"cpu": expected}


def test_a_status_that_agrees_leaves_the_spec_shared() -> None:
    pod = resizing(asked="1", set_aside="1000m", running="1")
    assert granted(pod.spec, pod.status) is pod.spec


def test_init_containers_that_end_are_not_resized_but_sidecars_are() -> None:
    spec = spec_of(
        {
            "containers": [{"name": "main"}],
            "initContainers": [
                {"name": "once", "resources": {"requests": {"cpu": "1"}}},
                {"name": "beside", "restartPolicy": "Always"},
            ],
        }
    )
    status = decode(
        Pod,
        {
            "metadata": {"name": "p"},
            "status": {
                "initContainerStatuses": [
                    {"name": "once", "resources": {"requests": {"cpu": "9"}}},
                    {"name": "beside", "resources": {"requests": {"cpu": "2"}}},
                ]
            },
        },
    ).status
    assert pod_requests(granted(spec, status)) == {"cpu": 2000}
