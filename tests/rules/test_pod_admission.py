"""Pods of manifests get the defaults and the admission that an API server would give them."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.objects import PodSpec
from kschedcore.manifests.manifests import Manifests
from kschedcore.rules.amounts import pod_requests

Json = dict[str, Any]
KATA: Json = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "kata"},
    "handler": "kata",
}


def container(name: str, **fields: Any) -> Json:
    return {"name": name, "image": "app", **fields}


def admitted(*others: Json, **fields: Any) -> PodSpec:
    """The spec of a pod that is created, beside some other objects."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [container("main")], **fields},
    }
    (pending,) = Manifests.from_objects([pod, *others]).pending
    return pending.spec


def priority_class(name: str, value: int, **fields: Any) -> Json:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        **fields,
    }


def test_limits_become_requests() -> None:
    limits = {"cpu": "2", "memory": "1Gi"}
    spec = admitted(
        containers=[container("a", resources={"limits": limits, "requests": {"cpu": "1"}})],
        initContainers=[container("b", resources={"limits": {"cpu": "3"}})],
    )
    assert pod_requests(spec) == {"cpu": 3000, "memory": 2**30}


def test_limits_at_pod_level_become_requests_where_no_container_requests_the_resource() -> None:
    spec = admitted(
        containers=[container("a", resources={"requests": {"cpu": "1"}})],
        resources={"limits": {"cpu": "2", "memory": "1Gi"}},
    )
    assert pod_requests(spec) == {"cpu": 1000, "memory": 2**30}


def test_ports_of_a_pod_on_the_host_network_are_host_ports() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 81}]
    on_host = admitted(hostNetwork=True, containers=[container("a", ports=ports)])
    assert on_host.containers is not None
    assert [port.host_port for port in on_host.containers[0].ports or ()] == [80, 81]
    inside = admitted(containers=[container("a", ports=ports)])
    assert inside.containers is not None
    assert [port.host_port for port in inside.containers[0].ports or ()] == [None, None]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"priorityClassName": "high"}, 1000),
        ({"priorityClassName": "high", "priority": 7}, 7),
        ({"priorityClassName": "system-node-critical"}, 2_000_001_000),
        ({"priorityClassName": "unknown"}, None),
        ({}, 5),  # the lower of two global defaults
    ],
)
def test_a_priority_comes_from_its_class(fields: Json, expected: int | None) -> None:
    classes = [
        priority_class("high", 1000),
        priority_class("six", 6, globalDefault=True),
        priority_class("five", 5, globalDefault=True),
    ]
    assert admitted(*classes, **fields).priority == expected


def test_a_class_sets_the_preemption_policy() -> None:
    calm = priority_class("calm", 9, preemptionPolicy="Never")
    assert admitted(calm, priorityClassName="calm").preemption_policy == "Never"


def test_a_runtime_sets_its_overhead_unless_the_pod_has_one() -> None:
    runtime = {**KATA, "overhead": {"podFixed": {"cpu": "250m"}}}
    assert pod_requests(admitted(runtime, runtimeClassName="kata")) == {"cpu": 250}
    assert pod_requests(admitted(runtime, runtimeClassName="kata", overhead={"cpu": "1"})) == {"cpu": 1000}
    assert pod_requests(admitted(runtime, runtimeClassName="other")) == {}


def test_a_runtime_selects_and_tolerates_its_nodes() -> None:
    scheduling = {
        "nodeSelector": {"runtime": "kata", "disk": "ssd"},
        "tolerations": [{"key": "kata", "operator": "Exists"}, {"key": "a", "operator": "Exists"}],
    }
    own = {"nodeSelector": {"disk": "nvme"}, "tolerations": [{"key": "a", "operator": "Exists"}]}
    spec = admitted({**KATA, "scheduling": scheduling}, runtimeClassName="kata", **own)
    assert spec.node_selector == {"runtime": "kata", "disk": "nvme"}
    tolerated = [each.key or "" for each in spec.tolerations or ()]
    assert [key for key in tolerated if not key.startswith("node.kubernetes.io/")] == ["a", "kata"]


def test_a_pod_that_exists_is_not_admitted_again() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "uid": "1"},
        "spec": {"priority": 0, "containers": [container("a", resources={"limits": {"cpu": "1"}})]},
        "status": {"phase": "Pending"},
    }
    manifests = Manifests.from_objects([pod, priority_class("high", 1000, globalDefault=True)])
    (spec,) = (each.spec for each in manifests.pending)
    assert (spec.priority, spec.priority_class_name) == (0, None)
    assert pod_requests(spec) == {"cpu": 1000}  # decoding fills requests in, wherever a pod comes from
