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
        "status": {"allocatable": {"cpu": cpu, "pods": "5", **amounts}},
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
        ("NodePorts", "pods", Change(bound(), None), False),
        ("TaintToleration", "nodes", Change(node(taints=[TAINT]), node()), True),
        ("TaintToleration", "nodes", Change(node(), node(taints=[TAINT])), False),
        ("NodeAffinity", "nodes", Change(node(), node(labels={"a": "b"})), False),
        ("NodeAffinity", "nodes", Change(node("1"), node("2")), False),
        ("PodTopologySpread", "nodes", Change(node(), node(taints=[TAINT])), True),
        ("PodTopologySpread", "nodes", Change(node(), None), True),
        ("PodTopologySpread", "pods", Change(bound(), bound(labels={"a": "b"})), True),
        ("PodTopologySpread", "pods", Change(bound(), bound(**LEAVING)), True),
        ("InterPodAffinity", "nodes", Change(node(), node(taints=[TAINT])), False),
        ("InterPodAffinity", "pods", Change(None, bound()), False),
        ("SchedulingGates", "pods", Change(bound(), None), False),
        ("SomebodyElses", "nodes", Change(node(), node()), True),
    ],
)
def test_hint(plugin: str, resource: str, change: Change, helps: bool) -> None:
    assert HINTS.may_help("default-scheduler", plugin, resource, change, POD) is helps
    assert HINTS.may_concern(plugin, resource) or not helps


def test_pod_level_requests_count_too() -> None:
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


def waiting(name: str = "w", labels: Any = (), **spec: Any) -> Pod:
    resources = {"requests": {"cpu": "1"}}
    container = {"name": "c", "resources": resources, "ports": spec.pop("ports", [])}
    metadata = {"name": name, "namespace": "default", "labels": dict(labels)}
    return decode(Pod, {"metadata": metadata, "spec": {"containers": [container], **spec}})


def other(labels: Any = (), **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "ports": spec.pop("ports", [])}
    metadata = {
        "name": "o",
        "uid": "o",
        "namespace": spec.pop("namespace", "default"),
        "labels": dict(labels),
    }
    return {
        "metadata": metadata,
        "spec": {"nodeName": "n", "containers": [container], **spec},
        "status": {"phase": "Running"},
    }


def port(number: int, address: str = "") -> list[dict[str, Any]]:
    return [{"containerPort": number, "hostPort": number, **({"hostIP": address} if address else {})}]


def terms(kind: str, **labels: str) -> dict[str, Any]:
    term = {"topologyKey": "zone", "labelSelector": {"matchLabels": labels}}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def volume(claim: str) -> dict[str, Any]:
    return {"name": claim, "persistentVolumeClaim": {"claimName": claim}}


def owned(kind: str, name: str, namespace: str = "default", **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields}


SPREAD = {
    "topologyKey": "zone",
    "maxSkew": 1,
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app": "x"}},
}
SPREADS = waiting(labels={"app": "x"}, topologySpreadConstraints=[SPREAD])
NEAR = waiting(affinity=terms("podAffinity", app="x"))
AWAY = waiting(affinity=terms("podAntiAffinity", app="x"))
ONLY_B = waiting(nodeSelector={"disk": "b"})
WEB = waiting(ports=port(80))
STORES = waiting(volumes=[volume("data")])
X = {"app": "x"}
CLAIMS = "persistentvolumeclaims"
CSI_NODES = "csinodes.storage.k8s.io"
CLASSES = "storageclasses.storage.k8s.io"
DEVICE_CLASSES = "deviceclasses.resource.k8s.io"
GPUS = decode(
    Pod,
    {
        "metadata": {"name": "w"},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"example.com/gpu": "1"}}}]},
    },
)


