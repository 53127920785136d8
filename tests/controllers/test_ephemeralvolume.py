"""Pods' generic ephemeral volumes get claims, which the pods own."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.ephemeralvolume import EphemeralVolumeController
from kschedcore.controllers.garbagecollector import GarbageCollector

from .world import World

PODS = "/api/v1/namespaces/default/pods"
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
VOLUME = {
    "name": "tmp",
    "ephemeral": {"volumeClaimTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": CLAIM}},
}


@pytest.fixture
def world() -> World:
    world = World([EphemeralVolumeController, GarbageCollector])
    world.settle()
    return world


def pod(world: World) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": [VOLUME]}
    return world.send("POST", PODS, {"metadata": {"name": "pod"}, "spec": spec})


def test_the_claim_is_named_after_pod_and_volume_and_made_again(world: World) -> None:
    uid = pod(world)["metadata"]["uid"]
    world.settle()
    claim = world.get("persistentvolumeclaims", "pod-tmp")
    assert claim["metadata"]["labels"] == {"a": "b"}
    assert [(each["kind"], each["uid"]) for each in claim["metadata"]["ownerReferences"]] == [("Pod", uid)]
    assert claim["spec"]["resources"] == CLAIM["resources"]
    world.client.delete("persistentvolumeclaims", DEFAULT_NAMESPACE, "pod-tmp")
    world.settle()
    world.client.patch(
        "persistentvolumeclaims", DEFAULT_NAMESPACE, "pod-tmp", {"metadata": {"finalizers": None}}
    )
    world.settle()
    assert world.names("persistentvolumeclaims") == {"pod-tmp"}


def test_the_claim_goes_with_the_pod(world: World) -> None:
    pod(world)
    world.settle()
    world.client.delete("pods", DEFAULT_NAMESPACE, "pod")
    world.settle()
    claim = world.client.get("persistentvolumeclaims", DEFAULT_NAMESPACE, "pod-tmp")
    assert claim is None or claim["metadata"]["deletionTimestamp"]


def test_a_claim_of_that_name_that_the_pod_does_not_own_is_left_alone(world: World) -> None:
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    world.send("POST", claims, {"metadata": {"name": "pod-tmp"}, "spec": CLAIM})
    pod(world)
    world.run_for(seconds=10)
    assert "ownerReferences" not in world.get("persistentvolumeclaims", "pod-tmp")["metadata"]
