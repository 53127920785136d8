"""Mutated answers of an extender: a decision, or an error of the extender."""

from __future__ import annotations

import random
from typing import Any
from unittest.mock import Mock

from tests.fuzz._mutations import as_text, mutated
from tests.fuzz.extender_requests import node, pod

from kschedcore.engine.engine import Engine
from kschedcore.errors import ExtenderError

CONFIG: dict[str, Any] = {
    "apiVersion": "kubescheduler.config.k8s.io/v1",
    "kind": "KubeSchedulerConfiguration",
    "extenders": [
        {
            "urlPrefix": "http://127.0.0.1:1",
            "filterVerb": "filter",
            "prioritizeVerb": "prioritize",
            "preemptVerb": "preempt",
            "bindVerb": "bind",
            "weight": 1,
        }
    ],
}
ANSWERS: dict[str, Any] = {
    "filter": {"Nodes": {"items": [node("a")]}, "FailedNodes": {"b": "no"}, "Error": ""},
    "prioritize": [{"Host": "a", "Score": 3}, {"Host": "b", "Score": 2**62}],
    "preempt": {"NodeNameToMetaVictims": {"a": {"Pods": [{"UID": "uid-v"}], "NumPDBViolations": 0}}},
    "bind": {"Error": ""},
}


def run(seed: int) -> None:
    """Run one case."""
    source = random.Random(seed)
    cached = source.random() < 0.5
    (extender,) = CONFIG["extenders"]
    engine = Engine(config={**CONFIG, "extenders": [{**extender, "nodeCacheCapable": cached}]})
    for name in "ab":
        engine.set_node(node(name))

    def answer(verb: str, _: bytes) -> bytes:
        usual = ANSWERS[verb]
        if verb == "filter" and cached:
            usual = {"NodeNames": ["a", "b"], "FailedNodes": {}}
        return as_text(usual if source.random() < 0.3 else mutated(usual, source)).encode()

    for each in engine.extenders._extenders:
        each._client = Mock(post=answer)
    engine.add_pod(pod("v"), "a")
    for number in range(4):
        waiting = pod(f"p{number}")
        if number == 3:
            waiting["spec"]["priority"] = 5
            waiting["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "4"
        (decision,) = engine.schedule([waiting])
        if decision.node is not None:
            try:
                engine.extenders.bind(decision.pod, decision.node)
            except ExtenderError:
                engine.remove_pod(decision.pod.metadata.name)
