"""Clusters with devices, pods that claim them, and histories of both (resource.k8s.io/v1)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.histories import Event, History

__all__ = ["device_histories"]

GPU, NIC = "gpu.example.com", "nic.example.com"
NODES = ("node-0", "node-1", "node-2")
CARD = "example.com/card"
ZONE = "topology.kubernetes.io/zone"

EXPRESSIONS = (
    f'device.driver == "{GPU}"',
    f'device.attributes["{GPU}"].model == "a"',
    f'device.attributes["{GPU}"].numa == 0',
    f'device.capacity["{GPU}"].memory.compareTo(quantity("20Gi")) >= 0',
    f'device.attributes["{NIC}"].?numa.orValue(0) < 2',
    "device.allowMultipleAllocations",
)
"""Selectors; the second to the fourth fail for devices without the attribute."""


def _maybe(draw: st.DrawFn, chance: int = 2) -> bool:
    """Draw True with a probability of one in ``n``."""
    return draw(st.integers(1, chance)) == 1


@st.composite
def _device(draw: st.DrawFn, name: str, *, whole_pool: bool) -> Object:
    device: Object = {"name": name, "attributes": {}, "capacity": {"memory": {"value": "40Gi"}}}
    if not _maybe(draw, 6):
        device["attributes"]["model"] = {"string": draw(st.sampled_from("ab"))}
    if not _maybe(draw, 6):
        device["attributes"]["numa"] = {"int": draw(st.integers(0, 2))}
    if _maybe(draw, 3):
        device["allowMultipleAllocations"] = True
        policy: Object = {"default": "10Gi", "validRange": {"min": "5Gi", "step": "5Gi"}}
        if _maybe(draw):
            policy = {"default": "10Gi", "validValues": ["10Gi", "20Gi"]}
        device["capacity"]["memory"]["requestPolicy"] = policy
    if _maybe(draw, 5):
        effect = draw(st.sampled_from(["NoSchedule", "NoExecute"]))
        device["taints"] = [{"key": "broken", "value": "yes", "effect": effect}]
    if whole_pool and _maybe(draw):
        amount = {"value": str(draw(st.integers(1, 3)))}
        device["consumesCounters"] = [{"counterSet": "board", "counters": {"parts": amount}}]
    if _maybe(draw, 8):
        device["bindsToNode"] = True
    return device


@st.composite
def _slices(draw: st.DrawFn, node: str) -> list[Object]:
    """Return the slices of a node's pool, or of a pool that several nodes share."""
    counters = _maybe(draw, 3)
    driver = draw(st.sampled_from([GPU, GPU, NIC]))
    scope: Object = {"nodeName": node}
    pool = f"{node}-{driver[:3]}"
    if _maybe(draw, 4):
        pool = f"shared-{node}"
        scope = {"allNodes": True}
        if _maybe(draw):
            zone = {"key": ZONE, "operator": "In", "values": [draw(st.sampled_from(["z1", "z2"]))]}
            scope = {"nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}}
    spec: Object = {
        "driver": driver,
        **scope,
        "pool": {
            "name": pool,
            "generation": draw(st.integers(1, 2)),
            "resourceSliceCount": 2 if counters else draw(st.sampled_from([1, 1, 1, 1, 2])),
        },
    }
    devices = [draw(_device(f"dev-{i}", whole_pool=counters)) for i in range(draw(st.integers(1, 4)))]
    found = [{"metadata": {"name": pool}, "spec": {**spec, "devices": devices}}]
    if counters:
        board = {"name": "board", "counters": {"parts": {"value": "4"}}}
        found.append({"metadata": {"name": f"{pool}-counters"}, "spec": {**spec, "sharedCounters": [board]}})
    return found


def _selectors(draw: st.DrawFn) -> list[Object]:
    chosen = draw(st.lists(st.sampled_from(EXPRESSIONS), max_size=1))
    return [{"cel": {"expression": each}} for each in chosen]


def _exactly(draw: st.DrawFn, *, alternative: bool) -> Object:
    request: Object = {"deviceClassName": draw(st.sampled_from(["gpu", "gpu", "any", "missing"]))}
    if request["deviceClassName"] == "missing" and not _maybe(draw, 6):
        request["deviceClassName"] = "any"
    if selectors := _selectors(draw):
        request["selectors"] = selectors
    if _maybe(draw, 6):
        request["allocationMode"] = "All"
    elif _maybe(draw, 3):
        request["count"] = draw(st.integers(2, 3))
    if _maybe(draw, 3):
        request["tolerations"] = [{"operator": "Exists"}]
    if _maybe(draw, 4):
        request["capacity"] = {"requests": {"memory": draw(st.sampled_from(["3Gi", "12Gi", "40Gi"]))}}
    if not alternative and _maybe(draw, 8):
        request["adminAccess"] = True
    return request


@st.composite
def _claim_specs(draw: st.DrawFn) -> Object:
    requests: list[Object] = []
    for place in range(draw(st.integers(1, 2))):
        if _maybe(draw, 4):
            alternatives = [{"name": f"s{i}", **_exactly(draw, alternative=True)} for i in range(2)]
            requests.append({"name": f"r{place}", "firstAvailable": alternatives})
        else:
            requests.append({"name": f"r{place}", "exactly": _exactly(draw, alternative=False)})
    spec: Object = {"devices": {"requests": requests}}
    if _maybe(draw, 3):
        kind = draw(st.sampled_from(["matchAttribute", "distinctAttribute"]))
        spec["devices"]["constraints"] = [{kind: f"{GPU}/{draw(st.sampled_from(['numa', 'model']))}"}]
    return spec


def _claim(name: str, spec: Object, owner: str | None = None) -> Object:
    metadata: Object = {"name": name, "namespace": "default", "uid": f"uid-of-{name}"}
    if owner is not None:
        reference = {"apiVersion": "v1", "kind": "Pod", "name": owner, "uid": f"uid-of-{owner}"}
        metadata["ownerReferences"] = [{**reference, "controller": True}]
    return {"metadata": metadata, "spec": spec}


def _pod(draw: st.DrawFn, name: str, own: list[str]) -> Object:
    """Return a pod with claims of its own, and perhaps one that it shares with others; or with extended resources."""
    requests: Object = {"cpu": draw(st.sampled_from(["1", "1", "3"]))}
    claims: list[Object] = [{"name": each, "resourceClaimTemplateName": "template"} for each in own]
    if _maybe(draw, 3):
        shared = draw(st.sampled_from(["shared-0", "shared-1"]))
        claims.append({"name": "shared", "resourceClaimName": shared})
    if not claims and _maybe(draw):
        requests[CARD] = draw(st.sampled_from(["1", "2"]))
    spec: dict[str, Any] = {
        "containers": [{"name": "c", "image": "i", "resources": {"requests": requests}}],
        "priority": draw(st.sampled_from([0, 0, 10])),
    }
    if claims:
        spec["resourceClaims"] = claims
    statuses = [{"name": each, "resourceClaimName": f"{name}-{each}"} for each in own]
    return {
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-of-{name}"},
        "spec": spec,
        "status": {"resourceClaimStatuses": statuses} if statuses else {},
    }


def _class(draw: st.DrawFn, name: str) -> Object:
    spec: Object = {}
    if name == "gpu":
        spec["selectors"] = [{"cel": {"expression": EXPRESSIONS[0]}}]
        if _maybe(draw):
            spec["extendedResourceName"] = CARD
    return {"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": spec}


def _node(draw: st.DrawFn, name: str) -> Object:
    labels = {"kubernetes.io/hostname": name, ZONE: draw(st.sampled_from(["z1", "z2"]))}
    allocatable = {"cpu": "4", "memory": "16Gi", "pods": "10"}
    if _maybe(draw, 4):
        allocatable[CARD] = "1"
    return {"metadata": {"name": name, "labels": labels}, "status": {"allocatable": allocatable}}


@st.composite
def device_histories(draw: st.DrawFn, max_events: int = 10) -> History:
    """A cluster with devices and claims, and the events that follow; most of them schedule a pod.

    Devices come and go, claims are replaced as drivers and controllers would, nodes are relabelled, and pods with
    and without devices push each other out.

    Args:
        draw: Hypothesis' own.
        max_events: Maximum number of events; the minimum is one.
    """
    names = NODES[: draw(st.integers(1, 3))]
    cluster: Object = {
        "nodes": [_node(draw, name) for name in names],
        "pods": [],
        "deviceClasses": [_class(draw, name) for name in ("any", "gpu")],
        "resourceSlices": [each for name in names for each in draw(_slices(name))],
        "resourceClaims": [_claim(f"shared-{i}", draw(_claim_specs())) for i in range(2)],
    }
    # A pool of one name may come from two nodes' draws only in other generations: names stay unique.
    events: list[Event] = []
    for number in range(draw(st.integers(1, max_events))):
        kind = draw(
            st.sampled_from(["schedule"] * 6 + ["slice", "claim", "node", "removePod", "deviceClass"])
        )
        name = f"p{number}"
        if kind == "schedule":
            own = [f"c{i}" for i in range(draw(st.sampled_from([0, 1, 1, 1, 2])))]
            events += [Event("claim", _claim(f"{name}-{each}", draw(_claim_specs()), name)) for each in own]
            events.append(Event("schedule", _pod(draw, name, own)))
        elif kind == "slice":
            events += [Event("slice", each) for each in draw(_slices(draw(st.sampled_from(names))))]
        elif kind == "claim":
            events.append(Event("claim", _claim("shared-0", draw(_claim_specs()))))
        elif kind == "node":
            events.append(Event("node", _node(draw, draw(st.sampled_from(names)))))
        elif kind == "deviceClass":
            events.append(Event("deviceClass", _class(draw, draw(st.sampled_from(["any", "gpu"])))))
        else:
            events.append(Event("removePod", {"index": draw(st.integers(0, 20))}))
    return History(cluster, events)
