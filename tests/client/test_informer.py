"""Informers filter listeners by the kind of controller."""

from __future__ import annotations

from typing import Any

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.client.informer import Change, Informers
from kschedcore.client.verbs import Client

Object = dict[str, Any]


def controlled_by(kind: str) -> Object:
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": "web", "uid": "1", "controller": True}
    return {"ownerReferences": [owner]}


def test_a_listener_receives_objects_that_become_or_cease_to_be_controlled() -> None:
    server = APIServer()
    client, informer = Client(server, "tester"), Informers(server)["configmaps"]
    received: dict[str | None, list[tuple[str, str]]] = {"ReplicaSet": [], "": [], None: []}
    for controlled, seen in received.items():

        def listener(change: Change, seen: list[tuple[str, str]] = seen) -> None:
            kind = "gone" if change.new is None else "new" if change.old is None else "changed"
            seen.append((kind, change.object["metadata"]["name"]))

        informer.listen(listener, controlled)
    names = ("a", "b", "c")
    for name, owners in zip(names, ({}, controlled_by("ReplicaSet"), controlled_by("Job")), strict=True):
        client.create("configmaps", DEFAULT_NAMESPACE, {"metadata": {"name": name, **owners}})
    informer.sync()
    assert received == {
        "ReplicaSet": [("new", "b")],
        "": [("new", "a")],
        None: [("new", name) for name in names],
    }
    client.patch("configmaps", DEFAULT_NAMESPACE, "a", {"metadata": controlled_by("ReplicaSet")})
    client.patch("configmaps", DEFAULT_NAMESPACE, "b", {"metadata": {"ownerReferences": None}})
    client.delete("configmaps", DEFAULT_NAMESPACE, "c")
    informer.sync()
    changed = [("changed", "a"), ("changed", "b")]
    assert received["ReplicaSet"] == [("new", "b"), *changed]
    assert received[""] == [("new", "a"), *changed]
    assert received[None][3:] == [*changed, ("gone", "c")]


def test_a_new_listener_receives_the_existing_controlled_objects() -> None:
    server = APIServer()
    client, informer = Client(server, "tester"), Informers(server)["configmaps"]
    for name, owners in (("a", {}), ("b", controlled_by("Job"))):
        client.create("configmaps", DEFAULT_NAMESPACE, {"metadata": {"name": name, **owners}})
    received: list[str] = []

    def listener(change: Change) -> None:
        received.append(change.object["metadata"]["name"])

    informer.listen(listener, "Job")
    assert received == ["b"]
    informer.unlisten(listener, "Job")
    client.delete("configmaps", DEFAULT_NAMESPACE, "b")
    informer.sync()
    assert received == ["b"]