@pytest.mark.parametrize(
    ("plugin", "resource", "change", "pod", "helps"),
    [
        # A port is free again if it is the same one at the same address.
        ("NodePorts", "pods", Change(other(ports=port(80)), None), WEB, True),
        ("NodePorts", "pods", Change(other(ports=port(80, "10.0.0.1")), None), WEB, True),
        ("NodePorts", "pods", Change(other(ports=port(81)), None), WEB, False),
        ("NodePorts", "pods", Change(None, other(ports=port(80))), WEB, False),
        # A node that is too small when it is empty does not help.
        ("NodeResourcesFit", "nodes", Change(None, node("500m")), POD, False),
        ("NodeResourcesFit", "nodes", Change(node("250m"), node("500m")), POD, False),
        ("NodeResourcesFit", "nodes", Change(None, node(pods="0")), POD, False),
        ("NodeResourcesFit", "nodes", Change(None, node()), GPUS, True),
        (
            "NodeResourcesFit",
            DEVICE_CLASSES,
            Change(None, owned("DeviceClass", "g", spec={"extendedResourceName": "example.com/gpu"})),
            GPUS,
            True,
        ),
        ("NodeResourcesFit", DEVICE_CLASSES, Change(None, owned("DeviceClass", "g", spec={})), GPUS, False),
        # Less of what the pod does not request.
        ("NodeResourcesFit", "pods", Change(bound(cpu="1"), bound(cpu="2")), POD, False),
        ("NodeAffinity", "nodes", Change(None, node(labels={"disk": "b"})), ONLY_B, True),
        ("NodeAffinity", "nodes", Change(None, node(labels={"disk": "a"})), ONLY_B, False),
        ("NodeAffinity", "nodes", Change(node(), node(labels={"disk": "b"})), ONLY_B, True),
        (
            "NodeAffinity",
            "nodes",
            Change(node(labels={"disk": "b"}), node(labels={"disk": "b", "z": "1"})),
            ONLY_B,
            False,
        ),
        ("PodTopologySpread", "pods", Change(other(X), None), SPREADS, True),
        ("PodTopologySpread", "pods", Change(None, other(X)), SPREADS, True),
        ("PodTopologySpread", "pods", Change(other(), None), SPREADS, False),
        ("PodTopologySpread", "pods", Change(other(X, namespace="far"), None), SPREADS, False),
        ("PodTopologySpread", "pods", Change(other(X), other()), SPREADS, True),
        ("PodTopologySpread", "pods", Change(other(X), other({**X, "z": "1"})), SPREADS, False),
        ("PodTopologySpread", "nodes", Change(None, node(labels={"zone": "a"})), SPREADS, True),
        ("PodTopologySpread", "nodes", Change(None, node()), SPREADS, False),
        ("PodTopologySpread", "nodes", Change(node(labels={"zone": "a"}), None), SPREADS, True),
        ("InterPodAffinity", "pods", Change(None, other(X)), NEAR, True),
        ("InterPodAffinity", "pods", Change(None, other()), NEAR, False),
        ("InterPodAffinity", "pods", Change(None, other(X, namespace="far")), NEAR, False),
        ("InterPodAffinity", "pods", Change(other(), other(X)), NEAR, True),
        ("InterPodAffinity", "pods", Change(other(X), None), AWAY, True),
        ("InterPodAffinity", "pods", Change(other(), None), AWAY, False),
        ("InterPodAffinity", "pods", Change(other(X), other()), AWAY, True),
        ("InterPodAffinity", "pods", Change(None, other(X)), AWAY, False),
        # The anti-affinity of the pod that left kept this one away.
        (
            "InterPodAffinity",
            "pods",
            Change(other(affinity=terms("podAntiAffinity", app="x")), None),
            waiting(labels=X),
            True,
        ),
        (
            "InterPodAffinity",
            "pods",
            Change(other(affinity=terms("podAntiAffinity", app="y")), None),
            waiting(labels=X),
            False,
        ),
        ("InterPodAffinity", "nodes", Change(node(), None), NEAR, False),
        ("VolumeRestrictions", "pods", Change(other(volumes=[volume("data")]), None), STORES, True),
        ("VolumeRestrictions", "pods", Change(other(volumes=[volume("else")]), None), STORES, False),
        ("VolumeRestrictions", CLAIMS, Change(None, owned("PersistentVolumeClaim", "data")), STORES, True),
        ("VolumeRestrictions", CLAIMS, Change(None, owned("PersistentVolumeClaim", "else")), STORES, False),
        ("NodeVolumeLimits", "pods", Change(other(volumes=[volume("else")]), None), STORES, True),
        ("NodeVolumeLimits", "pods", Change(other(), None), STORES, False),
        ("NodeVolumeLimits", CSI_NODES, Change({}, owned("CSINode", "n")), STORES, True),
        ("NodeVolumeLimits", CLASSES, Change(None, owned("StorageClass", "c")), STORES, False),
        ("VolumeBinding", CLAIMS, Change(None, owned("PersistentVolumeClaim", "data")), STORES, True),
        ("VolumeBinding", CLAIMS, Change(None, owned("PersistentVolumeClaim", "data", "far")), STORES, False),
        ("VolumeBinding", "persistentvolumes", Change(None, owned("PersistentVolume", "v")), STORES, True),
        ("VolumeBinding", "persistentvolumes", Change(owned("PersistentVolume", "v"), None), STORES, False),
        ("VolumeZone", CLASSES, Change(None, owned("StorageClass", "c")), STORES, True),
        ("VolumeZone", CSI_NODES, Change(None, owned("CSINode", "n")), STORES, False),
    ],
)
def test_precise_hint(plugin: str, resource: str, change: Change, pod: Pod, helps: bool) -> None:
    assert HINTS.may_help("default-scheduler", plugin, resource, change, pod) is helps
