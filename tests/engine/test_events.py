"""Queueing hints: which events may help a rejected pod."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.changes import Change
from kschedcore.api.objects import Pod, decode
from kschedcore.engine.engine import Engine

HINTS = Engine().hints

POD = decode(
    Pod,
    {
        "metadata": {"name": "w"},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
    },
)


def node(cpu: str = "1", taints: Any = (), labels: Any = (), **amounts: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "n", "labels": dict(labels)},
        "spec": {"taints": list(taints)},
        "status": {"allocatable": {"cpu": cpu, **amounts}},
    }


def bound(phase: str = "Running", cpu: str = "1", running: str = "1", **metadata: Any) -> dict[str, Any]:
    resources = {"requests": {"cpu": cpu}}
    return {
        "metadata": {"name": "p", "uid": "p", **metadata},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "resources": resources}]},
        "status": {
            "phase": phase,
            "containerStatuses": [{"name": "c", "resources": {"requests": {"cpu": running}}}],
        },
    }


TAINT = {"key": "k", "effect": "NoSchedule"}
LEAVING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("plugin", "resource", "change", "helps"),
    [
        ("NodeResourcesFit", "nodes", Change(None, node()), True),
        ("NodeResourcesFit", "nodes", Change(node("1"), node("2")), True),
        ("NodeResourcesFit", "nodes", Change(node("2"), node("1")), False),
        ("NodeResourcesFit", "nodes", Change(node(), node(memory="1Gi")), False),
        ("NodeResourcesFit", "nodes", Change(node(), node(pods="9")), True),
        ("NodeResourcesFit", "nodes", Change(node(), None), False),
        ("NodeResourcesFit", "pods", Change(bound(), None), True),
        ("NodeResourcesFit", "pods", Change(bound(), bound("Succeeded")), True),
        # It gave back what it had when it ended.
        ("NodeResourcesFit", "pods", Change(bound("Succeeded"), None), False),
        ("NodeResourcesFit", "pods", Change(bound("Failed"), bound("Failed", labels={"a": "b"})), False),
        ("NodeResourcesFit", "pods", Change(bound("Pending"), bound("Running")), False),
        ("NodeResourcesFit", "pods", Change(bound(cpu="2"), bound(cpu="1")), True),
        ("NodeResourcesFit", "pods", Change(bound(running="2"), bound(running="1")), True),
        ("NodePorts", "pods", Change(None, bound()), False),
        ("NodePorts", "pods", Change(bound(), None), True),
        ("TaintToleration", "nodes", Change(node(taints=[TAINT]), node()), True),
        ("TaintToleration", "nodes", Change(node(), node(taints=[TAINT])), False),
        ("NodeAffinity", "nodes", Change(node(), node(labels={"a": "b"})), True),
        ("NodeAffinity", "nodes", Change(node("1"), node("2")), False),
        ("PodTopologySpread", "nodes", Change(node(), node(taints=[TAINT])), True),
        ("PodTopologySpread", "nodes", Change(node(), None), True),
        ("PodTopologySpread", "pods", Change(bound(), bound(labels={"a": "b"})), True),
        ("PodTopologySpread", "pods", Change(bound(), bound(**LEAVING)), True),
        ("InterPodAffinity", "nodes", Change(node(), node(taints=[TAINT])), False),
        ("InterPodAffinity", "pods", Change(None, bound()), True),
        ("SchedulingGates", "pods", Change(bound(), None), False),
        ("SomebodyElses", "nodes", Change(node(), node()), True),
    ],
)
def test_hint(plugin: str, resource: str, change: Change, helps: bool) -> None:
    assert HINTS.may_help("default-scheduler", plugin, resource, change, POD) is helps
    assert HINTS.may_concern(plugin, resource) or not helps


def test_what_a_pod_asks_for_as_a_whole_counts_too() -> None:
    pod = decode(
        Pod,
        {
            "metadata": {"name": "w"},
            "spec": {"containers": [{"name": "c"}], "resources": {"requests": {"memory": "1Gi"}}},
        },
    )
    assert HINTS.may_help(
        "default-scheduler", "NodeResourcesFit", "nodes", Change(node(), node(memory="1Gi")), pod
    )


def claimed(name: str, **status: Any) -> dict[str, Any]:
    spec = {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu"}}]}}
    claim = {"kind": "ResourceClaim", "metadata": {"name": name, "namespace": "default", "uid": name}}
    return {**claim, "spec": spec, "status": status}


HELD: Any = {"allocation": {}}


@pytest.mark.parametrize(
    ("resource", "change", "helps"),
    [
        ("resourceclaims.resource.k8s.io", Change(claimed("other", **HELD), claimed("other")), True),
        ("resourceclaims.resource.k8s.io", Change(claimed("other", **HELD), None), False),
        ("resourceclaims.resource.k8s.io", Change(None, claimed("other")), False),
        ("resourceclaims.resource.k8s.io", Change(claimed("other"), claimed("other", **HELD)), False),
        ("resourceclaims.resource.k8s.io", Change(None, claimed("own")), True),
        ("resourceclaims.resource.k8s.io", Change(claimed("own"), claimed("own", **HELD)), True),
        ("resourceclaims.resource.k8s.io", Change(claimed("own"), claimed("own")), False),
        ("resourceslices.resource.k8s.io", Change(None, {}), True),
        ("resourceslices.resource.k8s.io", Change({}, {}), True),
        ("resourceslices.resource.k8s.io", Change({}, None), False),
        ("deviceclasses.resource.k8s.io", Change(None, {}), True),
        ("deviceclasses.resource.k8s.io", Change({}, None), False),
        ("nodes", Change(None, node()), True),
        ("nodes", Change(node("1"), node("2")), True),
        ("nodes", Change(node(), node(taints=[TAINT])), False),
    ],
)
def test_hints_of_devices(resource: str, change: Change, helps: bool) -> None:
    engine = Engine()
    engine.set_object(claimed("own"))
    claims = [{"name": "own", "resourceClaimName": "own"}]
    spec = {"containers": [{"name": "c"}], "resourceClaims": claims}
    user = decode(Pod, {"metadata": {"name": "w", "namespace": "default"}, "spec": spec})
    assert engine.hints.may_help("default-scheduler", "DynamicResources", resource, change, user) is helps
