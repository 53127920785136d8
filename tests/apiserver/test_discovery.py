"""Discovery lists exactly the served resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kschedcore.apiserver import APIServer

Object = dict[str, Any]
SERVER = APIServer()


def document(path: str) -> Object:
    code, found = SERVER.request("GET", path)
    assert code == 200, found
    return found


def resource_lists() -> Iterator[tuple[str, Object]]:
    """The lists of resources that a client comes upon, each with its path."""
    for version in document("/api")["versions"]:
        yield f"/api/{version}", document(f"/api/{version}")
    for group in document("/apis")["groups"]:
        assert document(f"/apis/{group['name']}")["versions"] == group["versions"]
        for version in group["versions"]:
            yield f"/apis/{version['groupVersion']}", document(f"/apis/{version['groupVersion']}")


def resource(path: str, name: str) -> Object:
    return next(each for each in document(path)["resources"] if each["name"] == name)


def test_every_resource_can_be_listed() -> None:
    listed = 0
    for path, found in resource_lists():
        assert path.endswith(found["groupVersion"])
        for each in found["resources"]:
            if "/" not in each["name"]:
                items = document(f"{path}/{each['name']}")
                assert (items["kind"], items["apiVersion"]) == (f"{each['kind']}List", found["groupVersion"])
                listed += 1
    assert listed > 30


def test_every_subresource_answers() -> None:
    """Unknown objects and unknown subresources are not found."""
    for path, found in resource_lists():
        for each in found["resources"]:
            plural, _, subresource = each["name"].partition("/")
            where = f"{path}/namespaces/default/{plural}" if each["namespaced"] else f"{path}/{plural}"
            if subresource and "get" in each["verbs"]:
                code, answer = SERVER.request("GET", f"{where}/missing/{subresource}")
                assert (code, answer["details"]["name"]) == (404, "missing")
            assert SERVER.request("GET", f"{where}/missing/unheard-of")[1]["details"] == {}


def test_what_clients_map_names_by() -> None:
    deployments = resource("/apis/apps/v1", "deployments")
    assert deployments == {
        "name": "deployments",
        "singularName": "deployment",
        "namespaced": True,
        "kind": "Deployment",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["deploy"],
        "categories": ["all"],
    }
    scale = resource("/apis/apps/v1", "deployments/scale")
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")
    eviction = resource("/api/v1", "pods/eviction")
    assert (eviction["group"], eviction["version"], eviction["verbs"]) == ("policy", "v1", ["create"])
    binding = resource("/api/v1", "pods/binding")
    assert (binding["kind"], "group" in binding) == ("Binding", False)
    assert resource("/api/v1", "nodes")["namespaced"] is False


def test_the_version_is_that_of_the_api_that_is_followed() -> None:
    version = document("/version")
    assert (version["major"], version["minor"]) == ("1", "36")


@pytest.mark.parametrize("path", ["/api?timeout=32s", "/apis/", "/apis/apps/v1?timeout=32s"])
def test_a_query_and_a_last_slash_do_not_count(path: str) -> None:
    assert document(path) == document(path.partition("?")[0].rstrip("/"))


@pytest.mark.parametrize("path", ["/", "/apis/unheard.of", "/apis/apps/v9", "/api/v9"])
def test_what_is_not_served_is_not_found(path: str) -> None:
    assert SERVER.request("GET", path)[0] == 404


def test_documents_are_only_read() -> None:
    assert SERVER.request("POST", "/apis", {})[0] == 405
    with pytest.raises(TypeError, match="cannot be changed"):
        document("/apis")["groups"] = []
