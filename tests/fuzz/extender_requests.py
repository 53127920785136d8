"""Mutated requests to an extender: answered with 200 or a status of failure, never with an internal error."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from tests.fuzz._mutations import as_text, mutated

from kschedcore.engine.engine import Engine
from kschedcore.extender.verbs import Extender
from kschedcore.manifests.manifests import Manifests


def node(name: str) -> dict[str, Any]:
    """Return a node."""
    return {"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "9"}}}


def pod(name: str) -> dict[str, Any]:
    """Return a pod."""
    container = {"name": "c", "resources": {"requests": {"cpu": "1"}}}
    return {
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
        "spec": {"containers": [container]},
    }


REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("filter", {"Pod": pod("p"), "NodeNames": ["a", "b"]}),
    ("filter", {"Pod": pod("p"), "Nodes": {"items": [node("a"), node("c")]}}),
    ("prioritize", {"Pod": pod("p"), "NodeNames": ["a", "b"]}),
    (
        "preempt",
        {
            "Pod": pod("p"),
            "NodeNameToMetaVictims": {"a": {"Pods": [{"UID": "uid-v"}], "NumPDBViolations": 1}},
        },
    ),
    ("preempt", {"Pod": pod("p"), "NodeNameToVictims": {"a": {"Pods": [pod("v")], "NumPDBViolations": 0}}}),
    ("bind", {"PodName": "p", "PodNamespace": "default", "PodUID": "uid-p", "Node": "a"}),
]


def run(seed: int) -> None:
    """Run one case: several requests to one extender, which answers a valid one in the end."""
    source = random.Random(seed)
    extender = Extender(Engine(Manifests.from_cluster({"nodes": [node("a"), node("b")]})))
    for _ in range(8):
        verb, request = source.choice(REQUESTS)
        changed = request if source.random() < 0.2 else mutated(request, source)
        body = as_text(changed).encode()
        if source.random() < 0.1:
            body = body[: source.randrange(len(body))]
        status, answer = extender.answer(verb, body)
        assert status in (200, 400), (status, answer)
        msgspec.json.encode(answer)
    status, answer = extender.answer("filter", as_text(REQUESTS[0][1]).encode())
    assert (status, answer["Error"]) == (200, "")
