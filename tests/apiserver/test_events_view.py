"""Events are one kind, served under two groups with other names for its fields."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kschedcore.apiserver import APIServer

CORE = "/api/v1/namespaces/default/events"
VIEW = "/apis/events.k8s.io/v1/namespaces/default/events"
EVENT: dict[str, Any] = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "web.1"},
    "regarding": {"kind": "Pod", "namespace": "default", "name": "web"},
    "reason": "Started",
    "note": "it runs",
    "type": "Normal",
    "action": "Run",
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingController": "kubelet",
    "reportingInstance": "node-1",
}


@pytest.fixture
def server() -> APIServer:
    server = APIServer()
    assert server.request("POST", VIEW, EVENT)[0] == 201
    return server


def test_what_one_group_is_told_the_other_says(server: APIServer) -> None:
    _, core = server.request("GET", f"{CORE}/web.1")
    assert (core["apiVersion"], core["message"], core["involvedObject"]["name"]) == ("v1", "it runs", "web")
    assert core["reportingComponent"] == "kubelet"
    _, seen = server.request("GET", f"{VIEW}/web.1")
    assert {key: seen[key] for key in EVENT if key != "metadata"} == {
        key: value for key, value in EVENT.items() if key != "metadata"
    }
    _, listed = server.request("GET", f"{VIEW}?fieldSelector=regarding.name%3Dweb")
    assert (listed["apiVersion"], [each["note"] for each in listed["items"]]) == (
        "events.k8s.io/v1",
        ["it runs"],
    )


@pytest.mark.parametrize(
    ("content_type", "patch"),
    [
        ("application/merge-patch+json", {"note": "it ran"}),
        ("application/strategic-merge-patch+json", {"note": "it ran"}),
        ("application/json-patch+json", [{"op": "replace", "path": "/note", "value": "it ran"}]),
    ],
)
def test_patches_are_in_its_words(server: APIServer, content_type: str, patch: Any) -> None:
    code, seen = server.request("PATCH", f"{VIEW}/web.1", json.dumps(patch), content_type)
    assert (code, seen["note"]) == (200, "it ran")
    assert server.request("GET", f"{CORE}/web.1")[1]["message"] == "it ran"


def test_refusals_and_deletions_are_passed_on(server: APIServer) -> None:
    assert server.request("GET", f"{VIEW}/other")[0] == 404
    assert server.request("POST", VIEW, "{")[0] == 400
    assert server.request("DELETE", f"{VIEW}/web.1")[1]["status"] == "Success"
    assert server.request("GET", f"{CORE}/web.1")[0] == 404


def test_it_is_told_of_in_discovery(server: APIServer) -> None:
    _, groups = server.request("GET", "/apis")
    assert "events.k8s.io" in {group["name"] for group in groups["groups"]}
    _, resources = server.request("GET", "/apis/events.k8s.io/v1")
    assert [resource["name"] for resource in resources["resources"]] == ["events"]
