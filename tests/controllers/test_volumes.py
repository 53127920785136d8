"""Claims find volumes, are given new ones, and keep them for as long as they are used."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import CLUSTER_SCOPE, DEFAULT_NAMESPACE
from kschedcore.controllers.persistentvolume.binder import PersistentVolumeController
from kschedcore.controllers.persistentvolume.provisioner import PersistentVolumeProvisioner
from kschedcore.controllers.volumeprotection import ClaimProtectionController, VolumeProtectionController

from .world import World

CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
CONTROLLERS = [
    PersistentVolumeController,
    PersistentVolumeProvisioner,
    ClaimProtectionController,
    VolumeProtectionController,
]


@pytest.fixture
def world() -> World:
    world = World(CONTROLLERS)
    world.settle()
    return world


def volume(world: World, name: str, size: str = "10Gi", policy: str = "Retain", **spec: Any) -> None:
    body = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": policy,
        "hostPath": {"path": "/data"},
        **spec,
    }
    world.send("POST", "/api/v1/persistentvolumes", {"metadata": {"name": name}, "spec": body})


def claim(world: World, name: str = "claim", size: str = "5Gi", cls: str = "", **spec: Any) -> None:
    resources = {"requests": {"storage": size}}
    body = {"accessModes": ["ReadWriteOnce"], "resources": resources, "storageClassName": cls, **spec}
    world.send("POST", CLAIMS, {"metadata": {"name": name}, "spec": body})


def storage_class(world: World, mode: str = "Immediate", provisioner: str = "disk.example.com") -> None:
    body = {"metadata": {"name": "fast"}, "provisioner": provisioner, "volumeBindingMode": mode}
    world.send("POST", "/apis/storage.k8s.io/v1/storageclasses", body)


def bound_to(world: World, name: str = "claim") -> str | None:
    found = world.get("persistentvolumeclaims", name)
    return found["spec"].get("volumeName") if found["status"].get("phase") == "Bound" else None


def phase(world: World, name: str) -> str:
    return str(world.get("persistentvolumes", name, "")["status"]["phase"])


def reasons(world: World) -> set[str]:
    return {event["reason"] for event in world.informers["events"].all()}


def test_a_claim_gets_the_smallest_volume_that_suits(world: World) -> None:
    volume(world, "small", "1Gi")
    volume(world, "large", "100Gi")
    volume(world, "middle", "10Gi")
    volume(world, "many", "6Gi", accessModes=["ReadOnlyMany"])
    claim(world)
    world.settle()
    assert bound_to(world) == "middle"
    assert phase(world, "middle") == "Bound"
    assert world.get("persistentvolumeclaims", "claim")["status"]["capacity"] == {"storage": "10Gi"}
    assert phase(world, "large") == "Available"


def test_no_two_claims_have_one_volume_wherever_the_controller_is_stopped() -> None:
    for writes in range(40):
        world = World(CONTROLLERS)
        world.settle()
        volume(world, "one")
        claim(world, "first")
        claim(world, "second")
        stopped = world.settle_stopping_after(writes)
        assert [bound_to(world, "first"), bound_to(world, "second")].count("one") == 1
        if not stopped:
            assert writes > 3
            return
    raise AssertionError("every attempt was stopped")


def test_a_claim_waits_for_a_volume_with_an_event(world: World) -> None:
    claim(world)
    world.settle()
    assert bound_to(world) is None
    assert "FailedBinding" in reasons(world)
    volume(world, "late")
    world.settle()
    assert bound_to(world) == "late"


def test_a_volume_reserved_for_a_claim_is_not_bound_to_another(world: World) -> None:
    volume(world, "mine", claimRef={"namespace": "default", "name": "claim"})
    claim(world, "other")
    world.settle()
    assert bound_to(world, "other") is None
    claim(world)
    world.settle()
    assert bound_to(world) == "mine"


def test_a_released_volume_is_kept_or_deleted_by_its_reclaim_policy(world: World) -> None:
    for name, policy in (("keep", "Retain"), ("drop", "Delete")):
        volume(world, name, policy=policy, claimRef={"namespace": "default", "name": name})
        claim(world, name)
    world.settle()
    for name in ("keep", "drop"):
        world.client.delete("persistentvolumeclaims", DEFAULT_NAMESPACE, name)
    world.settle()
    assert phase(world, "keep") == "Released"
    assert world.client.get("persistentvolumes", CLUSTER_SCOPE, "drop") is None


@pytest.mark.parametrize(
    ("provisioner", "source"), [("disk.example.com", "csi"), ("rancher.io/local-path", "hostPath")]
)
def test_a_provisioner_that_is_no_csi_driver_makes_other_volumes(
    world: World, provisioner: str, source: str
) -> None:
    storage_class(world, provisioner=provisioner)
    claim(world, cls="fast")
    world.settle()
    name = bound_to(world)
    assert name is not None
    assert source in world.get("persistentvolumes", name, "")["spec"]


def test_a_class_with_a_provisioner_has_volumes_made(world: World) -> None:
    storage_class(world)
    claim(world, cls="fast")
    world.settle()
    name = bound_to(world)
    assert name == f"pvc-{world.get('persistentvolumeclaims', 'claim')['metadata']['uid']}"
    assert world.get("persistentvolumes", name, "")["spec"]["capacity"] == {"storage": "5Gi"}
    world.client.delete("persistentvolumeclaims", DEFAULT_NAMESPACE, "claim")
    world.settle()
    assert world.names("persistentvolumes", "") == set()


def test_a_class_that_waits_binds_when_a_pod_has_a_node(world: World) -> None:
    labels = {"topology.kubernetes.io/zone": "a"}
    world.send("POST", "/api/v1/nodes", {"metadata": {"name": "node", "labels": labels}})
    storage_class(world, "WaitForFirstConsumer")
    claim(world, cls="fast")
    world.settle()
    assert bound_to(world) is None
    assert "WaitForFirstConsumer" in reasons(world)
    patch = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "node"}}}
    world.client.patch("persistentvolumeclaims", DEFAULT_NAMESPACE, "claim", patch)
    world.settle()
    name = bound_to(world)
    assert name is not None
    [term] = world.get("persistentvolumes", name, "")["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["a"]


def test_a_claim_with_a_selected_node_gets_a_volume_that_the_node_can_reach(world: World) -> None:
    world.send("POST", "/api/v1/nodes", {"metadata": {"name": "node", "labels": {"disk": "here"}}})
    storage_class(world, "WaitForFirstConsumer", provisioner="kubernetes.io/no-provisioner")
    for place, size in (("elsewhere", "6Gi"), ("here", "9Gi")):
        terms = [{"matchExpressions": [{"key": "disk", "operator": "In", "values": [place]}]}]
        affinity = {"required": {"nodeSelectorTerms": terms}}
        volume(world, place, size, storageClassName="fast", nodeAffinity=affinity)
    claim(world, cls="fast")
    world.settle()
    assert bound_to(world) is None
    patch = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "node"}}}
    world.client.patch("persistentvolumeclaims", DEFAULT_NAMESPACE, "claim", patch)
    world.settle()
    assert bound_to(world) == "here"


def test_a_claim_in_use_outlives_its_deletion(world: World) -> None:
    volume(world, "disk")
    claim(world)
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "claim"}}]
    spec = {"containers": [{"name": "c", "image": "i"}], "volumes": volumes, "nodeName": "node"}
    world.send("POST", "/api/v1/namespaces/default/pods", {"metadata": {"name": "pod"}, "spec": spec})
    world.settle()
    world.client.delete("persistentvolumeclaims", DEFAULT_NAMESPACE, "claim")
    world.client.delete("persistentvolumes", CLUSTER_SCOPE, "disk")
    world.settle()
    assert world.names("persistentvolumeclaims") == {"claim"}
    assert world.names("persistentvolumes", "") == {"disk"}
    world.finish("pod")
    world.settle()
    assert world.names("persistentvolumeclaims") == set()
    assert world.names("persistentvolumes", "") == set()


def test_a_claim_without_its_volume_is_lost(world: World) -> None:
    volume(world, "disk")
    claim(world)
    world.settle()
    world.client.delete("persistentvolumes", CLUSTER_SCOPE, "disk")
    world.client.patch("persistentvolumes", CLUSTER_SCOPE, "disk", {"metadata": {"finalizers": None}})
    world.settle()
    assert world.get("persistentvolumeclaims", "claim")["status"]["phase"] == "Lost"
