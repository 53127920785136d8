"""Endpoints and EndpointSlices follow the readiness of the pods behind a Service."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.endpoints import EndpointsController
from kschedcore.controllers.endpointslice import EndpointSliceController

from .world import World

PODS = "/api/v1/namespaces/default/pods"
SLICES = "endpointslices.discovery.k8s.io"


@pytest.fixture
def world() -> World:
    world = World([EndpointsController, EndpointSliceController])
    labels = {"topology.kubernetes.io/zone": "a"}
    world.send("POST", "/api/v1/nodes", {"metadata": {"name": "node", "labels": labels}})
    world.settle()
    return world


def service(world: World, **spec: Any) -> None:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports, **spec}}
    world.send("POST", "/api/v1/namespaces/default/services", body)
    world.settle()


def pod(world: World, number: int, *, ready: bool = True, port: int = 8080) -> None:
    container = {"name": "c", "image": "i", "ports": [{"name": "web", "containerPort": port}]}
    metadata = {"name": f"pod-{number}", "labels": {"app": "web"}}
    world.send("POST", PODS, {"metadata": metadata, "spec": {"containers": [container], "nodeName": "node"}})
    obj = world.get("pods", f"pod-{number}")
    address = f"10.0.{number // 250}.{number % 250 + 1}"
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-01-01T00:00:00Z"}
    obj["status"] = {"phase": "Running", "conditions": [condition], "podIP": address}
    world.client.update_status(obj, "pods")
    world.ready()


def addresses(world: World, field: str = "addresses") -> set[str]:
    subsets = world.get("endpoints", "web").get("subsets", [])
    return {each["targetRef"]["name"] for subset in subsets for each in subset.get(field, ())}


def slices(world: World) -> list[dict[str, Any]]:
    return world.informers[SLICES].in_namespace(DEFAULT_NAMESPACE)


def ready(world: World) -> set[str]:
    found = [endpoint for each in slices(world) for endpoint in each["endpoints"]]
    return {each["targetRef"]["name"] for each in found if each["conditions"]["ready"]}


def test_they_follow_readiness(world: World) -> None:
    service(world)
    pod(world, 1)
    pod(world, 2, ready=False)
    assert (addresses(world), addresses(world, "notReadyAddresses")) == ({"pod-1"}, {"pod-2"})
    assert ready(world) == {"pod-1"}
    world.make_ready("pod-1", ready=False)
    world.ready()
    # Without an address of its own a pod is no endpoint.
    assert addresses(world) == addresses(world, "addresses") == set()


def test_a_pod_on_its_way_out_serves_but_is_not_ready(world: World) -> None:
    service(world)
    pod(world, 1)
    world.client.delete("pods", DEFAULT_NAMESPACE, "pod-1")
    world.ready()
    assert addresses(world) == set()
    [endpoint] = slices(world)[0]["endpoints"]
    assert endpoint["conditions"] == {"ready": False, "serving": True, "terminating": True}
    assert (endpoint["nodeName"], endpoint["zone"]) == ("node", "a")


def test_named_ports_are_looked_up_in_each_pod(world: World) -> None:
    service(world)
    pod(world, 1, port=8080)
    pod(world, 2, port=9090)
    assert sorted(each["ports"][0]["port"] for each in slices(world)) == [8080, 9090]
    ports = [subset["ports"][0]["port"] for subset in world.get("endpoints", "web")["subsets"]]
    assert sorted(ports) == [8080, 9090]


def test_a_slice_takes_a_hundred_and_endpoints_stay_where_they_are(world: World) -> None:
    service(world)
    for number in range(101):
        pod(world, number)
    sizes = {each["metadata"]["name"]: len(each["endpoints"]) for each in slices(world)}
    assert sorted(sizes.values()) == [1, 100]
    full = max(sizes, key=lambda name: sizes[name])
    before = {name: world.get(SLICES, name)["metadata"]["resourceVersion"] for name in sizes}
    world.client.delete("pods", DEFAULT_NAMESPACE, "pod-0", grace_seconds=0)
    world.ready()
    changed = [
        name for name in sizes if world.get(SLICES, name)["metadata"]["resourceVersion"] != before[name]
    ]
    assert changed == [full]


def test_a_service_without_pods_has_one_empty_slice(world: World) -> None:
    service(world)
    assert [each["endpoints"] for each in slices(world)] == [None]
    assert world.get("endpoints", "web").get("subsets", []) == []
    pod(world, 1)
    assert [len(each["endpoints"]) for each in slices(world)] == [1]


def test_they_go_with_their_service(world: World) -> None:
    service(world)
    pod(world, 1)
    world.client.delete("services", DEFAULT_NAMESPACE, "web")
    world.settle()
    assert slices(world) == []
    assert world.names("endpoints") == set()


def test_endpoints_of_a_service_without_selector_are_not_managed(world: World) -> None:
    body = {"metadata": {"name": "web"}, "subsets": []}
    world.send(
        "POST",
        "/api/v1/namespaces/default/services",
        {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}},
    )
    world.send("POST", "/api/v1/namespaces/default/endpoints", body)
    world.settle()
    assert world.names("endpoints") == {"web"}
    assert slices(world) == []


@pytest.mark.parametrize(
    ("distribution", "hints"),
    [
        ("PreferClose", {"forZones": [{"name": "a"}]}),
        ("PreferSameZone", {"forZones": [{"name": "a"}]}),
        ("PreferSameNode", {"forZones": [{"name": "a"}], "forNodes": [{"name": "node"}]}),
        (None, None),
    ],
)
def test_traffic_distribution_gives_ready_endpoints_hints(
    world: World, distribution: str | None, hints: Any
) -> None:
    """KEP-4444 and KEP-3015: the hints go with the field; endpoints that are not ready have none."""
    service(world, trafficDistribution=distribution)
    pod(world, 1)
    pod(world, 2, ready=False)
    found = {each["targetRef"]["name"]: each.get("hints") for each in slices(world)[0]["endpoints"]}
    assert found == {"pod-1": hints, "pod-2": None}
    patch = {"spec": {"trafficDistribution": None}}
    world.send("PATCH", "/api/v1/namespaces/default/services/web", patch)
    world.ready()
    assert all("hints" not in each for each in slices(world)[0]["endpoints"])


def test_the_topology_annotation_takes_precedence_over_traffic_distribution(world: World) -> None:
    service(world, trafficDistribution="PreferSameZone")
    pod(world, 1)
    patch = {"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "Auto"}}}
    world.send("PATCH", "/api/v1/namespaces/default/services/web", patch)
    world.ready()
    assert all("hints" not in each for each in slices(world)[0]["endpoints"])


def test_application_protocols_are_those_of_the_service(world: World) -> None:
    """KEP-1507: ``appProtocol`` of a port is in both kinds of endpoints; reserved labels are the controller's."""
    service(
        world, ports=[{"name": "http", "port": 80, "targetPort": "web", "appProtocol": "kubernetes.io/h2c"}]
    )
    pod(world, 1)
    assert [each["ports"][0]["appProtocol"] for each in slices(world)] == ["kubernetes.io/h2c"]
    [subset] = world.get("endpoints", "web")["subsets"]
    assert subset["ports"][0]["appProtocol"] == "kubernetes.io/h2c"
    labels = {"service.kubernetes.io/headless": "", "endpointslice.kubernetes.io/managed-by": "me", "a": "b"}
    patch = {"metadata": {"labels": labels}}
    world.send("PATCH", "/api/v1/namespaces/default/services/web", patch)
    world.ready()
    assert slices(world)[0]["metadata"]["labels"] == {
        "a": "b",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
