"""Requests: paths, methods, content types and answers as Kubernetes has them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests import builders

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Request, Response
from kschedcore.clock import FixedClock
from kschedcore.store.memory import MemoryBackend
from kschedcore.store.store import Store
from kschedcore.store.watch import Watch

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
MERGE = "application/merge-patch+json"
Object = dict[str, Any]


@pytest.fixture
def server() -> APIServer:
    made = APIServer()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    assert made.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)[0] == 201
    return made


def config_map(name: str, **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"a": "1"},
    }


def pod(name: str, **spec: Any) -> Object:
    container = {"name": "c", "image": "i:1"}
    spec = {"containers": [container], "automountServiceAccountToken": False, **spec}
    return builders.pod(name, labels={"app": "a"}, **spec)


def deployment(replicas: int = 2) -> Object:
    labels = {"app": "web", "tier": "front"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    selector = {
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}],
    }
    spec = {"replicas": replicas, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def made(server: APIServer, path: str, body: Object) -> Object:
    code, obj = server.request("POST", path, body)
    assert code == 201, obj
    return obj


@pytest.mark.parametrize(
    ("method", "path", "code", "reason"),
    [
        ("GET", "/api/v1/namespaces/default/ghosts", 404, "NotFound"),
        ("GET", "/apis/ghosts/v1/pods", 404, "NotFound"),
        ("GET", "/", 404, "NotFound"),
        ("GET", f"{PODS}/a/nope", 404, "NotFound"),
        ("GET", f"{PODS}/a/status/more", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/nodes", 404, "NotFound"),
        ("GET", "/api/v1/pods/a", 404, "NotFound"),
        ("POST", f"{MAPS}/a", 405, "MethodNotAllowed"),
        ("PUT", MAPS, 405, "MethodNotAllowed"),
        ("OPTIONS", MAPS, 405, "MethodNotAllowed"),
        ("GET", f"{PODS}/a/binding", 405, "MethodNotAllowed"),
        ("GET", f"{PODS}/a", 404, "NotFound"),
        ("GET", "/api/v1/nodes/a", 404, "NotFound"),
        ("GET", f"{PODS}?limit=x", 400, "BadRequest"),
        ("GET", f"{PODS}?limit=99999999999999999999", 400, "BadRequest"),
        ("GET", f"{PODS}?labelSelector=a=b=c", 400, "BadRequest"),
        ("GET", f"{PODS}?resourceVersion=99999&resourceVersionMatch=Exact", 504, "Timeout"),
        ("GET", f"{PODS}?resourceVersion=x&resourceVersionMatch=Exact", 400, "BadRequest"),
    ],
)
def test_what_is_not_there(server: APIServer, method: str, path: str, code: int, reason: str) -> None:
    found, status = server.request(method, path)
    assert (found, status["code"], status["reason"]) == (code, code, reason)
    assert status["kind"] == "Status"


@pytest.mark.parametrize(
    ("content_type", "body", "code", "words"),
    [
        ("application/json", "{", 400, "unexpected end of JSON input"),
        ("application/json", "[]", 400, "cannot unmarshal array"),
        ("application/json", {"kind": object}, 400, "cannot be written as JSON"),
        ("application/json", {**config_map("m"), "data": {"a": 1}}, 400, "cannot unmarshal number"),
        ("application/json", {**config_map("m"), "kind": "Secret"}, 400, "Secret"),
        ("application/json", config_map("m", namespace="other"), 400, "namespace of the provided object"),
        ("application/json", config_map("Not A Name"), 422, "RFC 1123"),
        ("application/json; charset=utf-8", config_map("m"), 201, ""),
        ("application/yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n", 201, ""),
        ("application/yaml", "a: [", 400, "error decoding YAML"),
        ("text/plain", "a", 415, "accepted media types include: application/json"),
    ],
)
def test_bodies(server: APIServer, content_type: str, body: Any, code: int, words: str) -> None:
    found, answer = server.request("POST", MAPS, body, content_type)
    assert found == code
    assert words in json.dumps(answer)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("dryRun=Some", "dryRun"),
        ("fieldValidation=Odd", "fieldValidation"),
        ("fieldManager=" + "m" * 129, "fieldManager"),
        ("fieldManager=%01", "fieldManager"),
        ("force=true", "force"),
    ],
)
def test_parameters_that_make_no_sense(server: APIServer, query: str, field: str) -> None:
    code, status = server.request("POST", f"{MAPS}?{query}", config_map("m"))
    assert (code, status["details"]["kind"]) == (422, "CreateOptions")
    assert [cause["field"] for cause in status["details"]["causes"]] == [field]


def test_what_a_client_sent_is_not_shared_and_what_it_gets_cannot_be_changed(server: APIServer) -> None:
    body = config_map("m")
    answer = made(server, MAPS, body)
    body["data"]["a"] = "changed"
    with pytest.raises(TypeError):
        answer["data"]["a"] = "changed"
    assert server.request("GET", f"{MAPS}/m")[1]["data"] == {"a": "1"}


def test_an_object_that_was_read_can_be_written_back(server: APIServer) -> None:
    made(server, MAPS, config_map("m"))
    _, read = server.request("GET", f"{MAPS}/m")
    code, written = server.request("PUT", f"{MAPS}/m", {**read, "data": {"a": "2"}})
    assert (code, written["data"]) == (200, {"a": "2"})
    code, again = server.request("PUT", f"{MAPS}/m", written)
    assert again["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"], "nothing changed"
    code, status = server.request("PUT", f"{MAPS}/m", read)
    assert (code, status["reason"]) == (409, "Conflict")


def test_the_same_seed_and_clock_give_the_same_bytes() -> None:
    def history(seed: int) -> list[Any]:
        server = APIServer(seed=seed)
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "m-"}}
        return [server.request("POST", MAPS, body) for _ in range(5)]

    assert history(1) == history(1)
    assert history(1) != history(2)
    created = [obj["metadata"]["name"] for _, obj in history(1)]
    assert len(set(created)) == 5
    assert all(name.startswith("m-") and len(name) == 7 for name in created)


def test_a_dry_run_decides_and_keeps_nothing(server: APIServer) -> None:
    before = server.store.backend.revision
    code, obj = server.request("POST", f"{MAPS}?dryRun=All", config_map("m"))
    assert code == 201
    assert "resourceVersion" not in obj["metadata"]
    assert server.request("GET", f"{MAPS}/m")[0] == 404
    assert server.store.backend.revision == before
    made(server, MAPS, config_map("m"))
    assert server.request("POST", f"{MAPS}?dryRun=All", config_map("m"))[0] == 409
    code, patched = server.request("PATCH", f"{MAPS}/m?dryRun=All", {"data": {"b": "2"}}, MERGE)
    assert (code, patched["data"]) == (200, {"a": "1", "b": "2"})
    assert server.request("DELETE", f"{MAPS}/m?dryRun=All")[0] == 200
    assert server.request("GET", f"{MAPS}/m")[1]["data"] == {"a": "1"}


def test_generation_counts_changes_of_the_spec_only(server: APIServer) -> None:
    made(server, DEPLOYMENTS, deployment())

    def generation(path: str, patch: Object) -> int:
        code, obj = server.request("PATCH", f"{DEPLOYMENTS}/{path}", patch, MERGE)
        assert code == 200
        return int(obj["metadata"]["generation"])

    assert generation("web", {"metadata": {"labels": {"x": "1"}}}) == 1
    assert generation("web/status", {"status": {"replicas": 2}, "spec": {"replicas": 9}}) == 1
    assert generation("web", {"status": {"replicas": 7}}) == 1
    assert generation("web", {"spec": {"replicas": 3}}) == 2
    _, obj = server.request("GET", f"{DEPLOYMENTS}/web")
    assert (obj["spec"]["replicas"], obj["status"]["replicas"]) == (3, 2)


def test_scale(server: APIServer) -> None:
    made(server, DEPLOYMENTS, deployment(2))
    path = f"{DEPLOYMENTS}/web/scale"
    code, scale = server.request("GET", path)
    assert (code, scale["spec"]) == (200, {"replicas": 2})
    assert scale["status"]["selector"] == "app=web,tier in (back,front)"
    code, scale = server.request("PUT", path, {**scale, "spec": {"replicas": 5}})
    assert (code, scale["spec"]) == (200, {"replicas": 5})
    assert server.request("GET", f"{DEPLOYMENTS}/web")[1]["metadata"]["generation"] == 2
    for patch, code, reason in (
        ({"spec": {"replicas": -1}}, 422, "Invalid"),
        ({"spec": {"replicas": "x"}}, 400, "BadRequest"),
        ({"metadata": {"resourceVersion": "1"}}, 409, "Conflict"),
    ):
        found, status = server.request("PATCH", path, patch, MERGE)
        assert (found, status["reason"]) == (code, reason)
    assert server.request("DELETE", path)[0] == 405


def test_a_pod_is_bound_once(server: APIServer) -> None:
    pod_object = made(server, PODS, pod("p"))
    target = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "p", "annotations": {"why": "capacity"}},
    }
    code, status = server.request("POST", f"{PODS}/p/binding", {**target, "target": {"kind": "Node"}})
    assert (code, status["reason"]) == (422, "Invalid")
    other = {**target, "metadata": {"uid": "other"}, "target": {"kind": "Node", "name": "n"}}
    assert server.request("POST", f"{PODS}/p/binding", other)[0] == 409
    code, _ = server.request("POST", f"{PODS}/p/binding", {**target, "target": {"kind": "Node", "name": "n"}})
    assert code == 201
    _, bound = server.request("GET", f"{PODS}/p")
    assert bound["spec"]["nodeName"] == "n"
    assert bound["metadata"]["annotations"] == {"why": "capacity"}
    assert [c["type"] for c in bound["status"]["conditions"]] == ["PodScheduled"]
    assert pod_object["spec"] == {key: v for key, v in bound["spec"].items() if key != "nodeName"}
    code, status = server.request("POST", f"{PODS}/p/binding", {**target, "target": {"name": "m"}})
    assert (code, status["reason"]) == (409, "Conflict")


def test_a_running_pod_is_deleted_with_grace_and_sooner_on_request() -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    server = APIServer(clock=clock)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    made(server, PODS, pod("p", nodeName="n"))
    code, going = server.request("DELETE", f"{PODS}/p")
    assert code == 200
    assert going["metadata"]["deletionGracePeriodSeconds"] == 30
    assert going["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:30Z"
    clock.time += timedelta(seconds=10)
    _, same = server.request("DELETE", f"{PODS}/p")
    assert same == going
    _, sooner = server.request("DELETE", f"{PODS}/p?gracePeriodSeconds=5")
    assert sooner["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:05Z"
    assert server.request("POST", f"{PODS}/p/binding", {"target": {"name": "m"}})[0] == 409
    assert server.request("DELETE", f"{PODS}/p?gracePeriodSeconds=0")[0] == 200
    assert server.request("GET", f"{PODS}/p")[0] == 404


@pytest.mark.parametrize(
    ("query", "finalizers"),
    [
        ("propagationPolicy=Foreground", ["foregroundDeletion"]),
        ("propagationPolicy=Orphan", ["orphan"]),
        ("orphanDependents=true", ["orphan"]),
        ("propagationPolicy=Background", None),
        ("orphanDependents=false", None),
        ("", None),
    ],
)
def test_propagation(server: APIServer, query: str, finalizers: list[str] | None) -> None:
    made(server, DEPLOYMENTS, deployment())
    code, answer = server.request("DELETE", f"{DEPLOYMENTS}/web?{query}")
    assert code == 200
    live = server.store.get("deployments.apps", DEFAULT_NAMESPACE, "web")
    if finalizers is None:
        assert live is None
        assert answer["kind"] == "Status"
    else:
        assert live is not None
        assert live["metadata"]["finalizers"] == finalizers
        assert live["metadata"]["generation"] == 2


def test_preconditions_and_finalizers_hold_a_deletion(server: APIServer) -> None:
    obj = made(server, MAPS, config_map("m", finalizers=["a.b/c"]))
    for wrong in ({"uid": "other"}, {"resourceVersion": "1"}):
        code, status = server.request("DELETE", f"{MAPS}/m", {"preconditions": wrong})
        assert (code, status["reason"]) == (409, "Conflict")
    right = {"uid": obj["metadata"]["uid"], "resourceVersion": obj["metadata"]["resourceVersion"]}
    code, marked = server.request("DELETE", f"{MAPS}/m", {"preconditions": right})
    assert (code, marked["metadata"]["deletionGracePeriodSeconds"]) == (200, 0)
    code, _ = server.request("PATCH", f"{MAPS}/m", {"metadata": {"finalizers": None}}, MERGE)
    assert code == 200
    assert server.request("GET", f"{MAPS}/m")[0] == 404


def test_pages_are_of_one_version_whatever_happens_between(server: APIServer) -> None:
    for number in range(7):
        made(server, MAPS, config_map(f"m{number}"))
    _, page = server.request("GET", f"{MAPS}?limit=3")
    assert page["metadata"]["remainingItemCount"] == 4
    made(server, MAPS, config_map("m35"))
    server.request("DELETE", f"{MAPS}/m4")
    found = list(page["items"])
    while token := page["metadata"].get("continue"):
        code, page = server.request("GET", f"{MAPS}?limit=3&continue={token}")
        assert code == 200
        found += page["items"]
    assert [obj["metadata"]["name"] for obj in found] == [f"m{number}" for number in range(7)]


def test_selected_pages_have_the_requested_size(server: APIServer) -> None:
    for number in range(9):
        made(server, MAPS, config_map(f"m{number}", labels={"odd": str(number % 2)}))
    found, token = [], ""
    while True:
        _, page = server.request("GET", f"{MAPS}?limit=2&labelSelector=odd=1&continue={token}")
        assert "remainingItemCount" not in page["metadata"]
        found += [obj["metadata"]["name"] for obj in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
        assert len(page["items"]) == 2
    assert found == ["m1", "m3", "m5", "m7"]


def test_a_token_or_a_watch_that_is_too_old_gets_410() -> None:
    server = APIServer(Store(MemoryBackend(history=4)))
    for number in range(3):
        made(server, MAPS, config_map(f"m{number}"))
    _, page = server.request("GET", f"{MAPS}?limit=1")
    old = server.watch(f"{MAPS}?resourceVersion={page['metadata']['resourceVersion']}")
    for number in range(20):
        server.request("PATCH", f"{MAPS}/m0", {"data": {"n": str(number)}}, MERGE)
    code, status = server.request("GET", f"{MAPS}?continue={page['metadata']['continue']}")
    assert (code, status["reason"]) == (410, "Expired")
    with pytest.raises(StatusError) as gone:
        old.poll()
    assert (gone.value.code, gone.value.reason) == (410, "Expired")


@pytest.mark.parametrize("token", ["garbage", "e30", "!", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"])
def test_unknown_tokens(server: APIServer, token: str) -> None:
    code, status = server.request("GET", f"{MAPS}?continue={token}")
    assert (code, status["reason"]) == (400, "BadRequest")
    assert status["message"].startswith("invalid continue token: continue key is not valid: ")


def test_apply_creates_changes_and_refuses(server: APIServer) -> None:
    apply = "application/apply-patch+yaml"
    path = f"{MAPS}/m?fieldManager=alice"
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: '1'}\n"
    assert server.request("PATCH", path, text, apply)[0] == 201
    code, obj = server.request("PATCH", path, text.replace("a: '1'", "b: '2'"), apply)
    assert (code, obj["data"]) == (200, {"b": "2"})
    code, status = server.request(
        "PATCH", f"{MAPS}/m?fieldManager=bob", text.replace("a: '1'", "b: '3'"), apply
    )
    assert (code, status["details"]["causes"][0]["field"]) == (409, ".data.b")
    for wrong, code in (
        (text.replace("v1", "v2"), 400),
        (text.replace("ConfigMap", "Secret"), 400),
        (text.replace("name: m", "name: m, managedFields: [{}]"), 400),
        (text.replace("name: m", "name: m, namespace: other"), 400),
        ("[]", 400),
    ):
        assert server.request("PATCH", path, wrong, apply)[0] == code, wrong


def test_put_creates_only_where_the_kind_allows_it(server: APIServer) -> None:
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}}
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    assert server.request("PUT", path, lease)[0] == 201
    code, status = server.request("PUT", path, lease)
    assert (code, status["details"]["causes"][0]["field"]) == (422, "metadata.resourceVersion")
    assert server.request("PUT", f"{MAPS}/m", config_map("m"))[0] == 404
    code, status = server.request("PUT", f"{MAPS}/m", {"apiVersion": "v1", "kind": "ConfigMap"})
    assert code == 400
    assert "was undeterminable" in status["message"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"paused": "x"}, ".spec.paused: expected boolean, got string"),
        ({"replicas": "2"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"odd": 1}, ".spec.odd: field not declared in schema"),
        ("x", '.spec: expected map, got &value.valueUnstructured{Value:"x"}'),
        ({"template": {"spec": {"containers": {}}}}, ".spec.template.spec.containers: expected list"),
        ({"template": {"spec": {"containers": [{"image": "i"}]}}}, "element 0: associative list with keys"),
        (
            {"template": {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}},
            '.spec.template.spec.containers: duplicate entries for key [name="a"]',
        ),
        ({"odd": 1, "even": 2}, "errors:\n  .spec.odd: field not declared in schema\n  .spec.even"),
    ],
)
def test_configurations_that_do_not_fit_the_schema(server: APIServer, spec: Any, message: str) -> None:
    config = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    path = f"{DEPLOYMENTS}/web?fieldManager=a"
    code, status = server.request("PATCH", path, config, "application/apply-patch+yaml")
    assert code == 500
    head = "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): "
    assert status["message"].startswith(head)
    assert message in status["message"]


def test_a_watch_can_continue_at_a_bookmark(server: APIServer) -> None:
    watch = server.watch(f"{MAPS}?labelSelector=app=x")
    made(server, MAPS, config_map("m", labels={"app": "y"}))
    assert isinstance(watch, Watch)
    assert watch.poll() == []
    event = watch.bookmark()
    assert (event.type, event.object["kind"]) == ("BOOKMARK", "ConfigMap")
    version = event.object["metadata"]["resourceVersion"]
    assert int(version) == server.store.backend.revision
    server.request("PATCH", f"{MAPS}/m", {"metadata": {"labels": {"app": "x"}}}, MERGE)
    again = server.watch(f"{MAPS}?labelSelector=app=x&resourceVersion={version}")
    assert [each.type for each in again.poll()] == [each.type for each in watch.poll()] == ["ADDED"]
    with pytest.raises(StatusError):
        server.watch(f"{MAPS}/m")


def test_a_list_of_an_earlier_version_is_as_it_was(server: APIServer) -> None:
    made(server, MAPS, config_map("m"))
    version = server.request("GET", MAPS)[1]["metadata"]["resourceVersion"]
    server.request("DELETE", f"{MAPS}/m")
    _, then = server.request("GET", f"{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact")
    assert [obj["metadata"]["name"] for obj in then["items"]] == ["m"]
    assert then["metadata"]["resourceVersion"] == version
    assert server.request("GET", MAPS)[1]["items"] == []
    with pytest.raises(StatusError, match="strconv"):
        server.watch(f"{MAPS}?resourceVersion=x")


class TestStreams:
    """A body may be a stream, which is read to its end, and no further than a body may be long."""

    @pytest.mark.parametrize("group", ["api/v1", "apis/events.k8s.io/v1"])
    def test_it_is_read_in_parts(self, server: APIServer, group: str) -> None:
        event = {
            "metadata": {"name": "e"}, "action": "a", "reason": "r", "reportingInstance": "i",
            "reportingComponent" if group == "api/v1" else "reportingController": "c.io/c",
            "type": "Normal", "eventTime": "2026-01-01T00:00:00.000000Z",
            "involvedObject" if group == "api/v1" else "regarding": {"kind": "Pod", "namespace": "default"},
        }  # fmt: skip
        stream = Parts(json.dumps(event).encode())
        response = server.send(Request("POST", f"/{group}/namespaces/default/events", stream))
        assert (response.code, stream.rest) == (201, b"")
        assert response.object["reason"] == "r"

    def test_a_patch_and_an_empty_deletion(self, server: APIServer) -> None:
        made(server, MAPS, config_map("m"))
        patch = Request("PATCH", f"{MAPS}/m", Parts(b'{"data":{"a":"2"}}'), MERGE)
        assert server.send(patch).object["data"] == {"a": "2"}
        assert server.send(Request("DELETE", f"{MAPS}/m", Parts(b""))).code == 200

    def test_one_that_is_too_long_is_not_read_to_its_end(self, server: APIServer) -> None:
        stream = Parts(b" " * 4_000_000)
        response = server.send(Request("POST", MAPS, stream))
        assert (response.code, response.object["reason"]) == (413, "RequestEntityTooLarge")
        assert len(stream.rest) == 4_000_000 - 3 * 1024 * 1024 - 1

    def test_one_that_breaks_off(self, server: APIServer) -> None:
        response = server.send(Request("POST", MAPS, Parts(b"{", OSError("reset by peer"))))
        assert response.code == 500
        assert response.object["message"].endswith("the body cannot be read: reset by peer")


class Parts:
    """A stream that gives at most a thousand bytes at a time, and may fail then."""

    def __init__(self, data: bytes, failure: OSError | None = None) -> None:
        self.rest, self._failure = data, failure

    def read(self, size: int, /) -> bytes:
        if not self.rest and self._failure is not None:
            raise self._failure
        part = self.rest[: min(size, 1000)]
        self.rest = self.rest[len(part) :]
        return part


class TestWarnings:
    """Fields that the decoder does not know are dropped, and the client is warned of each."""

    unknown = (
        'unknown field "spec.containers[0].imagePulPolicy"',
        'unknown field "spec.schedulr"',
    )

    def sent(self, server: APIServer, query: str = "", **spec: Any) -> Response:
        container = {"name": "c", "image": "i:1", "imagePulPolicy": "Never"}
        body = pod("a", schedulr="mine", **{"containers": [container], **spec})
        return server.send(Request("POST", f"{PODS}{query}", body))

    def test_a_create_warns_of_unknown_fields(self, server: APIServer) -> None:
        response = self.sent(server)
        assert (response.code, sorted(response.warnings)) == (201, sorted(self.unknown))
        assert "schedulr" not in response.object["spec"]

    def test_a_refused_create_warns_too(self, server: APIServer) -> None:
        response = self.sent(server, restartPolicy="Sometimes")
        assert (response.code, sorted(response.warnings)) == (422, sorted(self.unknown))

    def test_validation_can_be_strict_or_ignored(self, server: APIServer) -> None:
        assert self.sent(server, "?fieldValidation=Ignore").warnings == ()
        strict = self.sent(server, "?fieldValidation=Strict")
        assert (strict.code, strict.warnings) == (400, ())
        assert all(warning in strict.object["message"] for warning in self.unknown)

    def test_patches_and_applies_warn(self, server: APIServer) -> None:
        made(server, MAPS, config_map("m"))
        for kind in (MERGE, "application/strategic-merge-patch+json"):
            response = server.send(Request("PATCH", f"{MAPS}/m", {"dta": {"a": "2"}}, kind))
            assert (response.code, response.warnings) == (200, ('unknown field "dta"',))


def test_parameters_may_be_repeated(server: APIServer) -> None:
    code, status = server.request("POST", f"{MAPS}?dryRun=All&dryRun=None", config_map("m"))
    assert code == 422
    assert 'dryRun: Unsupported value: ["All","None"]' in status["message"]
    assert server.request("POST", f"{MAPS}?dryRun=All&dryRun=All", config_map("m"))[0] == 201
    assert server.request("GET", f"{MAPS}/m")[0] == 404


def test_a_watch_is_a_response_whose_body_is_the_stream(server: APIServer) -> None:
    response = server.send(Request("GET", f"{MAPS}?watch=1"))
    assert response.code == 200
    made(server, MAPS, config_map("m"))
    assert not isinstance(response.body, dict)
    assert [(each.type, each.object["metadata"]["name"]) for each in response.body.poll()] == [("ADDED", "m")]
    assert server.send(Request("GET", f"{MAPS}?watch=1&labelSelector=a,,b")).code == 400


def test_events_are_watched_under_both_groups(server: APIServer) -> None:
    watch = server.watch("/apis/events.k8s.io/v1/namespaces/default/events")
    about = {"kind": "Pod", "namespace": "default", "name": "p"}
    event = {"metadata": {"name": "e"}, "involvedObject": about, "message": "hello", "type": "Normal"}
    made(server, "/api/v1/namespaces/default/events", event)
    [seen] = watch.poll()
    assert (seen.object["apiVersion"], seen.object["note"]) == ("events.k8s.io/v1", "hello")
    assert seen.object["regarding"] == about


class TestPodGeneration:
    """``metadata.generation`` of a pod counts changes of its spec (KEP-5067)."""

    def generation(self, server: APIServer) -> Any:
        return server.request("GET", f"{PODS}/a")[1]["metadata"]["generation"]

    def test_spec_changes_and_the_deletion_count(self, server: APIServer) -> None:
        assert made(server, PODS, pod("a", nodeName="n"))["metadata"]["generation"] == 1
        for change, expected in (
            ({"metadata": {"labels": {"x": "y"}}}, 1),
            ({"spec": {"activeDeadlineSeconds": 9}}, 2),
            ({"metadata": {"generation": 7}}, 2),
        ):
            server.request("PATCH", f"{PODS}/a", change, MERGE)
            assert self.generation(server) == expected
        server.request("PATCH", f"{PODS}/a/status", {"status": {"phase": "Running"}}, MERGE)
        assert self.generation(server) == 2
        assert server.request("DELETE", f"{PODS}/a")[1]["metadata"]["generation"] == 3

    def test_a_binding_does_not_count(self, server: APIServer) -> None:
        made(server, PODS, pod("a"))
        assert server.request("POST", f"{PODS}/a/binding", {"target": {"name": "n"}})[0] == 201
        assert self.generation(server) == 1

    def test_what_was_observed_is_kept_when_a_status_leaves_it_out(self, server: APIServer) -> None:
        made(server, PODS, pod("a"))
        ready = {"type": "Ready", "status": "True"}
        seen = {
            "observedGeneration": 1,
            "conditions": [{**ready, "observedGeneration": 1}],
            "phase": "Running",
        }
        server.request("PATCH", f"{PODS}/a/status", {"status": seen}, MERGE)
        whole = server.request("GET", f"{PODS}/a")[1]
        status = {"phase": "Running", "conditions": [{**ready, "status": "False"}]}
        owners = [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}]
        metadata = {**whole["metadata"], "ownerReferences": owners}
        _, updated = server.request(
            "PUT", f"{PODS}/a/status", {**whole, "metadata": metadata, "status": status}
        )
        assert updated["status"]["observedGeneration"] == 1
        assert updated["status"]["conditions"][0]["observedGeneration"] == 1
        assert updated["status"]["qosClass"] == "BestEffort"
        assert "ownerReferences" not in updated["metadata"]


class TestPodTopologyLabels:
    """A pod gets the zone and region of its node (KEP-4742)."""

    zone, region = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"

    @pytest.fixture(autouse=True)
    def node(self, server: APIServer) -> None:
        labels = {self.zone: "z", self.region: "r", "other": "o"}
        made(server, "/api/v1/nodes", {"metadata": {"name": "n", "labels": labels}})

    def test_when_it_is_created_with_one(self, server: APIServer) -> None:
        labels = made(server, PODS, pod("a", nodeName="n"))["metadata"]["labels"]
        assert labels == {"app": "a", self.zone: "z", self.region: "r"}

    def test_when_it_is_bound_to_one(self, server: APIServer) -> None:
        body = pod("a")
        body["metadata"]["labels"][self.zone] = "mine"
        made(server, PODS, body)
        assert server.request("POST", f"{PODS}/a/binding", {"target": {"name": "n"}})[0] == 201
        labels = server.request("GET", f"{PODS}/a")[1]["metadata"]["labels"]
        assert labels == {"app": "a", self.zone: "mine", self.region: "r"}


class TestResize:
    """``pods/resize`` changes cpu and memory of a pod, and nothing else (KEP-1287)."""

    path = f"{PODS}/a/resize"
    strategic = "application/strategic-merge-patch+json"

    @pytest.fixture(autouse=True)
    def running(self, server: APIServer) -> None:
        resources = {
            "requests": {"cpu": "100m", "example.com/x": "1"},
            "limits": {"memory": "1Gi", "example.com/x": "1"},
        }
        init = [{"name": "i", "image": "i"}, {"name": "s", "image": "i", "restartPolicy": "Always"}]
        spec = {"containers": [{"name": "c", "image": "i", "resources": resources}], "initContainers": init}
        made(server, PODS, pod("a", nodeName="n", **spec))

    def patched(
        self, server: APIServer, resources: Object, containers: str = "containers", name: str = "c"
    ) -> Any:
        body = {"spec": {containers: [{"name": name, "resources": resources}]}}
        return server.request("PATCH", self.path, body, self.strategic)

    def test_cpu_and_memory_may_change(self, server: APIServer) -> None:
        code, resized = self.patched(
            server, {"requests": {"cpu": "200m", "memory": "1Gi"}, "limits": {"cpu": "2"}}
        )
        assert code == 200, resized
        assert resized["metadata"]["generation"] == 2
        assert resized["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "200m"
        assert server.request("GET", self.path)[1]["spec"] == resized["spec"]
        assert self.patched(server, {"requests": {"cpu": "50m"}}, "initContainers", "s")[0] == 200

    @pytest.mark.parametrize(
        ("status", "why"),
        [
            (None, 'node "m" not found'),
            (
                {"declaredFeatures": ["RestartAllContainersOnContainerExits"]},
                "pod update requires features InPlacePodLevelResourcesVerticalScaling which are not available on "
                'node "m"',
            ),
            ({"declaredFeatures": ["InPlacePodLevelResourcesVerticalScaling"]}, None),
        ],
        ids=["no node", "lacking", "declared"],
    )
    def test_the_pods_own_resources_change_where_the_node_can(
        self, server: APIServer, status: Object | None, why: str | None
    ) -> None:
        """NodeDeclaredFeatureValidator (KEP-5328, ``node.status.declaredFeatures``)."""
        if status is not None:
            made(server, "/api/v1/nodes", {"metadata": {"name": "m"}, "status": status})
        spec = {"containers": [{"name": "c", "image": "i"}], "resources": {"requests": {"cpu": "1"}}}
        made(server, PODS, pod("b", nodeName="m", **spec))
        body = {"spec": {"resources": {"requests": {"cpu": "2"}}}}
        code, answer = server.request("PATCH", f"{PODS}/b/resize", body, self.strategic)
        if why is None:
            assert (code, answer["spec"]["resources"]["requests"]["cpu"]) == (200, "2")
        else:
            assert (code, answer["message"]) == (403, f'pods "b" is forbidden: {why}')

    def test_other_changes_are_dropped(self, server: APIServer) -> None:
        _, whole = server.request("GET", f"{PODS}/a")
        container = {**whole["spec"]["containers"][0], "image": "other"}
        spec = {**whole["spec"], "containers": [container], "activeDeadlineSeconds": 9}
        metadata = {**whole["metadata"], "labels": {"x": "y"}}
        code, resized = server.request("PUT", self.path, {**whole, "metadata": metadata, "spec": spec})
        assert code == 200, resized
        assert (resized["spec"], resized["metadata"]["generation"]) == (whole["spec"], 1)
        assert resized["metadata"]["labels"] == whole["metadata"]["labels"]

    @pytest.mark.parametrize(
        ("resources", "containers", "name", "field", "why"),
        [
            ({"requests": {"cpu": None}}, "containers", "c", "spec.containers[0].resources.requests",
             "cannot be removed"),
            ({"limits": {"example.com/x": "2"}, "requests": {"example.com/x": "2"}}, "containers", "c", "spec",
             "only cpu and memory resources are mutable"),
            ({"requests": {"cpu": "1"}}, "initContainers", "i", "spec",
             "resources for non-sidecar init containers are immutable"),
            ({"requests": {"cpu": "-1"}}, "containers", "c", "spec.containers[0].resources.requests[cpu]",
             "must be greater than or equal to 0"),
        ],
    )  # fmt: skip
    def test_what_is_refused(
        self, server: APIServer, resources: Object, containers: str, name: str, field: str, why: str
    ) -> None:
        code, status = self.patched(server, resources, containers, name)
        assert code == 422
        assert any(each["field"] == field and why in each["message"] for each in status["details"]["causes"])

    def test_the_class_of_service_may_not_change(self, server: APIServer) -> None:
        made(server, PODS, pod("b"))
        body = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}}
        code, status = server.request("PATCH", f"{PODS}/b/resize", body, self.strategic)
        assert code == 422
        assert "Pod QOS Class may not change as a result of resizing" in status["message"]

    def test_containers_stay_who_they_are(self, server: APIServer) -> None:
        body = {"spec": {"containers": [{"name": "new", "image": "i"}]}}
        code, status = server.request("PATCH", self.path, body, self.strategic)
        assert code == 422
        assert [each["field"] for each in status["details"]["causes"]] == ["spec"]

    def test_limits_and_quotas_hold(self, server: APIServer) -> None:
        limits = [{"type": "Container", "max": {"cpu": "1"}}]
        made(
            server,
            "/api/v1/namespaces/default/limitranges",
            {"metadata": {"name": "l"}, "spec": {"limits": limits}},
        )
        over = {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}
        assert self.patched(server, over)[0] == 403
        server.request("DELETE", "/api/v1/namespaces/default/limitranges/l")
        quotas = "/api/v1/namespaces/default/resourcequotas"
        made(server, quotas, {"metadata": {"name": "q"}, "spec": {"hard": {"requests.cpu": "1"}}})
        used = {"status": {"hard": {"requests.cpu": "1"}, "used": {"requests.cpu": "100m"}}}
        assert server.request("PATCH", f"{quotas}/q/status", used, MERGE)[0] == 200
        assert self.patched(server, over)[0] == 403
        for name, amount in (("c", "900m"),):
            body = {"spec": {"containers": [{"name": name, "resources": {"requests": {"cpu": amount}}}]}}
            assert server.request("PATCH", self.path, body, self.strategic)[0] == 403  # the sidecar has none
        server.request("DELETE", f"{quotas}/q")
        assert self.patched(server, over)[0] == 200


class TestListsAndWatches:
    """Resource versions of lists and watches, and the combinations of parameters."""

    def begun(self, server: APIServer, query: str) -> list[str]:
        response = server.send(Request("GET", f"{MAPS}?watch=true&{query}"))
        assert not isinstance(response.body, dict), response.body
        return [each.type for each in response.body.poll()]

    def test_a_watch_from_no_version_begins_with_what_exists(self, server: APIServer) -> None:
        made(server, MAPS, config_map("m"))
        now = server.store.backend.revision
        later = "resourceVersionMatch=NotOlderThan"
        assert self.begun(server, "") == self.begun(server, "resourceVersion=0") == ["ADDED"]
        assert self.begun(server, "allowWatchBookmarks=true") == ["ADDED", "BOOKMARK"]
        assert self.begun(server, f"sendInitialEvents=true&{later}&allowWatchBookmarks=1") == [
            "ADDED",
            "BOOKMARK",
        ]
        assert self.begun(server, f"sendInitialEvents=true&{later}") == ["ADDED"]
        assert self.begun(server, f"sendInitialEvents=false&{later}&resourceVersion=0") == []
        assert self.begun(server, f"resourceVersion={now}") == []

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("watch=1&resourceVersion=abc", 500),
            ("watch=1&resourceVersion=999999", 504),
            ("watch=1&resourceVersionMatch=Exact&resourceVersion=1", 422),
            ("watch=1&sendInitialEvents=true", 422),
            ("resourceVersion=abc", 400),
            ("resourceVersion=-1", 400),
            ("resourceVersion=999999", 504),
            ("resourceVersionMatch=Exact", 422),
            ("resourceVersionMatch=Exact&resourceVersion=0", 422),
            ("resourceVersionMatch=Newest&resourceVersion=1", 422),
            ("sendInitialEvents=true", 422),
            ("limit=-1", 200),
        ],
    )
    def test_parameters_are_validated(self, server: APIServer, query: str, code: int) -> None:
        assert server.send(Request("GET", f"{MAPS}?{query}")).code == code

    def test_a_list_is_of_a_version_or_later(self, server: APIServer) -> None:
        first = made(server, MAPS, config_map("a"))["metadata"]["resourceVersion"]
        made(server, MAPS, config_map("b"))
        for query, count in (
            (f"resourceVersion={first}", 2),
            (f"resourceVersion={first}&resourceVersionMatch=NotOlderThan", 2),
            (f"resourceVersion={first}&resourceVersionMatch=Exact", 1),
            (f"resourceVersion={first}&limit=5", 1),
        ):
            assert len(server.request("GET", f"{MAPS}?{query}")[1]["items"]) == count, query
