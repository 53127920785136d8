"""What pods that never passed the API server lack."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.objects import Pod, PodSpec, PriorityClass, RuntimeClass, decode
from kschedcore.rules.amounts import pod_requests
from kschedcore.rules.defaulting import PodDefaults

Json = dict[str, Any]


def spec_of(**fields: Any) -> PodSpec:
    return decode(Pod, {"metadata": {"name": "p"}, "spec": fields}).spec


def priority_class(name: str, value: int, **fields: Any) -> PriorityClass:
    return decode(PriorityClass, {"metadata": {"name": name}, "value": value, **fields})


def test_limits_stand_in_for_requests() -> None:
    limits = {"cpu": "2", "memory": "1Gi"}
    spec = spec_of(
        containers=[{"name": "a", "resources": {"limits": limits, "requests": {"cpu": "1"}}}],
        initContainers=[{"name": "b", "resources": {"limits": {"cpu": "3"}}}],
    )
    assert pod_requests(PodDefaults().complete(spec)) == {"cpu": 3000, "memory": 2**30}


def test_limits_at_pod_level_stand_in_where_no_container_has_a_say() -> None:
    spec = spec_of(
        containers=[{"name": "a", "resources": {"requests": {"cpu": "1"}}}],
        resources={"limits": {"cpu": "2", "memory": "1Gi"}},
    )
    assert pod_requests(PodDefaults().complete(spec)) == {"cpu": 1000, "memory": 2**30}


def test_ports_of_the_host_network_are_the_hosts() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 81, "hostPort": 8081}]
    on_host = PodDefaults().complete(spec_of(hostNetwork=True, containers=[{"name": "a", "ports": ports}]))
    assert on_host.containers is not None
    assert [port.host_port for port in on_host.containers[0].ports or ()] == [80, 8081]
    inside = spec_of(containers=[{"name": "a", "ports": ports}])
    assert PodDefaults().complete(inside) is inside


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"priorityClassName": "high"}, 1000),
        ({"priorityClassName": "high", "priority": 7}, 7),
        ({"priorityClassName": "system-node-critical"}, 2_000_001_000),
        ({"priorityClassName": "unheard-of"}, None),
        ({}, 5),  # the lower of two global defaults
    ],
)
def test_a_priority_comes_from_its_class(fields: Json, expected: int | None) -> None:
    defaults = PodDefaults(
        [
            priority_class("high", 1000),
            priority_class("six", 6, globalDefault=True),
            priority_class("five", 5, globalDefault=True),
        ]
    )
    assert defaults.complete(spec_of(**fields)).priority == expected


def test_a_class_says_whether_its_pods_preempt() -> None:
    defaults = PodDefaults([priority_class("calm", 9, preemptionPolicy="Never")])
    assert defaults.complete(spec_of(priorityClassName="calm")).preemption_policy == "Never"


def test_a_runtime_brings_its_overhead_unless_the_pod_has_one() -> None:
    runtime = decode(
        RuntimeClass,
        {"metadata": {"name": "kata"}, "handler": "kata", "overhead": {"podFixed": {"cpu": "250m"}}},
    )
    defaults = PodDefaults(runtime_classes=[runtime])
    assert pod_requests(defaults.complete(spec_of(runtimeClassName="kata"))) == {"cpu": 250}
    assert pod_requests(defaults.complete(spec_of(runtimeClassName="kata", overhead={"cpu": "1"}))) == {
        "cpu": 1000
    }
    assert pod_requests(defaults.complete(spec_of(runtimeClassName="other"))) == {}


def test_a_runtime_says_where_its_nodes_are() -> None:
    scheduling = {
        "nodeSelector": {"runtime": "kata", "disk": "ssd"},
        "tolerations": [{"key": "kata", "operator": "Exists"}, {"key": "a", "operator": "Exists"}],
    }
    runtime = decode(
        RuntimeClass, {"metadata": {"name": "kata"}, "handler": "kata", "scheduling": scheduling}
    )
    defaults = PodDefaults(runtime_classes=[runtime])
    own = {"nodeSelector": {"disk": "nvme"}, "tolerations": [{"key": "a", "operator": "Exists"}]}
    spec = defaults.complete(spec_of(runtimeClassName="kata", **own))
    assert spec.node_selector == {"runtime": "kata", "disk": "nvme"}
    assert [each.key for each in spec.tolerations or ()] == ["a", "kata"]
    assert defaults.complete(spec) is spec


def test_a_pod_that_has_been_admitted_stays_the_object_it_is() -> None:
    resources = {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}
    spec = spec_of(priority=0, containers=[{"name": "a", "resources": resources}])
    defaults = PodDefaults([priority_class("high", 1000, globalDefault=True)])
    assert defaults.complete(spec) is spec
    assert defaults.complete(defaults.complete(spec_of())) == defaults.complete(spec_of())
