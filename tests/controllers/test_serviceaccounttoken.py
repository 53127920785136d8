"""Secrets of type service-account-token."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.controllers.serviceaccounttoken import ServiceAccountTokenController

from .world import World

SECRETS = "/api/v1/namespaces/default/secrets"
SECRET: dict[str, Any] = {
    "metadata": {"name": "token", "annotations": {"kubernetes.io/service-account.name": "default"}},
    "type": "kubernetes.io/service-account-token",
}


@pytest.fixture
def world() -> World:
    world = World([ServiceAccountTokenController])
    world.settle()
    return world


def test_it_is_given_a_token_of_its_own(world: World) -> None:
    world.send("POST", SECRETS, SECRET)
    world.send("POST", SECRETS, {**SECRET, "metadata": {**SECRET["metadata"], "name": "other"}})
    world.settle()
    secret, other = world.get("secrets", "token"), world.get("secrets", "other")
    assert set(secret["data"]) == {"token", "namespace", "ca.crt"}
    assert b64decode(secret["data"]["namespace"]) == b"default"
    assert secret["data"]["token"] != other["data"]["token"]
    uid = world.get("serviceaccounts", "default")["metadata"]["uid"]
    assert secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"] == uid


def test_it_goes_with_its_account(world: World) -> None:
    world.send("POST", SECRETS, SECRET)
    world.settle()
    world.client.delete("serviceaccounts", DEFAULT_NAMESPACE, "default")
    world.settle()
    assert world.names("secrets") == set()
    assert world.names("serviceaccounts") == {"default"}


def test_other_secrets_are_left_alone(world: World) -> None:
    world.send("POST", SECRETS, {"metadata": {"name": "mine"}, "stringData": {"a": "b"}})
    world.settle()
    mine = world.get("secrets", "mine")
    assert (mine["data"], "stringData" in mine) == ({"a": "Yg=="}, False)
    patched = world.send("PATCH", f"{SECRETS}/mine", {"stringData": {"c": "d"}})
    assert patched["data"] == {"a": "Yg==", "c": "ZA=="}
