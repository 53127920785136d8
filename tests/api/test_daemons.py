"""The pods of a DaemonSet: which nodes get one, and how each is tied to its node."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.objects import Node, Pod, decode
from kschedcore.api.selectors import node_selector
from kschedcore.errors import ManifestError
from kschedcore.manifests.daemons import daemon_pods_of

Json = dict[str, Any]

HEALTH = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
]
NO_DISK = {"key": "disk", "operator": "DoesNotExist"}
NOT_PLAIN = {"key": "metadata.name", "operator": "NotIn", "values": ["plain"]}


def node(name: str, *taints: tuple[str, str], **labels: str) -> Node:
    found = [{"key": key, "effect": effect} for key, effect in taints]
    return decode(Node, {"metadata": {"name": name, "labels": labels}, "spec": {"taints": found}})


def daemon_set(**spec: Any) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "logs", "namespace": "system", "uid": "u"},
        "spec": {"template": {"metadata": {"labels": {"app": "logs"}}, "spec": spec}},
    }


def nodes_of(found: list[Json]) -> list[str]:
    return [pod["metadata"]["name"].removeprefix("logs-") for pod in found]


def required(*terms: Json) -> Json:
    return {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    }


def test_every_node_gets_a_pod_that_only_fits_there() -> None:
    nodes = [node("a"), node("b")]
    pods = daemon_pods_of(daemon_set(containers=[{"name": "c"}]), nodes)
    assert nodes_of(pods) == ["a", "b"]
    for pod, own in zip(pods, nodes, strict=True):
        affinity = decode(Pod, pod).spec.affinity
        assert affinity is not None
        assert affinity.node_affinity is not None
        terms = affinity.node_affinity.required_during_scheduling_ignored_during_execution
        assert terms is not None
        selector = node_selector(terms)
        assert [each.metadata.name for each in nodes if selector.matches({}, each.metadata.name)] == [
            own.metadata.name
        ]


def test_a_pod_has_the_template_and_its_owner() -> None:
    (pod,) = daemon_pods_of(daemon_set(containers=[{"name": "c"}]), [node("a")])
    assert pod["metadata"] == {
        "name": "logs-a",
        "namespace": "system",
        "labels": {"app": "logs"},
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "logs", "controller": True, "uid": "u"}
        ],
    }
    assert pod["spec"]["containers"] == [{"name": "c"}]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ["plain", "ssd", "sick", "cordoned"]),
        ({"nodeSelector": {"disk": "ssd"}}, ["ssd"]),
        ({"nodeName": "plain"}, ["plain"]),
        ({"nodeName": "elsewhere"}, []),
        ({"affinity": required({"matchExpressions": [NO_DISK]})}, ["plain", "sick", "cordoned"]),
        ({"affinity": required({"matchFields": [NOT_PLAIN]})}, ["ssd", "sick", "cordoned"]),
        ({"affinity": required({})}, []),
        ({"tolerations": [{"operator": "Exists"}]}, ["plain", "ssd", "sick", "cordoned", "control", "offline"]),
        ({"hostNetwork": True}, ["plain", "ssd", "sick", "cordoned", "offline"]),
    ],
)  # fmt: skip
def test_nodes_that_the_template_rules_out_get_none(spec: Json, expected: list[str]) -> None:
    nodes = [
        node("plain", ("slow", "PreferNoSchedule")),
        node("ssd", disk="ssd"),
        node("sick", *HEALTH[:5]),
        node("cordoned", HEALTH[5]),
        node("control", ("node-role.kubernetes.io/control-plane", "NoSchedule")),
        node("offline", ("node.kubernetes.io/network-unavailable", "NoSchedule")),
    ]
    assert nodes_of(daemon_pods_of(daemon_set(**spec), nodes)) == expected


def test_the_template_s_preferences_and_tolerations_stay() -> None:
    preferred = [{"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}]
    affinity = {
        **required({"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}),
        "podAffinity": {},
    }
    affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = preferred
    own = {"key": "a", "operator": "Exists"}
    briefly = {
        "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 9
    }  # fmt: skip
    found = daemon_pods_of(daemon_set(affinity=affinity, tolerations=[own, briefly]), [node("a")])
    spec = found[0]["spec"]
    assert spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] == preferred
    assert spec["affinity"]["podAffinity"] == {}
    assert spec["tolerations"] == [
        own,
        *({"key": key, "operator": "Exists", "effect": effect} for key, effect in HEALTH),
    ]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"tolerations": "all"}, 'spec.template.spec.tolerations: found the string "all", expected a list'),
        ({"affinity": [1]}, "spec.template.spec.affinity: found a list, expected an object"),
        (
            {"nodeSelector": {"a": 1}},
            "spec.template.spec.nodeSelector[a]: found the number 1, expected a string",
        ),
    ],
)
def test_a_template_that_is_none_is_refused(spec: Json, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        daemon_pods_of(daemon_set(**spec), [node("a")])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "spec", [None, {}, {"template": None}, {"template": {"spec": None, "metadata": None}}]
)
def test_an_empty_daemon_set_still_runs_everywhere(spec: Json | None) -> None:
    found = daemon_pods_of({**daemon_set(), "spec": spec}, [node("a")])
    assert nodes_of(found) == ["a"]


def test_an_invalid_affinity_is_refused() -> None:
    affinity = required({"matchExpressions": [{"key": "a", "operator": "="}]})
    with pytest.raises(ManifestError) as caught:
        daemon_pods_of(daemon_set(affinity=affinity), [node("a")])
    assert caught.value.path is not None
    assert caught.value.path.endswith("nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")
    assert caught.value.problem.startswith(
        'nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: "="'
    )
