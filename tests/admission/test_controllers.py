"""The controllers on which admission counts, against a small door."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.controllers.namespace import NamespaceController
from kschedcore.controllers.resourcequota import ResourceQuotaController
from kschedcore.controllers.rootcacertpublisher import RootCACertPublisher
from kschedcore.controllers.serviceaccount import ServiceAccountController

from .door import Door
from .memory import RESOURCES
from .samples import sample


@pytest.fixture
def door() -> Door:
    door = Door()
    door.request("POST", "/api/v1/namespaces", {"metadata": {"name": "ns"}})
    return door


def names(door: Door, plural: str) -> list[str]:
    code, listed = door.request("GET", f"/api/v1/namespaces/ns/{plural}")
    assert code == 200
    return [item["metadata"]["name"] for item in listed["items"]]


@pytest.mark.parametrize(
    ("controller", "plural", "name"),
    [
        (ServiceAccountController, "serviceaccounts", "default"),
        (RootCACertPublisher, "configmaps", "kube-root-ca.crt"),
    ],
)
def test_what_every_namespace_has_is_made_once_and_made_again(
    door: Door, controller: Any, plural: str, name: str
) -> None:
    made = controller(door)
    assert made.reconcile("ns")
    assert not made.reconcile("ns")
    assert names(door, plural) == [name]
    door.request("DELETE", f"/api/v1/namespaces/ns/{plural}/{name}")
    assert made.reconcile("ns")
    assert names(door, plural) == [name]


def test_the_certificate_is_put_right(door: Door) -> None:
    RootCACertPublisher(door).reconcile("ns")
    assert RootCACertPublisher(door, "PEM").reconcile("ns")
    _, config_map = door.request("GET", "/api/v1/namespaces/ns/configmaps/kube-root-ca.crt")
    assert config_map["data"] == {"ca.crt": "PEM"}


def test_a_dying_namespace_is_emptied_and_then_goes(door: Door) -> None:
    controllers = (ServiceAccountController(door), RootCACertPublisher(door))
    for controller in controllers:
        controller.reconcile("ns")
    door.request("POST", "/api/v1/namespaces/ns/pods", sample("pods"))
    namespaces = NamespaceController(door, RESOURCES.values())
    assert not namespaces.reconcile("ns")
    door.request("DELETE", "/api/v1/namespaces/ns")
    assert not any(controller.reconcile("ns") for controller in controllers)
    assert namespaces.reconcile("ns")
    assert names(door, "pods") == []
    assert namespaces.reconcile("ns")
    assert door.request("GET", "/api/v1/namespaces/ns")[0] == 404
    assert not namespaces.reconcile("ns")


def test_a_quota_says_what_is_used(door: Door) -> None:
    door.settle()
    hard = {"count/deployments.apps": "5", "requests.storage": "9Gi", "services": "3", "example.com/x": "1"}
    path = "/api/v1/namespaces/ns/resourcequotas"
    door.request("POST", "/apis/apps/v1/namespaces/ns/deployments", sample("deployments"))
    door.request("POST", "/api/v1/namespaces/ns/persistentvolumeclaims", sample("persistentvolumeclaims"))
    door.request("POST", path, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    controller = ResourceQuotaController(door, RESOURCES.values())
    assert controller.reconcile(("ns", "q"))
    assert not controller.reconcile(("ns", "q"))
    assert door.request("GET", f"{path}/q")[1]["status"] == {
        "hard": hard,
        "used": {"count/deployments.apps": "1", "requests.storage": "1Gi", "services": "0"},
    }
    assert not controller.reconcile(("ns", "other"))
