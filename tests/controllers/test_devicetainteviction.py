"""Pods leave devices whose NoExecute taints their claims do not tolerate, or no longer do."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import CLUSTER_SCOPE, DEFAULT_NAMESPACE
from kschedcore.controllers.devicetainteviction import DeviceTaintEvictionController

from .world import World

CLAIMS = "resourceclaims.resource.k8s.io"
SLICES = "resourceslices.resource.k8s.io"
GROUP = "/apis/resource.k8s.io/v1"
RESULT = {"request": "gpu", "driver": "d.example.com", "pool": "p", "device": "gpu-0"}
TAINT = {"key": "broken", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}


def slice_spec(*taints: dict[str, Any]) -> dict[str, Any]:
    return {
        "driver": "d.example.com",
        "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
        "nodeName": "node",
        "devices": [{"name": "gpu-0", "taints": list(taints)}, {"name": "gpu-1"}],
    }


@pytest.fixture
def world() -> World:
    world = World([DeviceTaintEvictionController])
    world.settle()
    world.send("POST", f"{GROUP}/resourceslices", {"metadata": {"name": "s"}, "spec": slice_spec()})
    return world


def pod_with_claim(world: World, name: str, **result: Any) -> None:
    container = {"name": "c", "image": "i", "resources": {"claims": [{"name": "gpu"}]}}
    spec = {
        "containers": [container],
        "resourceClaims": [{"name": "gpu", "resourceClaimName": name}],
        "nodeName": "node",
    }
    body = {"metadata": {"name": name}, "spec": spec}
    pod = world.send("POST", "/api/v1/namespaces/default/pods", body)
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpus"}}
    claim = {"metadata": {"name": name}, "spec": {"devices": {"requests": [request]}}}
    world.send("POST", f"{GROUP}/namespaces/default/resourceclaims", claim)
    status = {
        "allocation": {"devices": {"results": [{**RESULT, **result}]}},
        "reservedFor": [{"resource": "pods", "name": name, "uid": pod["metadata"]["uid"]}],
    }
    world.client.patch(CLAIMS, DEFAULT_NAMESPACE, name, {"status": status}, subresource="status")
    world.settle()


def leaving(world: World) -> set[str]:
    pods = world.informers["pods"].all()
    return {pod["metadata"]["name"] for pod in pods if pod["metadata"].get("deletionTimestamp")}


def test_pods_are_evicted_according_to_their_tolerations(world: World) -> None:
    minute = {"key": "broken", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    pod_with_claim(world, "none")
    pod_with_claim(world, "always", tolerations=[{"operator": "Exists"}])
    pod_with_claim(world, "minute", tolerations=[minute])
    pod_with_claim(world, "other", device="gpu-1")
    assert leaving(world) == set()
    world.client.patch(SLICES, CLUSTER_SCOPE, "s", {"spec": slice_spec(TAINT)})
    world.ready()
    assert leaving(world) == {"none"}
    condition = world.get("pods", "none")["status"]["conditions"][-1]
    assert (condition["type"], condition["reason"]) == ("DisruptionTarget", "DeletionByDeviceTaintManager")
    world.run_for(seconds=59)
    assert leaving(world) == {"none"}
    world.run_for(minutes=10)
    assert leaving(world) == {"none", "minute"}


def test_other_effects_evict_no_pod(world: World) -> None:
    pod_with_claim(world, "none")
    world.client.patch(SLICES, CLUSTER_SCOPE, "s", {"spec": slice_spec({**TAINT, "effect": "NoSchedule"})})
    world.run_for(minutes=1)
    assert leaving(world) == set()
