"""Values of Secrets and of environment variables appear in no message, event, representation or saved history."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

import kschedcore as ks
from kschedcore.api.machinery.confidential import MASK, masked, masked_pair
from kschedcore.apiserver import APIServer
from kschedcore.chaos.generator import random_history
from kschedcore.chaos.histories import History, Request
from kschedcore.cli import run

CANARY = "c4n4ryV4lu3"
ENCODED = base64.b64encode(CANARY.encode()).decode()
SECRETS, PODS = "/api/v1/namespaces/default/secrets", "/api/v1/namespaces/default/pods"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"

Object = dict[str, Any]


def hides(text: object) -> bool:
    """Whether a text shows neither the canary nor its base64."""
    shown = text if isinstance(text, str) else json.dumps(text, default=repr)
    return CANARY not in shown and ENCODED not in shown


def pod(env: Any, **fields: Any) -> Object:
    container = {"name": "c", "image": "i", "env": env, **fields}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}


def secret(**fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **fields}


VARIABLE = {"name": "E", "value": CANARY}
BAD_SECRETS = [
    secret(data={"k": CANARY + "!"}),
    secret(data={"a b": ENCODED}),
    secret(data=CANARY),
    secret(data=[CANARY]),
    secret(data={"k": [CANARY]}),
    secret(stringData={"k": {"x": CANARY}}),
    secret(stringData=CANARY),
    secret(type="kubernetes.io/tls", stringData={"x": CANARY}),
]
BAD_PODS = [
    pod([CANARY]),
    pod(CANARY),
    pod({"E": CANARY}),
    pod([{"name": "E", "value": [CANARY]}]),
    pod([{"value": CANARY}]),
    pod([VARIABLE], image=""),
    pod([VARIABLE], resources={"requests": {"cpu": "x"}}),
    pod([{**VARIABLE, "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]),
]


@pytest.fixture
def server() -> APIServer:
    server = APIServer()
    account = {"metadata": {"name": "default"}}
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    return server


@pytest.mark.parametrize("body", [*BAD_SECRETS, *BAD_PODS])
def test_refusals_hide_values(server: APIServer, body: Object) -> None:
    path = SECRETS if body["kind"] == "Secret" else PODS
    for sent in (body, json.dumps(body), json.dumps(body)[:-3]):
        code, status = server.request("POST", f"{path}?fieldValidation=Strict", sent)
        assert code >= 400
        assert hides(status)


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (MERGE, {"data": {"k": CANARY}}),
        (MERGE, {"data": {"k": ENCODED}}),
        (STRATEGIC, {"data": CANARY}),
        (STRATEGIC, {"data": {"k": [CANARY]}}),
        (JSON_PATCH, [{"op": "test", "path": "/data/k", "value": CANARY}]),
        (JSON_PATCH, [{"op": "add", "path": "/data/k", "value": [CANARY]}]),
        (APPLY, secret(data=[CANARY])),
        (APPLY, secret(data={"k": [CANARY]})),
    ],
)
def test_refused_patches_of_a_secret_hide_values(server: APIServer, kind: str, patch: Any) -> None:
    created = secret(stringData={"k": "other"}, immutable=True)
    assert server.request("POST", SECRETS, created)[0] == 201
    code, status = server.request("PATCH", f"{SECRETS}/s?fieldManager=f", patch, kind)
    assert code >= 400
    assert hides(status)


def test_refused_changes_of_variables_hide_values(server: APIServer) -> None:
    assert server.request("POST", PODS, pod([VARIABLE]))[0] == 201
    code, status = server.request("PUT", f"{PODS}/p", pod([{"name": "E", "value": CANARY + "2"}]))
    assert (code, status["reason"]) == (422, "Invalid")
    assert hides(status)
    assert "*** (before)" in status["message"]
    assert "*** (after)" in status["message"]
    spec = {**pod([VARIABLE])["spec"], "restartPolicy": "Never"}
    job = {"metadata": {"name": "j"}, "spec": {"template": {"spec": spec}}}
    assert server.request("POST", JOBS, job)[0] == 201
    spec = {**pod([{"name": "E", "value": CANARY + "2"}])["spec"], "restartPolicy": "Never"}
    code, status = server.request("PATCH", f"{JOBS}/j", {"spec": {"template": {"spec": spec}}}, MERGE)
    assert code == 422
    assert hides(status)


@pytest.mark.parametrize("body", [*BAD_SECRETS, *BAD_PODS])
def test_errors_of_commands_hide_values(body: Object, tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "in.json"
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [node, body]}))
    for line in (["schedule"], ["fit"], ["explain", "p"]):
        assert run([*line, "-f", str(path)]) in (0, 1, 2)
        printed = capsys.readouterr()
        assert hides(printed.out + printed.err)


def test_views_decisions_and_stored_objects_hide_values() -> None:
    engine = ks.Engine()
    engine.set_node({"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "1", "pods": "9"}}})
    decision = engine.decide(pod([VARIABLE]))
    assert decision.node == "n"
    for shown in (
        decision,
        decision.pod,
        engine.explain(pod([VARIABLE])),
        engine.schedule([pod([VARIABLE])]),
    ):
        assert hides(f"{shown!r} {shown}")


def test_clusters_hide_values() -> None:
    labels = {"app": "a", "env": "production"}
    large = pod([VARIABLE], resources={"requests": {"cpu": "9000"}})
    template = {"metadata": {"labels": labels}, "spec": large["spec"]}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    with ks.Cluster.simulated(nodes=1, seed=1) as cluster:
        results = [cluster.apply(each) for each in (large, deployment, secret(stringData={"k": CANARY}))]
        assert hides(repr(results))
        cluster.run_for("1m")
        assert cluster.list("events")
        assert hides(cluster.list("events"))
        stored = [*cluster.list("pods"), *cluster.list("deployments"), *cluster.list("secrets")]
        assert len(stored) == 4
        for each in stored:
            assert hides(repr(each))
        assert "production" in repr(stored)


def test_saved_histories_hide_values() -> None:
    bodies = (
        Request("POST", PODS, pod([VARIABLE])),
        Request("POST", SECRETS, {"metadata": {"name": "s"}, "data": {"k": ENCODED}}),
        Request("PATCH", f"{SECRETS}/s", {"stringData": {"k": CANARY}}),
    )
    text = History(1, bodies).to_json()
    assert hides(text)
    server = APIServer()
    account = {"metadata": {"name": "default"}}
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    for step in History.from_json(text).steps:
        assert isinstance(step, Request)
        kind = MERGE if step.method == "PATCH" else "application/json"
        assert server.request(step.method, step.path, step.body, kind)[0] in (200, 201)


def test_a_history_without_confidential_values_is_saved_as_it_is() -> None:
    history = random_history(7)
    assert History.from_json(history.to_json()) == history


def test_masks_show_whether_values_differ() -> None:
    def two(first: str, second: str) -> Object:
        return {"containers": [{"env": [{"name": "A", "value": first}, {"name": "B", "value": second}]}]}

    before, after = masked_pair(two("x", "y"), two("x", "z"))
    assert [each["value"] for each in before["containers"][0]["env"]] == [MASK, "*** (before)"]
    assert [each["value"] for each in after["containers"][0]["env"]] == [MASK, "*** (after)"]
    labels = {"metadata": {"labels": {"env": "production"}}}
    assert masked(labels) == labels


@pytest.mark.parametrize(
    "value",
    [
        f"*{CANARY}", f"!{CANARY} x", f"!!{CANARY} x", f"!!int {CANARY}", f'"{CANARY}', f"'{CANARY}' {CANARY}",
        f"{CANARY}: {CANARY}: x", f'"{CANARY}\\q"', f"[{CANARY}", f"{CANARY}\a", f"&a [*a, {CANARY}]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["in.yaml", "in.json"])
def test_yaml_errors_hide_values(value: str, name: str, tmp_path: Any, capsys: Any) -> None:
    """A password may look like an alias, a tag or a broken scalar, and a file may be nothing but a password."""
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: "
    for text in (f"{secret}{value}\n", value, f"- {value}\n"):
        path = tmp_path / name
        path.write_text(text)
        for line in (["schedule"], ["explain", "p"]):
            assert run([*line, "-f", str(path)]) in (0, 1, 2)
            printed = capsys.readouterr()
            assert hides(printed.out + printed.err), text
