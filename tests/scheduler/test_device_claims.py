"""The scheduler in a cluster writes the ResourceClaims of the pods that it binds (KEP-4381)."""

from __future__ import annotations

from typing import Any

from tests.scheduler.test_scheduler_component import World

GROUP = "/apis/resource.k8s.io/v1"
CLAIMS = "resourceclaims.resource.k8s.io"


def with_devices(world: World, *devices: str) -> None:
    world.node("a")
    world.send("POST", f"{GROUP}/deviceclasses", {"metadata": {"name": "gpu"}, "spec": {}})
    pool = {"name": "a", "generation": 1, "resourceSliceCount": 1}
    named = [{"name": each} for each in devices]
    spec = {"driver": "gpu.example.com", "nodeName": "a", "pool": pool, "devices": named}
    world.send("POST", f"{GROUP}/resourceslices", {"metadata": {"name": "a-gpu"}, "spec": spec})


def claim(world: World, name: str) -> None:
    request = {"name": "r", "exactly": {"deviceClassName": "gpu"}}
    body = {"metadata": {"name": name}, "spec": {"devices": {"requests": [request]}}}
    world.send("POST", f"{GROUP}/namespaces/default/resourceclaims", body)


def use(name: str) -> dict[str, Any]:
    return {"resourceClaims": [{"name": "gpu", "resourceClaimName": name}]}


def test_the_claim_of_a_bound_pod_is_allocated_and_reserved() -> None:
    world = World()
    with_devices(world, "d0")
    claim(world, "one")
    world.pod("p", **use("one"))
    world.settle()
    assert world.node_of("p") == "a"
    stored = world.get(CLAIMS, "one")
    [result] = stored["status"]["allocation"]["devices"]["results"]
    assert (result["pool"], result["device"]) == ("a", "d0")
    assert [each["name"] for each in stored["status"]["reservedFor"]] == ["p"]
    assert stored["metadata"]["finalizers"] == ["resource.kubernetes.io/delete-protection"]


def test_a_pod_waits_for_its_claim_and_then_for_a_device() -> None:
    world = World()
    with_devices(world, "d0")
    for name in ("p", "q"):
        world.pod(name, **use(name))
    world.settle()
    assert world.node_of("p") is None
    claim(world, "p")
    world.settle()
    claim(world, "q")
    world.settle()
    assert (world.node_of("p"), world.node_of("q")) == ("a", None)
    assert "cannot allocate all claims" in world.condition("q")["message"]
