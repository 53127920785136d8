"""Kinds that are served in several versions and stored in one: events and autoscalers."""

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


def test_events_of_one_group_are_those_of_the_other(server: APIServer) -> None:
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


LABELLED = {"metadata": {"labels": {"a": "b"}}}


@pytest.mark.parametrize(
    ("content_type", "patch"),
    [
        ("application/merge-patch+json", LABELLED),
        ("application/strategic-merge-patch+json", LABELLED),
        ("application/json-patch+json", [{"op": "test", "path": "/note", "value": "it runs"},
                                         {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]),
    ],
)  # fmt: skip
def test_events_are_patched_in_the_version_of_the_request(
    server: APIServer, content_type: str, patch: Any
) -> None:
    code, seen = server.request("PATCH", f"{VIEW}/web.1", json.dumps(patch), content_type)
    assert (code, seen["note"], seen["metadata"]["labels"]) == (200, "it runs", {"a": "b"})
    assert server.request("GET", f"{CORE}/web.1")[1]["message"] == "it runs"


def test_the_newer_version_of_events_requires_more(server: APIServer) -> None:
    """``ValidateEventUpdate``: in ``events.k8s.io/v1`` only the series of an event may change."""
    patch = json.dumps({"note": "it ran"}), "application/merge-patch+json"
    code, refused = server.request("PATCH", f"{VIEW}/web.1", *patch)
    assert (code, refused["details"]["causes"][0]["field"]) == (422, "message")
    code, refused = server.request("POST", VIEW, {**EVENT, "metadata": {"name": "web.2"}, "type": "Odd"})
    assert (code, [cause["field"] for cause in refused["details"]["causes"]]) == (422, ["type"])
    patch = json.dumps({"message": "it ran"}), "application/merge-patch+json"
    assert server.request("PATCH", f"{CORE}/web.1", *patch)[0] == 200
    assert server.request("GET", f"{VIEW}/web.1")[1]["note"] == "it ran"


def test_refusals_and_deletions_are_passed_on(server: APIServer) -> None:
    assert server.request("GET", f"{VIEW}/other")[0] == 404
    assert server.request("POST", VIEW, "{")[0] == 400
    assert server.request("DELETE", f"{VIEW}/web.1")[1]["status"] == "Success"
    assert server.request("GET", f"{CORE}/web.1")[0] == 404


def test_both_groups_of_events_are_discovered(server: APIServer) -> None:
    _, groups = server.request("GET", "/apis")
    assert "events.k8s.io" in {group["name"] for group in groups["groups"]}
    _, resources = server.request("GET", "/apis/events.k8s.io/v1")
    assert [resource["name"] for resource in resources["resources"]] == ["events"]


V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
APPLY = "application/apply-patch+yaml"
MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 60}},
}


def autoscaler(version: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec},
    }


@pytest.fixture
def scaled() -> APIServer:
    server = APIServer()
    assert server.request("POST", V1, autoscaler("v1", targetCPUUtilizationPercentage=50))[0] == 201
    return server


def test_an_autoscaler_of_v1_is_stored_as_v2(scaled: APIServer) -> None:
    _, stored = scaled.request("GET", f"{V2}/web")
    [metric] = stored["spec"]["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    assert stored["apiVersion"] == "autoscaling/v2"
    assert len(list(scaled.store.list("horizontalpodautoscalers.autoscaling"))) == 1


def test_v1_without_a_goal_gets_the_default_one() -> None:
    server = APIServer()
    _, created = server.request("POST", V1, autoscaler("v1"))
    assert created["spec"]["targetCPUUtilizationPercentage"] == 80


def test_what_v1_has_no_fields_for_is_in_annotations_and_survives_a_round_trip() -> None:
    server = APIServer()
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 60}}
    _, created = server.request("POST", V2, autoscaler("v2", metrics=[MEMORY], behavior=behavior))
    _, seen = server.request("GET", f"{V1}/web")
    annotations = seen["metadata"]["annotations"]
    assert json.loads(annotations["autoscaling.alpha.kubernetes.io/metrics"]) == [
        {"type": "Resource", "resource": {"name": "memory", "targetAverageUtilization": 60}}
    ]
    assert (
        json.loads(annotations["autoscaling.alpha.kubernetes.io/behavior"])["ScaleDown"][
            "StabilizationWindowSeconds"
        ]
        == 60
    )
    assert "targetCPUUtilizationPercentage" not in seen["spec"]
    code, _ = server.request("PUT", f"{V1}/web", {**seen, "spec": {**seen["spec"], "maxReplicas": 7}})
    assert code == 200
    _, after = server.request("GET", f"{V2}/web")
    assert after["spec"] == {**created["spec"], "maxReplicas": 7}
    assert "annotations" not in after["metadata"]


def test_a_patch_is_in_the_fields_of_its_version(scaled: APIServer) -> None:
    patch = json.dumps({"spec": {"targetCPUUtilizationPercentage": 70}}), "application/merge-patch+json"
    assert scaled.request("PATCH", f"{V1}/web", *patch)[1]["spec"]["targetCPUUtilizationPercentage"] == 70
    _, stored = scaled.request("GET", f"{V2}/web")
    assert stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70


def managed(obj: Any) -> dict[str, Any]:
    return {each["manager"]: each for each in obj["metadata"]["managedFields"]}


def test_managers_own_fields_of_their_version() -> None:
    server = APIServer()
    config = json.dumps(autoscaler("v1", targetCPUUtilizationPercentage=50))
    code, _ = server.request("PATCH", f"{V1}/web?fieldManager=a", config, APPLY)
    assert code == 201
    entry = managed(server.request("GET", f"{V2}/web")[1])["a"]
    assert entry["apiVersion"] == "autoscaling/v1"
    assert "f:targetCPUUtilizationPercentage" in entry["fieldsV1"]["f:spec"]

    target = {"type": "Utilization", "averageUtilization": 70}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    other = json.dumps(autoscaler("v2", metrics=[cpu]))
    code, refused = server.request("PATCH", f"{V2}/web?fieldManager=b", other, APPLY)
    assert code == 409
    assert [cause["field"] for cause in refused["details"]["causes"]] == [
        ".spec.targetCPUUtilizationPercentage"
    ]
    code, applied = server.request("PATCH", f"{V2}/web?fieldManager=b&force=true", other, APPLY)
    assert code == 200
    assert "f:targetCPUUtilizationPercentage" not in managed(applied)["a"]["fieldsV1"]["f:spec"]
    assert "f:metrics" in managed(applied)["b"]["fieldsV1"]["f:spec"]


def test_lists_and_watches_are_in_the_version_of_the_request(scaled: APIServer) -> None:
    _, listed = scaled.request("GET", V1)
    assert listed["apiVersion"] == "autoscaling/v1"
    [item] = listed["items"]
    assert item["spec"]["targetCPUUtilizationPercentage"] == 50
    assert "apiVersion" not in item
    watch = scaled.watch(V1)
    patch = json.dumps({"spec": {"maxReplicas": 9}}), "application/merge-patch+json"
    assert scaled.request("PATCH", f"{V2}/web", *patch)[0] == 200
    [event] = watch.poll()
    assert (event.object["apiVersion"], event.object["spec"]["maxReplicas"]) == ("autoscaling/v1", 9)


def test_the_group_prefers_its_newest_version() -> None:
    _, group = APIServer().request("GET", "/apis/autoscaling")
    assert [each["version"] for each in group["versions"]] == ["v2", "v1"]
    assert group["preferredVersion"]["version"] == "v2"
