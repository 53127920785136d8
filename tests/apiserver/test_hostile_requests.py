"""Whatever is sent, the API server answers: no request raises, and every refusal is a Status that says why."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.apiserver import APIServer

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"a": "b"}, "finalizers": ["a.b/c"], "ownerReferences": [
        {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}
    ]},
    "spec": {
        "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}], "env": [{"name": "E"}],
                        "resources": {"requests": {"cpu": "1"}}}],
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "affinity": {"nodeAffinity": {}},
    },
}  # fmt: skip
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "p"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]},
        "strategy": {"type": "Recreate"},
    },
}
VALUES = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "💥",
    "1Gi",
    [],
    [None],
    ["x"],
    {},
    {"x": 1},
    {"$patch": "delete"},
]
values = st.sampled_from(VALUES)
TYPES = [
    "application/json",
    "application/yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "text/plain",
]
QUERIES = ["", "dryRun=All", "fieldManager=m&force=1", "fieldValidation=Strict", "limit=1", "labelSelector=a",
           "gracePeriodSeconds=0", "propagationPolicy=Orphan", "continue=x", "fieldSelector=a=b"]  # fmt: skip
SUBRESOURCES = ["", "/status", "/scale", "/binding", "/eviction", "/finalize"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be put in place of what is there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, item in items:
        found += places(item, (*path, key))
    return found


@st.composite
def damaged(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """A valid object with some of its parts replaced by something else."""
    obj = copy.deepcopy(whole)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(places(obj)))
        holder = obj
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = copy.deepcopy(draw(values))
    return obj


bodies = st.one_of(
    damaged(POD),
    damaged(DEPLOYMENT),
    values,
    st.text(max_size=5),
    st.binary(max_size=5),
    st.lists(
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(["add", "remove", "replace", "test", "move", "copy", "x"]),
                "path": st.sampled_from(["/spec", "/spec/containers/0", "/metadata/name", "/status/x", ""]),
            },
            optional={"value": values, "from": st.sampled_from(["/metadata", "/spec/containers"])},
        ),
        max_size=3,
    ),
)
paths = st.tuples(
    st.sampled_from(["/api/v1/namespaces/default/pods", "/apis/apps/v1/namespaces/default/deployments"]),
    st.sampled_from(["", "/p", "/p", "/q"]),
    st.sampled_from(SUBRESOURCES),
    st.sampled_from(QUERIES),
).map(lambda parts: f"{parts[0]}{parts[1]}{parts[2] if parts[1] else ''}?{parts[3]}")
requests = st.tuples(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "PATCH", "PATCH", "DELETE"]),
    paths,
    bodies,
    st.sampled_from(TYPES),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(requests, min_size=1, max_size=8), st.booleans())
def test_every_request_is_answered(history: list[tuple[str, str, Any, str]], begun: bool) -> None:
    server = APIServer()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    if begun:
        server.request("POST", "/api/v1/namespaces/default/pods", POD)
        server.request("POST", "/apis/apps/v1/namespaces/default/deployments", DEPLOYMENT)
    for method, path, body, content_type in history:
        code, answer = server.request(method, path, body, content_type)
        if code < 400:
            assert answer["kind"]
        else:
            assert (answer["kind"], answer["status"], answer["code"]) == ("Status", "Failure", code)
            assert answer["message"]
