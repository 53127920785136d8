"""Endpoints that users keep themselves are mirrored in EndpointSlices."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.endpointslicemirroring import EndpointSliceMirroringController

from .world import World

CORE = "/api/v1/namespaces/default"
SUBSET = {
    "addresses": [{"ip": "10.1.0.1", "nodeName": "n"}, {"ip": "fd00::1"}],
    "notReadyAddresses": [{"ip": "10.1.0.2"}],
    "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
}


@pytest.fixture
def world() -> World:
    world = World([EndpointSliceMirroringController])
    spec = {"ports": [{"port": 80}]}
    world.send("POST", f"{CORE}/services", {"metadata": {"name": "s"}, "spec": spec})
    return world


def endpoints(world: World, **metadata: Any) -> None:
    world.send("POST", f"{CORE}/endpoints", {"metadata": {"name": "s", **metadata}, "subsets": [SUBSET]})
    world.settle()


def slices(world: World) -> dict[str, list[tuple[str, bool]]]:
    found = world.informers["endpointslices.discovery.k8s.io"].in_namespace(DEFAULT_NAMESPACE)
    return {
        each["addressType"]: [
            (endpoint["addresses"][0], endpoint["conditions"]["ready"]) for endpoint in each["endpoints"]
        ]
        for each in found
    }


def test_each_family_has_a_slice(world: World) -> None:
    endpoints(world, labels={"a": "b"})
    assert slices(world) == {
        "IPv4": [("10.1.0.1", True), ("10.1.0.2", False)],
        "IPv6": [("fd00::1", True)],
    }
    [first, _] = world.informers["endpointslices.discovery.k8s.io"].in_namespace(DEFAULT_NAMESPACE)
    assert first["metadata"]["labels"] == {
        "a": "b",
        "kubernetes.io/service-name": "s",
        "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    }
    assert first["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]


def test_the_slices_follow(world: World) -> None:
    endpoints(world)
    change = {"subsets": [{**SUBSET, "addresses": [{"ip": "10.1.0.3"}]}]}
    world.client.patch("endpoints", DEFAULT_NAMESPACE, "s", change)
    world.settle()
    assert slices(world) == {"IPv4": [("10.1.0.3", True), ("10.1.0.2", False)]}
    world.client.delete("services", DEFAULT_NAMESPACE, "s")
    world.settle()
    assert slices(world) == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        {"annotations": {"control-plane.alpha.kubernetes.io/leader": "x"}},
    ],
)
def test_some_are_not_mirrored(world: World, metadata: dict[str, Any]) -> None:
    endpoints(world, **metadata)
    assert slices(world) == {}


def test_endpoints_of_a_service_with_a_selector_are_not_mirrored(world: World) -> None:
    world.client.patch("services", DEFAULT_NAMESPACE, "s", {"spec": {"selector": {"app": "a"}}})
    endpoints(world)
    assert slices(world) == {}
