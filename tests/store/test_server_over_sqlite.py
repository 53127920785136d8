"""The API server over a back end that keeps bytes: the same answers as over memory, also after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kschedcore.apiserver import APIServer
from kschedcore.clock import FixedClock
from kschedcore.store.backend import Backend
from kschedcore.store.memory import MemoryBackend
from kschedcore.store.store import Store

from .sqlite_backend import SQLiteBackend

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
POD: dict[str, Any] = {
    "metadata": {"name": "p", "labels": {"app": "a"}},
    "spec": {"containers": [{"name": "c", "image": "i"}], "automountServiceAccountToken": False},
}
HISTORY: list[tuple[Any, ...]] = [
    ("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}}),
    ("POST", MAPS, {"metadata": {"name": "m"}, "data": {"a": "1"}}),
    (
        "PATCH",
        f"{MAPS}/m?fieldManager=one",
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}},
        APPLY,
    ),
    (
        "PATCH",
        f"{MAPS}/m?fieldManager=two",
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "2"}},
        APPLY,
    ),
    ("POST", PODS, POD),
    ("PATCH", f"{PODS}/p/status", {"status": {"phase": "Running"}}, MERGE),
    ("POST", f"{PODS}/p/binding", {"target": {"kind": "Node", "name": "n"}}),
    ("GET", PODS),
    ("DELETE", f"{PODS}/p"),
    ("GET", f"{PODS}/p"),
    ("DELETE", f"{MAPS}/m"),
    ("GET", MAPS),
]


def answers(backend: Backend) -> list[Any]:
    server = APIServer(Store(backend), clock=FixedClock())
    watch = server.watch(MAPS)
    return [*(server.request(*request) for request in HISTORY), watch.poll()]


def test_answers_and_watches_are_those_over_memory() -> None:
    assert answers(SQLiteBackend()) == answers(MemoryBackend())


def test_a_server_goes_on_where_another_one_ended(tmp_path: Path) -> None:
    path = str(tmp_path / "data")
    first = APIServer(Store(SQLiteBackend(path)), clock=FixedClock())
    for request in HISTORY[:7]:
        first.request(*request)
    second = APIServer(Store(SQLiteBackend(path)), clock=FixedClock(), bootstrap=False)
    for path in (MAPS, PODS, f"{PODS}/p", "/api/v1/namespaces"):
        assert second.request("GET", path) == first.request("GET", path)
    code, status = second.request(*HISTORY[3])
    assert (code, status["reason"]) == (409, "Conflict")
