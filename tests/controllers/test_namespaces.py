"""Default objects of namespaces, their deletion, and the usage in quota statuses."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tests.apiserver.samples import sample

import kschedcore as ks
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace
from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.rootcacertpublisher import RootCACertPublisher

from .world import World


@pytest.fixture
def world() -> World:
    world = World([RootCACertPublisher, ResourceQuotaController, NamespaceController])
    world.send("POST", "/api/v1/namespaces", {"metadata": {"name": "ns"}})
    world.settle()
    return world


@pytest.mark.parametrize(
    ("resource", "name"), [("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")]
)
def test_what_every_namespace_has_is_made_again(world: World, resource: str, name: str) -> None:
    assert world.names(resource, "ns") == {name}
    before = world.get(resource, name, "ns")
    world.client.delete(resource, Namespace("ns"), name)
    world.settle()
    assert world.get(resource, name, "ns")["metadata"]["uid"] != before["metadata"]["uid"]


def test_the_certificate_is_put_right(world: World) -> None:
    world.restart(partial(RootCACertPublisher, certificate="PEM"))
    world.settle()
    assert world.get("configmaps", "kube-root-ca.crt", "ns")["data"] == {"ca.crt": "PEM"}


def test_a_dying_namespace_is_emptied_and_then_goes(world: World) -> None:
    world.send("POST", "/api/v1/namespaces/ns/pods", sample("pods"))
    held: dict[str, Any] = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    world.send("POST", "/api/v1/namespaces/ns/configmaps", held)
    world.send("DELETE", "/api/v1/namespaces/ns")
    world.settle()
    assert world.names("pods", "ns") == set()
    assert world.names("configmaps", "ns") == {"held"}
    assert world.get("namespaces", "ns", "")["status"]["phase"] == "Terminating"
    world.client.patch("configmaps", Namespace("ns"), "held", {"metadata": {"finalizers": None}})
    world.settle()
    assert world.client.get("namespaces", CLUSTER_SCOPE, "ns") is None


def conditions(world: World) -> dict[str, str]:
    found = world.get("namespaces", "ns", "")["status"]["conditions"]
    return {each["type"]: each["message"] for each in found if each["status"] == "True"}


def test_pods_are_deleted_first_and_conditions_list_what_remains(world: World) -> None:
    world.send("POST", "/api/v1/namespaces/ns/pods", sample("pods"))
    pod = next(iter(world.names("pods", "ns")))
    world.client.patch("pods", Namespace("ns"), pod, {"metadata": {"finalizers": ["example.com/hold"]}})
    world.send("POST", "/api/v1/namespaces/ns/configmaps", {"metadata": {"name": "kept"}})
    world.send("DELETE", "/api/v1/namespaces/ns")
    world.settle()
    assert "kept" in world.names("configmaps", "ns")
    assert conditions(world) == {
        "NamespaceContentRemaining": "Some resources are remaining: pods. has 1 resource instances",
        "NamespaceFinalizersRemaining": (
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
        ),
    }
    world.client.patch("pods", Namespace("ns"), pod, {"metadata": {"finalizers": None}})
    world.settle()
    assert world.client.get("namespaces", CLUSTER_SCOPE, "ns") is None


def test_the_phase_shows_whether_a_namespace_is_being_deleted(world: World) -> None:
    held: dict[str, Any] = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    world.send("POST", "/api/v1/namespaces/ns/configmaps", held)

    def patched(phase: str) -> int:
        body = {"status": {"phase": phase}}
        path = "/api/v1/namespaces/ns/status"
        return world.server.request("PATCH", path, body, "application/merge-patch+json")[0]

    assert (patched("Terminating"), patched("Active")) == (422, 200)
    world.send("DELETE", "/api/v1/namespaces/ns")
    world.settle()
    assert (patched("Terminating"), patched("Active")) == (200, 422)
    world.run_for(minutes=10)
    assert world.names("configmaps", "ns") == {"held"}


def test_a_quota_status_counts_usage(world: World) -> None:
    hard = {"count/deployments.apps": "5", "requests.storage": "9Gi", "services": "3", "example.com/x": "1"}
    world.send("POST", "/apis/apps/v1/namespaces/ns/deployments", sample("deployments"))
    world.send("POST", "/api/v1/namespaces/ns/persistentvolumeclaims", sample("persistentvolumeclaims"))
    quota = {"metadata": {"name": "q"}, "spec": {"hard": hard}}
    world.send("POST", "/api/v1/namespaces/ns/resourcequotas", quota)
    world.settle()
    used = {"count/deployments.apps": "1", "requests.storage": "1Gi", "services": "0"}
    assert world.get("resourcequotas", "q", "ns")["status"] == {"hard": hard, "used": used}
    world.client.delete("deployments.apps", Namespace("ns"), sample("deployments")["metadata"]["name"])
    world.settle()
    assert world.get("resourcequotas", "q", "ns")["status"]["used"]["count/deployments.apps"] == "0"


def test_a_namespace_that_is_restored_while_it_ends() -> None:
    """Its phase may say nothing of it; it is emptied and goes, and keeps no controller busy."""
    metadata = {"name": "old", "uid": "u", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    with ks.Cluster.simulated(nodes=[namespace], seed=1) as cluster:
        cluster.run_for("1m")
        assert cluster.request("GET", "/api/v1/namespaces/old")[0] == 404
