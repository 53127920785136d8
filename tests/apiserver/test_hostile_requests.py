"""The API server answers every request: none raises, and every rejection is a Status with a reason."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.apiserver import APIServer
from kschedcore.apiserver.bodies import MAX_BYTES
from kschedcore.client.transport import Request

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
    """The positions at which a value can be replaced."""
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


@settings(max_examples=400)
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


class TestBodies:
    """Bodies that Kubernetes bounds or refuses: each is answered with a 4xx, in bounded time and memory."""

    maps = "/api/v1/namespaces/default/configmaps"
    pods = "/api/v1/namespaces/default/pods"
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    sets = "/apis/apps/v1/namespaces/default/daemonsets"

    @pytest.fixture
    def server(self) -> APIServer:
        server = APIServer()
        account = {"metadata": {"name": "default"}}
        server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        assert server.request("POST", self.maps, {"metadata": {"name": "m"}, "data": {"a": "1"}})[0] == 201
        assert server.request("POST", self.pods, POD)[0] == 201
        return server

    @pytest.mark.parametrize("depth", [300, 1_000, 100_000])
    @pytest.mark.parametrize("kind", TYPES[:6])
    def test_deep_nesting_is_refused(self, server: APIServer, depth: int, kind: str) -> None:
        lists, objects = "[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth
        value: Any = "x"
        for _ in range(depth):
            value = {"spec": value}
        for method, path in (("POST", self.maps), ("PATCH", f"{self.pods}/p?fieldManager=f")):
            for body in (lists, objects, value, [{"op": "add", "path": "/spec", "value": value}]):
                code, status = server.request(method, path, body, kind)
                assert 400 <= code < 500, status

    def test_bodies_are_limited_in_size(self, server: APIServer) -> None:
        data = {"metadata": {"name": "big"}, "data": {"a": "x" * MAX_BYTES}}
        for body in (data, json.dumps(data), json.dumps(data).encode()):
            code, status = server.request("POST", self.maps, body)
            assert (code, status["reason"]) == (413, "RequestEntityTooLarge")
            assert status["message"] == f"Request entity too large: limit is {MAX_BYTES}"

    def test_copies_of_a_json_patch_are_limited(self, server: APIServer) -> None:
        copies = [{"op": "copy", "from": "/data", "path": f"/data/{number}"} for number in range(40)]
        code, status = server.request("PATCH", f"{self.maps}/m", copies, "application/json-patch+json")
        assert code == 422
        assert "the accumulated size increase of copy is" in status["message"]

    @pytest.mark.parametrize("path", ["//[", "/api/v1//[::1", "?", ""])
    def test_broken_paths_are_not_found(self, server: APIServer, path: str) -> None:
        assert server.request("GET", path)[0] == 404

    @pytest.mark.parametrize(
        "path", ["\udc80", "/api/v1/namespaces/\udc80/pods", "/api/v1/pods?limit=\udc80"]
    )
    def test_paths_are_utf_8(self, server: APIServer, path: str) -> None:
        assert server.request("GET", path)[0] == 400

    @pytest.mark.parametrize(
        "body",
        [
            {"metadata": {"name": "\udc80"}},
            {"metadata": {"name": "x"}, "data": {"a": "\udc80"}},
            '{"metadata":{"name":"x"},"data":{"a":"\udc80"}}',
            {"metadata": {"name": "x"}, "binaryData": {"a": "é"}},
            {"metadata": {"name": {1, 2}}},
        ],
    )
    def test_invalid_json_is_a_bad_request(self, server: APIServer, body: Any) -> None:
        code, status = server.request("POST", self.maps, body)
        assert (code, status["reason"]) in ((400, "BadRequest"), (422, "Invalid"))

    @pytest.mark.parametrize(
        "fields", [{"f:spec": []}, {"k:{": {}}, {"zzz": {}}, {"i:x": {}}, [], {"k:[]": {}}]
    )
    def test_malformed_field_sets_are_passed_over(self, server: APIServer, fields: Any) -> None:
        entry = {
            "manager": "x",
            "operation": "Update",
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
        patch = {"metadata": {"managedFields": [entry]}}
        assert server.request("PATCH", f"{self.maps}/m", patch, "application/merge-patch+json")[0] in (
            200,
            400,
        )
        change = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"b": "2"}}
        target = f"{self.maps}/m?fieldManager=f"
        assert server.request("PATCH", target, change, "application/apply-patch+yaml")[0] == 200
        managers = [
            each["manager"]
            for each in server.request("GET", f"{self.maps}/m")[1]["metadata"]["managedFields"]
        ]
        assert sorted(managers) == ["f", "kschedcore"]

    def test_a_bound_claim_without_resources_is_refused(self, server: APIServer) -> None:
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "volumeName": "v",
            "resources": {"requests": {"storage": "1Gi"}},
        }
        server.request("POST", self.claims, {"metadata": {"name": "c"}, "spec": spec})
        status = {"status": {"phase": "Bound"}}
        server.request("PATCH", f"{self.claims}/c/status", status, "application/merge-patch+json")
        for changed in ({**spec, "resources": {}}, {"accessModes": ["ReadWriteOnce"], "volumeName": "v"}, {}):
            body = {"metadata": {"name": "c"}, "spec": changed}
            assert server.request("PUT", f"{self.claims}/c", body)[0] == 422

    def test_a_template_generation_must_be_a_number(self, server: APIServer) -> None:
        spec = {key: DEPLOYMENT["spec"][key] for key in ("selector", "template")}
        assert server.request("POST", self.sets, {"metadata": {"name": "d"}, "spec": spec})[0] == 201
        bad = {"metadata": {"annotations": {"deprecated.daemonset.template.generation": "x"}}}
        merge = "application/merge-patch+json"
        for path in (f"{self.sets}/d/status", f"{self.sets}/d"):
            code, status = server.request("PATCH", path, bad, merge)
            assert 400 <= code < 500
            assert "strconv.ParseInt" in status["message"]
        assert (
            server.request("PATCH", f"{self.sets}/d", {"metadata": {"labels": {"a": "b"}}}, merge)[0] == 200
        )

    def test_a_dry_run_may_be_answered_with_a_table(self, server: APIServer) -> None:
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
        body = {"metadata": {"name": "dry"}}
        target = "/api/v1/namespaces/default/configmaps?dryRun=All"
        response = server.send(Request("POST", target, body, accept=accept))
        assert response.code == 201
        assert response.object["kind"] == "Table"
        assert response.object["metadata"] == {}

    @pytest.mark.parametrize("seconds", [2**63 - 1, -(2**63), 2**62])
    def test_any_grace_period_is_taken(self, server: APIServer, seconds: int) -> None:
        bound = {**POD, "metadata": {"name": "b"}, "spec": {**POD["spec"], "nodeName": "n"}}
        assert server.request("POST", self.pods, bound)[0] == 201
        assert server.request("DELETE", f"{self.pods}/b?gracePeriodSeconds={seconds}")[0] == 200

    @pytest.mark.parametrize("field", ["preconditions", "dryRun", "gracePeriodSeconds", "propagationPolicy"])
    @pytest.mark.parametrize("value", [[{}], "x" * 5000, {"a": 1}, 0.5])
    def test_delete_options_are_typed(self, server: APIServer, field: str, value: Any) -> None:
        code, status = server.request("DELETE", f"{self.pods}/p", {field: value})
        assert code in (400, 422) or (field, value) == ("preconditions", {"a": 1}), status
