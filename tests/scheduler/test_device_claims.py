"""The scheduler in a cluster writes the ResourceClaims of the pods that it binds (KEP-4381)."""

from __future__ import annotations

from typing import Any

from tests.scheduler.test_scheduler_component import World

from kschedcore.api.versions import release_of

GROUP = "/apis/resource.k8s.io/v1"
CLAIMS = "resourceclaims.resource.k8s.io"


def with_devices(world: World, *devices: str, extended: str = "", **fields: Any) -> None:
    world.node("a")
    served = {"extendedResourceName": extended} if extended else {}
    world.send("POST", f"{GROUP}/deviceclasses", {"metadata": {"name": "gpu"}, "spec": served})
    pool = {"name": "a", "generation": 1, "resourceSliceCount": 1}
    named = [{"name": each, **fields} for each in devices]
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


CONDITIONS: dict[str, Any] = {
    "bindsToNode": True,
    "bindingConditions": ["example.com/attached"],
    "bindingFailureConditions": ["example.com/broken"],
}


def attaching() -> World:
    """A pod whose device has to be attached before it can be bound (KEP-5007)."""
    world = World({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"pluginConfig": [{"name": "DynamicResources", "args": {"bindingTimeout": "60s"}}]}],
    })  # fmt: skip
    with_devices(world, "d0", "d1", **CONDITIONS)
    claim(world, "one")
    world.pod("p", **use("one"))
    world.run_for(seconds=1)
    return world


def report(world: World, condition: str, message: str = "") -> None:
    """Report a condition of the device that is allocated to the claim, as its driver does."""
    stored = world.get(CLAIMS, "one")
    [result] = stored["status"]["allocation"]["devices"]["results"]
    true = {
        "type": condition,
        "status": "True",
        "reason": "Reported",
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    device = {key: result[key] for key in ("driver", "pool", "device")} | {"conditions": [true]}
    world.client.update_status({**stored, "status": {**stored["status"], "devices": [device]}}, CLAIMS)


def device(world: World) -> str | None:
    results = (
        world.get(CLAIMS, "one").get("status", {}).get("allocation", {}).get("devices", {}).get("results")
    )
    return results[0]["device"] if results else None


def test_a_pod_is_bound_when_its_device_is_ready() -> None:
    world = attaching()
    world.run_for(seconds=9)
    assert (world.node_of("p"), world.nominated("p"), device(world)) == (None, "a", "d0")
    assert world.scheduler.engine.utilisation()["cpu"]["requested"] == 1000
    assert world.event_reasons("p") == {"BindingConditionsPending"}
    report(world, "example.com/attached")
    world.run_for(seconds=5)
    assert (world.node_of("p"), world.nominated("p")) == ("a", None)
    assert world.event_reasons("p") == {"BindingConditionsPending", "Scheduled"}


def test_a_pod_whose_device_fails_is_tried_with_another() -> None:
    world = attaching()
    messages = reasons(world)
    report(world, "example.com/broken", 'no "link"')
    world.run_for(seconds=5)
    assert messages[0] == (
        'running PreBind plugin "DynamicResources": claim one binding failed: reason=Reported, '
        'message="no \\"link\\""'
    )
    world.run_for(seconds=5)
    assert any("deallocation of ResourceClaim completed" in each for each in messages)
    report(world, "example.com/attached")
    world.run_for(seconds=5)
    assert world.node_of("p") == "a"


def test_a_pod_whose_device_takes_too_long_is_tried_again() -> None:
    world = attaching()
    messages = reasons(world)
    world.run_for(seconds=58)
    assert messages == []
    world.run_for(seconds=2)
    assert messages[0] == 'running PreBind plugin "DynamicResources": device binding timeout'
    world.run_for(seconds=5)
    assert any("deallocation of ResourceClaim completed" in each for each in messages)
    report(world, "example.com/attached")
    world.run_for(seconds=5)
    assert world.node_of("p") == "a"


def test_a_scheduler_that_starts_again_goes_on_waiting() -> None:
    world = attaching()
    world.start_again()
    world.run_for(seconds=9)
    assert world.node_of("p") is None
    report(world, "example.com/attached")
    world.run_for(seconds=5)
    assert world.node_of("p") == "a"


def test_a_pod_that_waits_for_its_device_can_be_preempted() -> None:
    world = attaching()
    world.priority_class("high", 9)
    world.pod("urgent", cpu="4", priorityClassName="high")
    world.run_for(seconds=4)
    assert (world.node_of("urgent"), world.node_of("p")) == ("a", None)
    assert "reservedFor" not in world.get(CLAIMS, "one")["status"]
    assert "deletionTimestamp" not in world.get("pods", "p")["metadata"]


def test_without_the_gate_nothing_waits_for_devices() -> None:
    world = World(release=release_of("1.36", {"DRADeviceBindingConditions": False}))
    with_devices(world, "d0")
    claim(world, "one")
    world.pod("p", **use("one"))
    world.settle()
    assert world.node_of("p") == "a"
    assert "allocationTimestamp" not in world.get(CLAIMS, "one")["status"]["allocation"]


def test_the_status_of_a_pod_lists_the_devices_of_its_extended_resources() -> None:
    """KEP-5004, ``pod.status.extendedResourceClaimStatus``."""
    world = World()
    with_devices(world, "d0", "d1", "d2", extended="example.com/gpu")
    amounts = {"example.com/gpu": "2", "cpu": "1"}
    containers = [{"name": "main", "image": "i", "resources": {"requests": amounts, "limits": amounts}}]
    less = {"example.com/gpu": "1"}
    init = [{"name": "first", "image": "i", "resources": {"requests": less, "limits": less}}]
    world.send("POST", "/api/v1/namespaces/default/pods", {
        "metadata": {"name": "p"}, "spec": {"containers": containers, "initContainers": init},
    })  # fmt: skip
    world.settle()
    pod = world.get("pods", "p")
    assert pod["spec"]["nodeName"] == "a"
    served = pod["status"]["extendedResourceClaimStatus"]
    assert served["requestMappings"] == [
        {"containerName": "main", "resourceName": "example.com/gpu", "requestName": "container-1-request-1"},
        {"containerName": "first", "resourceName": "example.com/gpu", "requestName": "container-1-request-1"},
    ]
    assert (
        len(world.get(CLAIMS, served["resourceClaimName"])["status"]["allocation"]["devices"]["results"]) == 2
    )


def reasons(world: World) -> list[str]:
    """Return the messages of the pod's condition PodScheduled from now on."""
    seen: list[str] = []

    def listen(change: Any) -> None:
        if change.new is not None and change.new["metadata"]["name"] == "p":
            for each in change.new["status"].get("conditions", ()):
                if each["type"] == "PodScheduled" and each.get("message") and each["message"] not in seen:
                    seen.append(each["message"])

    world.informers["pods"].listen(listen)
    return seen
