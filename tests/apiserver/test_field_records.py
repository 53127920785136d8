"""Field managers can be computed at any time, with the same result."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.api.machinery.frozen import StoredObject
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.apiserver.apply.record import MAX_WRITES
from kschedcore.client.transport import Request
from kschedcore.clock import SimulatedClock

Object = dict[str, Any]
Reads = Callable[[APIServer, int], None]
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS, MAPS = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/configmaps"
MERGE, JSON_PATCH, APPLY = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/apply-patch+yaml",
)
CONTAINERS = [{"name": "c", "image": "i"}]
NEW: dict[str, Object] = {
    PODS: {"metadata": {"name": "x", "labels": {"a": "1"}}, "spec": {"containers": CONTAINERS}},
    MAPS: {"metadata": {"name": "x", "labels": {"a": "1"}}, "data": {"k": "1"}},
    DEPLOYMENTS: {
        "metadata": {"name": "x", "labels": {"a": "1"}},
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": CONTAINERS}},
        },
    },
}
TYPES = {PODS: ("v1", "Pod"), MAPS: ("v1", "ConfigMap"), DEPLOYMENTS: ("apps/v1", "Deployment")}
STATUS: dict[str, list[Object]] = {
    PODS: [
        {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}], "podIP": "10.0.0.1"},
        {"conditions": [{"type": "Ready", "status": "True"}]},
    ],
    MAPS: [{}],
    DEPLOYMENTS: [
        {"replicas": 1, "observedGeneration": 1},
        {"conditions": [{"type": "Available", "status": "True"}]},
    ],
}
Write = tuple[str, str, Any, str, str]


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, list[Write]]:
    """A collection, and writes of its object ``x`` by several managers; the first creates it."""
    collection = draw(st.sampled_from(sorted(NEW)))
    api_version, kind = TYPES[collection]
    path = f"{collection}/x"
    managers = st.sampled_from(["alice", "bob", "carol"])
    labels = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", None]), max_size=2)
    history: list[Write] = [("POST", collection, NEW[collection], "application/json", draw(managers))]
    for _ in range(draw(st.integers(0, 2 * MAX_WRITES + 2))):
        metadata = {"labels": draw(labels)}
        applied = {"apiVersion": api_version, "kind": kind, "metadata": {"labels": {"b": "3"}}}
        node = {"metadata": {}, "target": {"name": "n1"}}
        forgets = {"op": "replace", "path": "/metadata/managedFields", "value": [{}]}
        status = draw(st.sampled_from(STATUS[collection]))
        method, target, body, content_type = draw(
            st.sampled_from(
                [
                    ("PATCH", path, {"metadata": metadata}, MERGE),
                    ("PATCH", path, {"metadata": {"finalizers": ["x.io/f"]}}, MERGE),
                    ("PATCH", path, {"metadata": {"finalizers": None}}, MERGE),
                    ("PATCH", f"{path}/status", {"status": status}, MERGE),
                    ("PATCH", f"{path}?force=true", applied, APPLY),
                    ("PATCH", path, [forgets], JSON_PATCH),
                    ("POST", f"{path}/binding", node, "application/json"),
                    ("PUT", path, {**NEW[collection], "metadata": {"name": "x"}}, "application/json"),
                    ("PATCH", f"{path}?dryRun=All", {"metadata": {"labels": {"dry": "run"}}}, MERGE),
                ]
            )
        )
        manager = draw(managers)
        if content_type == APPLY:
            target += f"&fieldManager={manager}"
        history.append((method, target, body, content_type, manager))
    return collection, history


def played(history: list[Write], reads: Reads) -> APIServer:
    clock = SimulatedClock()
    server = APIServer(clock=clock)
    account = {"metadata": {"name": "default"}}
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    for number, write in enumerate(history):
        server.internal.send(Request(*write))
        reads(server, number)
        clock.wait(clock.now() + timedelta(seconds=1))
    return server


@settings(max_examples=300)
@given(histories(), st.sets(st.integers(0, 40)))
def test_it_does_not_matter_when_they_are_read(drawn: tuple[str, list[Write]], some: set[int]) -> None:
    collection, history = drawn

    def read(server: APIServer, _number: int) -> None:
        server.request("GET", f"{collection}/x")

    def read_now_and_then(server: APIServer, number: int) -> None:
        if number in some:
            read(server, number)

    always = played(history, read).request("GET", f"{collection}/x")
    assert played(history, lambda _server, _number: None).request("GET", f"{collection}/x") == always
    assert played(history, read_now_and_then).request("GET", f"{collection}/x") == always


def owners(answer: Object) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in answer["metadata"]["managedFields"]}


@pytest.fixture
def server() -> APIServer:
    made = APIServer()
    made.request("POST", MAPS, NEW[MAPS], user_agent="alice")
    return made


def test_every_response_to_clients_has_managed_fields(server: APIServer) -> None:
    watch = server.watch(
        f"{MAPS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    )
    _, written = server.request("PATCH", f"{MAPS}/x", {"data": {"k": "2"}}, MERGE, "bob")
    assert owners(written) == {
        "alice": {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:data": {}},
        "bob": {"f:data": {"f:k": {}}},
    }
    assert server.request("GET", f"{MAPS}/x") == (200, written)
    assert server.request("GET", MAPS)[1]["items"][0]["metadata"] == written["metadata"]
    delivered = [*watch.poll(), *watch.poll()]
    assert [owners(event.object) for event in delivered if event.type == "MODIFIED"] == [owners(written)]
    _, gone = server.request("DELETE", f"{MAPS}/x?dryRun=All")
    assert gone["status"] == "Success"


def test_internal_writes_lose_no_managers(server: APIServer) -> None:
    read = server.internal.send(Request("GET", f"{MAPS}/x")).object
    assert "managedFields" not in read["metadata"]
    change = Request("PUT", f"{MAPS}/x", {**read, "data": {"k": "2"}}, user_agent="bob")
    code = server.internal.send(change).code
    assert code == 200
    assert owners(server.request("GET", f"{MAPS}/x")[1]).keys() == {"alice", "bob"}


def test_a_pickled_object_brings_its_managers(server: APIServer) -> None:
    (stored,) = server.store.list("configmaps", DEFAULT_NAMESPACE)
    copied = pickle.loads(pickle.dumps(stored))
    assert copied == server.request("GET", f"{MAPS}/x")[1]


@pytest.mark.parametrize("recorded", [True, False])
def test_old_states_are_freed(server: APIServer, *, recorded: bool) -> None:
    (stored,) = server.store.list("configmaps", DEFAULT_NAMESPACE)
    uid = stored["metadata"]["uid"]
    for number in range(10 * MAX_WRITES):
        if recorded:
            server.internal.send(Request("PATCH", f"{MAPS}/x", {"data": {"k": str(number)}}, MERGE, "bob"))
        else:
            (stored,) = server.store.list("configmaps", DEFAULT_NAMESPACE)
            assert server.store.replace_status("configmaps", {**stored, "data": {"k": str(number)}})
    server.store.compact(server.store.backend.revision)
    gc.collect()
    states = [
        each
        for each in gc.get_objects()
        if isinstance(each, StoredObject) and each["kind"] == "ConfigMap" and each["metadata"]["uid"] == uid
    ]
    assert 0 < len(states) <= MAX_WRITES + 2
