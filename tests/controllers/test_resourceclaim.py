"""Claims of pods: made from templates, reserved while pods use them, and released afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.garbagecollector import GarbageCollector
from kschedcore.controllers.resourceclaim import ResourceClaimController

from .world import World

PODS = "/api/v1/namespaces/default/pods"
RESOURCES = "/apis/resource.k8s.io/v1/namespaces/default"
CLAIMS = "resourceclaims.resource.k8s.io"
SPEC = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpus"}}]}}
FINALIZER = "resource.kubernetes.io/delete-protection"
RESULT = {"request": "gpu", "driver": "d.example.com", "pool": "p", "device": "gpu-0"}


@pytest.fixture
def world() -> World:
    world = World([ResourceClaimController, GarbageCollector])
    world.settle()
    return world


def template(world: World) -> None:
    spec = {"metadata": {"labels": {"a": "b"}}, "spec": SPEC}
    world.send("POST", f"{RESOURCES}/resourceclaimtemplates", {"metadata": {"name": "one-gpu"}, "spec": spec})


def pod(world: World, **claim: str) -> dict[str, Any]:
    container = {"name": "c", "image": "i", "resources": {"claims": [{"name": "gpu"}]}}
    spec = {"containers": [container], "resourceClaims": [{"name": "gpu", **claim}], "restartPolicy": "Never"}
    made = world.send("POST", PODS, {"metadata": {"name": "pod"}, "spec": spec})
    world.settle()
    return made


def bind(world: World) -> None:
    target = {"kind": "Node", "name": "node"}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "pod"}, "target": target}
    world.client.subresource("pods", DEFAULT_NAMESPACE, "pod", "binding", binding)
    world.settle()


def allocate(world: World, name: str, *consumers: dict[str, Any]) -> None:
    world.client.patch(CLAIMS, DEFAULT_NAMESPACE, name, {"metadata": {"finalizers": [FINALIZER]}})
    reserved = [{"resource": "pods", "name": "pod", "uid": each["metadata"]["uid"]} for each in consumers]
    status = {"allocation": {"devices": {"results": [RESULT]}}, "reservedFor": reserved}
    world.client.patch(CLAIMS, DEFAULT_NAMESPACE, name, {"status": status}, subresource="status")
    world.settle()


def test_a_claim_is_made_from_the_template_and_named_in_the_status(world: World) -> None:
    template(world)
    uid = pod(world, resourceClaimTemplateName="one-gpu")["metadata"]["uid"]
    [name] = world.names(CLAIMS)
    assert name.startswith("pod-gpu-")
    assert world.get("pods", "pod")["status"]["resourceClaimStatuses"] == [
        {"name": "gpu", "resourceClaimName": name}
    ]
    metadata = world.get(CLAIMS, name)["metadata"]
    assert metadata["labels"] == {"a": "b"}
    assert metadata["annotations"] == {"resource.kubernetes.io/pod-claim-name": "gpu"}
    assert [each["uid"] for each in metadata["ownerReferences"]] == [uid]
    world.restart(ResourceClaimController)
    world.settle()
    assert world.names(CLAIMS) == {name}


def test_a_template_that_comes_later_is_waited_for(world: World) -> None:
    pod(world, resourceClaimTemplateName="one-gpu")
    assert world.names(CLAIMS) == set()
    template(world)
    world.ready()
    assert len(world.names(CLAIMS)) == 1


def test_the_claim_of_an_ended_pod_is_released_and_deleted(world: World) -> None:
    template(world)
    made = pod(world, resourceClaimTemplateName="one-gpu")
    [name] = world.names(CLAIMS)
    bind(world)
    allocate(world, name, made)
    assert world.get(CLAIMS, name)["status"]["reservedFor"]
    world.finish("pod")
    world.settle()
    assert world.names(CLAIMS) == set()


def test_a_shared_claim_is_deallocated_with_its_last_pod(world: World) -> None:
    world.send("POST", f"{RESOURCES}/resourceclaims", {"metadata": {"name": "shared"}, "spec": SPEC})
    made = pod(world, resourceClaimName="shared")
    allocate(world, "shared", made)
    world.client.delete("pods", DEFAULT_NAMESPACE, "pod", grace_seconds=0)
    world.settle()
    claim = world.get(CLAIMS, "shared")
    assert not claim.get("status", {}).get("allocation")
    assert not claim.get("status", {}).get("reservedFor")
    assert not claim["metadata"].get("finalizers")


def test_a_claim_is_reserved_for_a_pod_that_was_bound_without_the_scheduler(world: World) -> None:
    world.send("POST", f"{RESOURCES}/resourceclaims", {"metadata": {"name": "shared"}, "spec": SPEC})
    allocate(world, "shared")
    made = pod(world, resourceClaimName="shared")
    bind(world)
    [consumer] = world.get(CLAIMS, "shared")["status"]["reservedFor"]
    assert consumer["uid"] == made["metadata"]["uid"]


def test_a_deleted_claim_in_use_waits_for_its_pod(world: World) -> None:
    world.send("POST", f"{RESOURCES}/resourceclaims", {"metadata": {"name": "shared"}, "spec": SPEC})
    made = pod(world, resourceClaimName="shared")
    bind(world)
    allocate(world, "shared", made)
    world.client.delete(CLAIMS, DEFAULT_NAMESPACE, "shared")
    world.settle()
    assert world.names(CLAIMS) == {"shared"}
    world.finish("pod")
    world.settle()
    assert world.names(CLAIMS) == set()
