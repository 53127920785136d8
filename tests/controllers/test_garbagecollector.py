"""Dependents are deleted after their owners, before them, or orphaned."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.client.verbs import Propagation
from kschedcore.controllers.garbagecollector import GarbageCollector

from .world import World

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def world() -> World:
    world = World([GarbageCollector])
    world.settle()
    return world


def make(world: World, name: str, *owners: str, blocking: bool = True, **metadata: Any) -> str:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner,
            "uid": world.get("configmaps", owner)["metadata"]["uid"],
            "blockOwnerDeletion": blocking,
        }
        for owner in owners
    ]
    body = {"metadata": {"name": name, "ownerReferences": references, **metadata}}
    uid: str = world.send("POST", MAPS, body)["metadata"]["uid"]
    return uid


def names(world: World) -> set[str]:
    return world.names("configmaps")


def test_in_the_background_the_owner_goes_first_and_all_below_it_follow(world: World) -> None:
    make(world, "owner")
    make(world, "child", "owner")
    make(world, "grandchild", "child")
    world.client.delete("configmaps", DEFAULT_NAMESPACE, "owner", propagation="Background")
    assert names(world) == {"child", "grandchild"}
    world.settle()
    assert names(world) == set()


def test_in_the_foreground_the_owner_waits_for_what_blocks_it(world: World) -> None:
    make(world, "owner")
    make(world, "held", "owner", finalizers=["example.com/hold"])
    make(world, "other", "owner", blocking=False)
    world.client.delete("configmaps", DEFAULT_NAMESPACE, "owner", propagation="Foreground")
    world.settle()
    assert names(world) == {"owner", "held"}
    world.client.patch("configmaps", DEFAULT_NAMESPACE, "held", {"metadata": {"finalizers": None}})
    world.settle()
    assert names(world) == set()


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_owners_in_a_circle_go_together(world: World, propagation: Propagation) -> None:
    for name in ("a", "b", "c"):
        make(world, name)
    for name, owner in (("a", "c"), ("b", "a"), ("c", "b")):
        reference = {
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner, "blockOwnerDeletion": True,
            "uid": world.get("configmaps", owner)["metadata"]["uid"],
        }  # fmt: skip
        world.client.patch(
            "configmaps", DEFAULT_NAMESPACE, name, {"metadata": {"ownerReferences": [reference]}}
        )
    world.client.delete("configmaps", DEFAULT_NAMESPACE, "a", propagation=propagation)
    world.settle()
    assert names(world) == set()


def test_another_policy_counts_while_the_object_is_being_deleted(world: World) -> None:
    make(world, "owner", finalizers=["example.com/hold"])
    make(world, "child", "owner")
    for propagation in ("Background", "Orphan"):
        world.send("DELETE", f"{MAPS}/owner?propagationPolicy={propagation}")
        world.settle()
    assert names(world) == {"owner", "child"}
    assert "ownerReferences" not in world.get("configmaps", "child")["metadata"]
    assert world.get("configmaps", "owner")["metadata"]["finalizers"] == ["example.com/hold"]


def test_orphans_are_set_free(world: World) -> None:
    make(world, "owner")
    make(world, "child", "owner")
    world.client.delete("configmaps", DEFAULT_NAMESPACE, "owner", propagation="Orphan")
    world.settle()
    assert names(world) == {"child"}
    assert "ownerReferences" not in world.get("configmaps", "child")["metadata"]


def test_one_existing_owner_is_enough(world: World) -> None:
    make(world, "one")
    make(world, "other")
    make(world, "child", "one", "other")
    world.client.delete("configmaps", DEFAULT_NAMESPACE, "one")
    world.settle()
    assert names(world) == {"other", "child"}
    [left] = world.get("configmaps", "child")["metadata"]["ownerReferences"]
    assert left["name"] == "other"


def test_a_namesake_is_no_owner(world: World) -> None:
    make(world, "owner")
    make(world, "child", "owner")
    world.client.delete("configmaps", DEFAULT_NAMESPACE, "owner")
    make(world, "owner")
    world.settle()
    assert names(world) == {"owner"}


def test_one_that_never_had_an_owner_stays(world: World) -> None:
    make(world, "free")
    world.settle()
    assert names(world) == {"free"}


def test_an_owner_of_an_unknown_kind_counts_as_there(world: World) -> None:
    reference = {"apiVersion": "example.com/v1", "kind": "Thing", "name": "t", "uid": "u"}
    world.send("POST", MAPS, {"metadata": {"name": "child", "ownerReferences": [reference]}})
    world.settle()
    assert names(world) == {"child"}


def test_what_was_left_when_the_collector_stopped_is_collected_after_its_restart(world: World) -> None:
    make(world, "owner")
    for number in range(5):
        make(world, f"child-{number}", "owner")
    world.settle()
    world.client.delete("configmaps", DEFAULT_NAMESPACE, "owner")
    assert world.settle_stopping_after(2)
    assert names(world) == set()
