"""Requests and limits of pods, against the sidecar KEP's formula written out phase by phase."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kschedcore.api.machinery.frozen import plain
from kschedcore.api.objects import Pod, PodSpec, decode
from kschedcore.api.schema import object_type
from kschedcore.api.schema.decode import decode_object
from kschedcore.rules.amounts import (
    Amounts,
    amounts,
    in_units,
    non_zero_requests,
    pod_limits,
    pod_requests,
    scored_requests,
)
from kschedcore.rules.defaults import default
from kschedcore.rules.defaults.pod_resources import may_lack_pod_resources
from kschedcore.rules.resize import granted

Json = dict[str, Any]
MIB = 1024 * 1024
POD = object_type("core.v1.Pod")


def spec_of(data: Json) -> PodSpec:
    return decode(Pod, {"metadata": {"name": "p"}, "spec": data}).spec


def container(**requests: str) -> Json:
    return {"name": "c", "resources": {"requests": requests}}


def sidecar(**requests: str) -> Json:
    return {**container(**requests), "restartPolicy": "Always"}


requested = st.dictionaries(
    st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.integers(0, 9), max_size=3
)
started = st.lists(st.tuples(st.booleans(), requested), max_size=4)


def phases(containers: list[Json], init: list[tuple[bool, Json]]) -> list[list[Json]]:
    """The containers that run together: one phase per init container, then everything that stays."""
    running: list[Json] = []
    result = []
    for always, own in init:
        result.append([*running, own])
        if always:
            running.append(own)
    return [*result, [*running, *containers]]


@given(st.lists(requested, max_size=3), started, requested)
def test_pod_requests_equal_the_largest_startup_phase(
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


@given(st.lists(requested, min_size=1, max_size=3), started)
def test_scoring_assumes_defaults_for_containers_without_requests(
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


def test_with_pod_level_requests_defaults_apply_to_resources_that_nothing_requests() -> None:
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


# -- one rule for defaults, quota and scheduling ----------------------------------------------------


def defaulted(spec: Json) -> Json:
    """The spec as the API server stores it."""
    pod, _ = decode_object(POD, {"metadata": {"name": "p"}, "spec": spec})
    default("Pod", pod)
    return plain(pod["spec"])


def exact(total: Amounts) -> tuple[Json, Json]:
    requests, limits = ({n: str(q) for n, q in side.items()} for side in (total.requests, total.limits))
    return requests, limits


def test_huge_pages_of_a_container_below_a_pod_level_limit_request_the_limit() -> None:
    spec = defaulted({
        "containers": [{"name": "c", "resources": {"limits": {"cpu": "1", "hugepages-2Mi": "4Mi"}}}],
        "resources": {"limits": {"cpu": "2", "hugepages-2Mi": "8Mi"}},
    })  # fmt: skip
    # Huge pages cannot be overcommitted, so the request is the pod's limit and not the containers' sum.
    assert spec["resources"]["requests"] == {"cpu": "1", "hugepages-2Mi": "8Mi"}
    assert pod_requests(spec_of(spec)) == {"cpu": 1000, "hugepages-2Mi": 8 * MIB}
    assert exact(amounts(spec))[0] == {"cpu": "1", "hugepages-2Mi": "8Mi"}


def test_huge_pages_of_containers_limit_a_pod_that_states_other_resources() -> None:
    spec = defaulted({
        "containers": [{"name": "c", "resources": {"limits": {"memory": "1Gi", "hugepages-2Mi": "4Mi"}}}],
        "resources": {"requests": {"memory": "1Gi"}},
    })  # fmt: skip
    assert spec["resources"]["limits"] == {"hugepages-2Mi": "4Mi"}
    assert spec["resources"]["requests"] == {"memory": "1Gi", "hugepages-2Mi": "4Mi"}


def test_overhead_does_not_add_to_a_limit_of_zero() -> None:
    spec: Json = {
        "containers": [{"name": "c", "resources": {"limits": {"cpu": "0", "memory": "1Gi"}}}],
        "overhead": {"cpu": "250m", "memory": "1Gi"},
    }
    assert exact(amounts(spec))[1] == {"cpu": "0", "memory": "2Gi"}
    assert pod_limits(spec_of(spec)) == {"cpu": 0, "memory": 2 * 1024 * MIB}


def test_an_extended_resource_at_pod_level_counts_nowhere() -> None:
    spec: Json = {
        "containers": [{"name": "c", "resources": {"limits": {"example.com/gpu": "1"}}}],
        "resources": {"limits": {"cpu": "1", "example.com/gpu": "4"}},
    }
    complete = defaulted(spec)
    assert complete["resources"]["requests"] == {"cpu": "1"}
    assert exact(amounts(complete))[0] == {"cpu": "1", "example.com/gpu": "1"}
    assert pod_requests(spec_of(complete)) == {"cpu": 1000, "example.com/gpu": 1}


resources = st.fixed_dictionaries(
    {},
    optional={
        side: st.dictionaries(
            st.sampled_from(["cpu", "memory", "hugepages-2Mi", "example.com/gpu"]),
            st.sampled_from(["0", "1", "1500m", "4Mi", "3G"]),
            max_size=3,
        )
        for side in ("requests", "limits")
    },
)
containers = st.lists(
    st.fixed_dictionaries(
        {"name": st.just("c"), "resources": resources}, optional={"restartPolicy": st.just("Always")}
    ),
    min_size=1,
    max_size=3,
)
specs = st.fixed_dictionaries(
    {"containers": containers},
    optional={
        "initContainers": containers,
        "resources": resources,
        "overhead": st.dictionaries(st.sampled_from(["cpu", "memory"]), st.just("250m")),
    },
)


@given(specs)
def test_scheduling_and_quota_count_the_same_amounts(spec: Json) -> None:
    for form in (spec, defaulted(spec)):
        total, view = amounts(form), spec_of(form)
        assert pod_requests(view) == in_units({name: q.nanos for name, q in total.requests.items()})
        assert pod_limits(view) == in_units({name: q.nanos for name, q in total.limits.items()})


@given(specs)
def test_defaulting_is_idempotent_and_noticed_beforehand(spec: Json) -> None:
    once = defaulted(spec)
    assert defaulted(once) == once
    if not may_lack_pod_resources(spec):
        assert pod_requests(spec_of(spec)) == pod_requests(spec_of(once))


# -- in-place resize --------------------------------------------------------------------------------


def resizing(*, requested: str, set_aside: str, running: str, reason: str | None = None) -> Pod:
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
        Pod, {"metadata": {"name": "p"}, "spec": {"containers": [container(cpu=requested)]}, "status": status}
    )


@pytest.mark.parametrize(
    ("requested", "set_aside", "running", "reason", "expected"),
    [
        ("1", "1", "1", None, 1000),
        ("3", "1", "1", None, 3000),  # growing: the spec's request
        ("1", "2", "3", None, 3000),  # shrinking: what still runs
        ("1", "3", "2", None, 3000),
        ("4", "1", "2", "Deferred", 4000),
        ("4", "1", "2", "Infeasible", 2000),  # the node can never grant it
    ],
)
def test_a_pod_being_resized_counts_with_the_largest_of_spec_allocation_and_actual_use(
    requested: str, set_aside: str, running: str, reason: str | None, expected: int
) -> None:
    pod = resizing(requested=requested, set_aside=set_aside, running=running, reason=reason)
    assert pod_requests(granted(pod.spec, pod.status)) == {"cpu": expected}


def test_a_status_that_agrees_with_the_spec_returns_the_same_spec() -> None:
    pod = resizing(requested="1", set_aside="1000m", running="1")
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
