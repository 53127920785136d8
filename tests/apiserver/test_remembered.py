"""Cached results about specs change only the time of a response."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kschedcore.api.machinery.frozen import FROZEN
from kschedcore.api.machinery.remembered import forget
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE
from kschedcore.apiserver import APIServer
from kschedcore.apiserver.bodies import APPLY, STRATEGIC
from kschedcore.client.transport import JSON

Object = dict[str, Any]
Request = tuple[str, str, Any, str]
PODS = "/api/v1/namespaces/default/pods"
STATUS = {"status": {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.0.0.1"}}

AFFINITY = {
    "podAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {
                "topologyKey": "zone",
                "labelSelector": {"matchLabels": {"app": "web"}},
                "matchLabelKeys": ["version"],
            }
        ]
    }
}
SPEC_FIELDS: dict[str, list[Any]] = {
    "automountServiceAccountToken": [False, True],
    "serviceAccountName": ["default", "builder"],
    "priorityClassName": ["high"],
    "runtimeClassName": ["heavy"],
    "tolerations": [[{"operator": "Exists"}], [{"key": "a", "operator": "Equal", "value": "b"}]],
    "affinity": [AFFINITY],
    "schedulingGates": [[{"name": "a.b/gate"}]],
    "hostNetwork": [True],
    "restartPolicy": ["Never"],
    "nodeSelector": [{"disk": "ssd"}, {}],
    "unheardOf": [{"a": 1}],
}
WRONG_FIELDS: list[tuple[str, Any]] = [
    ("hostNetwork", 1),
    ("serviceAccountName", "missing"),
    ("priorityClassName", "unheard-of"),
    ("priority", 7),
    ("runtimeClassName", "unheard-of"),
    ("restartPolicy", "Sometimes"),
    ("nodeSelector", {"runtime": "light"}),
    ("containers", [{"name": "a", "image": "b", "resources": {"requests": {"cpu": "much"}}}]),
    ("containers", [{"name": "a"}]),
]
RESOURCES = [
    {},
    {"requests": {"cpu": "500m"}},
    {"limits": {"cpu": "1000m", "memory": "1Gi"}},
    {"requests": {"cpu": 1}, "limits": {"cpu": "3"}},
]
CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
LIMITS = "/api/v1/namespaces/default/limitranges"
QUOTAS = "/api/v1/namespaces/default/resourcequotas"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
AT_FIRST: list[tuple[str, Object]] = [
    (ACCOUNTS, {"metadata": {"name": "default"}}),
    (ACCOUNTS, {"metadata": {"name": "builder"}, "imagePullSecrets": [{"name": "registry"}]}),
    (CLASSES, {"metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"}),
    (RUNTIMES, {"metadata": {"name": "heavy"}, "handler": "h", "overhead": {"podFixed": {"cpu": "100m"}}}),
]
LATER: list[tuple[str, Object]] = [
    (ACCOUNTS, {"metadata": {"name": "builder"}, "automountServiceAccountToken": False}),
    (CLASSES, {"metadata": {"name": "high"}, "value": 2000}),
    (CLASSES, {"metadata": {"name": "usual"}, "value": 7, "globalDefault": True}),
    (RUNTIMES, {"metadata": {"name": "heavy"}, "handler": "h", "scheduling": {
        "nodeSelector": {"runtime": "heavy"}, "tolerations": [{"key": "r", "operator": "Exists"}],
    }}),
    (LIMITS, {"metadata": {"name": "limits"}, "spec": {"limits": [
        {"type": "Container", "default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}, "max": {"cpu": "2"}},
    ]}}),
    (LIMITS, {"metadata": {"name": "limits"}, "spec": {"limits": [
        {"type": "Container", "default": {"cpu": "800m", "memory": "1Gi"}},
        {"type": "Pod", "max": {"memory": "3Gi"}},
    ]}}),
    (QUOTAS, {"metadata": {"name": "quota"}, "spec": {"hard": {"pods": "4"}}}),
]  # fmt: skip


@st.composite
def specs(draw: st.DrawFn) -> Object:
    names = draw(st.sampled_from([["app"], ["app", "proxy"]]))
    containers = [
        {"name": name, "image": "b:1", "resources": draw(st.sampled_from(RESOURCES))} for name in names
    ]
    fields = draw(st.lists(st.sampled_from(sorted(SPEC_FIELDS)), max_size=3, unique=True))
    spec = {"containers": containers, **{key: draw(st.sampled_from(SPEC_FIELDS[key])) for key in fields}}
    spec.update([draw(st.sampled_from(WRONG_FIELDS))] if draw(st.integers(0, 7)) == 0 else [])
    # The order of fields is no part of what a spec says, but of how it is written.
    return dict(draw(st.permutations(sorted(spec.items()))))


@st.composite
def histories(draw: st.DrawFn) -> list[Request]:
    """Pods of few templates, what the scheduler and the kubelet write of them, and rules that come and go."""
    templates = draw(st.lists(specs(), min_size=1, max_size=3))
    labels = st.sampled_from([{}, {"version": "1"}, {"version": "2", "app": "web"}, {"bad key": "x"}])
    names = draw(st.permutations("aaabbbcc"))
    requests: list[Request] = [("POST", collection, body, JSON) for collection, body in AT_FIRST]
    for number, name in enumerate(names):
        path, label = f"{PODS}/{name}", draw(labels)
        if not any(body and body["metadata"].get("name") == name for *_, body, _ in requests):
            body = {
                "metadata": {"name": name, "labels": label, "annotations": label},
                "spec": draw(st.sampled_from(templates)),
            }
            query = draw(st.sampled_from(["", "", "", "?dryRun=All", "?fieldValidation=Strict"]))
            requests.append(("POST", PODS + query, body, JSON))
        else:
            target = {"metadata": {}, "target": {"name": f"n{number}"}}
            applied = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": label}}
            writes: list[Request] = [
                ("PATCH", f"{path}?fieldManager=me", applied, APPLY),
                ("POST", f"{path}/binding", target, JSON),
                ("PATCH", f"{path}/status", {"metadata": {}, **STATUS}, STRATEGIC),
                ("PATCH", path, {"metadata": {"labels": label}}, STRATEGIC),
                ("PUT", path, {"metadata": {"labels": label}}, JSON),
                ("PUT", f"{path}/status", {"metadata": {}, **STATUS}, JSON),
            ]
            requests.append(draw(st.sampled_from(writes)))
        if draw(st.booleans()):
            collection, body = draw(st.sampled_from(LATER))
            requests.append(("DELETE", f"{collection}/{body['metadata']['name']}", None, JSON))
            requests.append(("POST", collection, body, JSON))
    return requests


def server_after(history: list[Request]) -> APIServer:
    server = APIServer()
    for method, path, body, content_type in history:
        server.request(method, path, body, content_type)
    return server


def answers(
    history: list[Request], *, before_each: Callable[[], None], as_sent: Callable[[Any], Any]
) -> Iterator[tuple[int, Object]]:
    server = APIServer()
    for method, path, body, content_type in history:
        before_each()
        if method == "PUT":
            # What a controller does: what it has read, with something else in it.
            code, pod = server.request("GET", path.removesuffix("/status"))
            body = (
                {**pod, **body, "metadata": {**pod["metadata"], **body["metadata"]}} if code == 200 else body
            )
        yield server.request(method, path, as_sent(body), content_type)


def text(body: Any) -> Any:
    return body if body is None else msgspec.json.encode(body)


@settings(max_examples=300)
@given(histories())
def test_a_server_that_remembers_answers_as_one_that_does_not(history: list[Request]) -> None:
    remembering = list(answers(history, before_each=lambda: None, as_sent=lambda body: body))
    forgetting = list(answers(history, before_each=forget, as_sent=text))
    assert remembering == forgetting
    assert msgspec.json.encode(remembering, order="sorted") == msgspec.json.encode(forgetting, order="sorted")


@settings(max_examples=100)
@given(histories())
def test_a_stored_pod_reads_as_itself(history: list[Request]) -> None:
    """An update may take the parts of the live object as read, since reading them again changes nothing."""
    server = server_after(history)
    for pod in server.request("GET", PODS)[1]["items"]:
        code, answer = server.request("PUT", f"{PODS}/{pod['metadata']['name']}", text(pod))
        assert (code, answer) == (200, {"kind": "Pod", "apiVersion": "v1", **pod})


@settings(max_examples=100)
@given(histories())
def test_pods_of_one_template_share_their_parts(history: list[Request]) -> None:
    server = server_after(history)
    specs: dict[bytes, Object] = {}
    for pod in server.store.list("pods", DEFAULT_NAMESPACE):
        assert type(pod["spec"]) in FROZEN
        if "nodeName" not in pod["spec"]:
            assert specs.setdefault(msgspec.json.encode(pod["spec"]), pod["spec"]) is pod["spec"]


def test_a_body_stays_its_senders() -> None:
    server = APIServer()
    server.request("POST", ACCOUNTS, {"metadata": {"name": "default"}})
    body: Object = {"metadata": {"name": "a", "labels": {"l": "1"}}, "spec": {"containers": [{"name": "c"}]}}
    body["spec"]["containers"][0]["image"] = "i"
    assert server.request("POST", PODS, body)[0] == 201
    body["metadata"].update(name="b")
    body["metadata"]["labels"]["l"] = "2"
    body["spec"]["containers"][0]["image"] = "j"
    assert server.request("POST", PODS, body)[0] == 201
    first, second = server.store.list("pods")
    assert (first["metadata"]["labels"], first["spec"]["containers"][0]["image"]) == ({"l": "1"}, "i")
    assert (second["metadata"]["labels"], second["spec"]["containers"][0]["image"]) == ({"l": "2"}, "j")
