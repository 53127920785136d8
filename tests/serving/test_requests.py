"""Requests over HTTPS: who may, what is answered, in which form."""

from __future__ import annotations

import gzip
import json
import socket

import pytest
import yaml
from tests.serving.conftest import Client

from kschedcore.apiserver import aggregated_discovery
from kschedcore.serving.connections import HEADER_BYTES


def config_map(name: str, **data: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_without_credentials_only_health_and_version_are_answered(anonymous: Client) -> None:
    code, body, _ = anonymous.send("GET", "/api/v1/namespaces")
    assert (code, body["reason"]) == (401, "Unauthorized")
    for path in ("/healthz", "/livez", "/readyz"):
        assert anonymous.send("GET", path)[:2] == (200, b"ok")
    assert anonymous.send("GET", "/version")[1]["minor"] == "36"
    assert anonymous.send("GET", "/metrics")[0] == 401


def test_health_lists_its_checks(client: Client) -> None:
    text = client.send("GET", "/readyz?verbose")[1]
    assert b"[+]ping ok" in text
    assert text.endswith(b"readyz check passed\n")
    assert client.send("GET", "/livez/ping")[:2] == (200, b"ok")
    assert client.send("GET", "/livez/none")[0] == 404


def test_an_object_lives_its_life(client: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    code, made, headers = client.send("POST", path, config_map("a", key="1"))
    assert code == 201
    assert headers["content-type"] == "application/json"
    assert made["metadata"]["managedFields"]
    made["data"]["key"] = "2"
    assert client.send("PUT", f"{path}/a", made)[0] == 200
    assert client.send("PUT", f"{path}/a", made)[0] == 409
    patch = {"data": {"more": "3"}}
    code, patched, _ = client.send("PATCH", f"{path}/a", patch, Content_Type="application/merge-patch+json")
    assert (code, patched["data"]) == (200, {"key": "2", "more": "3"})
    assert client.send("DELETE", f"{path}/a")[0] == 200
    assert client.send("GET", f"{path}/a")[0] == 404


def test_answers_are_yaml_on_request(client: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = yaml.safe_dump(config_map("b", text="ä: 1")).encode()
    assert client.send("POST", path, body, Content_Type="application/yaml")[0] == 201
    code, text, headers = client.send("GET", f"{path}/b", Accept="application/yaml")
    assert (code, headers["content-type"]) == (200, "application/yaml")
    assert yaml.safe_load(text)["data"] == {"text": "ä: 1"}


def test_a_form_that_is_not_served_is_406(client: Client) -> None:
    code, body, _ = client.send("GET", "/api/v1/namespaces", Accept="text/csv")
    assert (code, body["reason"]) == (406, "NotAcceptable")


def test_tables(client: Client) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
    _, table, _ = client.send("GET", "/api/v1/namespaces/kube-system/serviceaccounts", Accept=accept)
    assert table["kind"] == "Table"
    assert [row["cells"][0] for row in table["rows"]] == ["default"]


def test_warnings_are_headers(client: Client, namespace: str) -> None:
    body = {**config_map("w"), "bogus": 1}
    code, _, headers = client.send("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)
    assert code == 201
    assert headers.get_all("warning") == ['299 - "unknown field \\"bogus\\""']


def test_large_answers_are_compressed_for_those_who_take_it(client: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert client.send("POST", path, config_map("large", text="x" * 200_000))[0] == 201
    _, packed, headers = client.send("GET", f"{path}/large", Accept_Encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed))["data"]["text"] == "x" * 200_000
    assert "content-encoding" not in client.send("GET", f"{path}/large")[2]
    assert "content-encoding" not in client.send("GET", f"{path}", Accept_Encoding="br")[2]


def test_a_body_that_is_too_large_is_413(client: Client, namespace: str) -> None:
    body = b'{"data": "' + b"x" * (3 << 20) + b'"}'
    code, status, _ = client.send("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)
    assert (code, status["reason"]) == (413, "RequestEntityTooLarge")


def test_what_cannot_be_read_is_a_status(client: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert client.send("POST", path, b"{")[0] == 400
    assert (
        client.send("POST", path, b"k8s\x00\xff", Content_Type="application/vnd.kubernetes.protobuf")[0]
        == 400
    )
    assert client.send("POST", path, b"a", Content_Type="text/plain")[0] == 415
    assert client.send("GET", "/apis/none/v1/things")[0] == 404
    assert client.send("DELETE", "/version")[0] == 405
    assert client.send("POST", "/openapi/v3", b"")[0] == 405


def test_head_has_no_body(client: Client) -> None:
    for path, code in (("/healthz", 200), ("/api/v1/namespaces/default", 405)):
        client.connection.request("HEAD", path)
        response = client.connection.getresponse()
        assert (response.status, response.read()) == (code, b"")
        assert int(response.headers["content-length"]) > 0


def test_aggregated_discovery_equals_discovery(client: Client) -> None:
    found = set()
    for root in ("/api", "/apis"):
        _, document, headers = client.send("GET", root, Accept=aggregated_discovery.MEDIA_TYPE)
        assert headers["content-type"] == aggregated_discovery.MEDIA_TYPE
        for group in document["items"]:
            name = group["metadata"].get("name", "")
            for version in group["versions"]:
                for resource in version["resources"]:
                    names = [resource["resource"]] if "responseKind" in resource else []
                    names += [
                        f"{resource['resource']}/{each['subresource']}"
                        for each in resource.get("subresources", ())
                    ]
                    found |= {(name, version["version"], each) for each in names}
    listed = {("", "v1", each["name"]) for each in client.send("GET", "/api/v1")[1]["resources"]}
    for group in client.send("GET", "/apis")[1]["groups"]:
        for version in group["versions"]:
            resources = client.send("GET", f"/apis/{version['groupVersion']}")[1]["resources"]
            listed |= {(group["name"], version["version"], each["name"]) for each in resources}
    assert found == listed


@pytest.mark.parametrize(
    "path", ["/", "/..", "/api/v1/../../etc/passwd", "/api//v1", "/%ff", "/api/v1/pods/%00"]
)
def test_strange_paths_are_not_found(client: Client, path: str) -> None:
    assert client.send("GET", path)[0] in (400, 404)


def test_headers_are_bounded(client: Client) -> None:
    raw = socket.create_connection((client.url.hostname, client.url.port), timeout=60)
    with client.context.wrap_socket(raw, server_hostname=client.url.hostname) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        sent = 0
        answer = b""
        try:
            while sent <= HEADER_BYTES * 4:
                connection.sendall(b"X-A: " + b"a" * 1000 + b"\r\n")
                sent += 1000
            answer = connection.recv(4096)
        except OSError:
            pass  # closed while we were still sending
        assert not answer or answer.startswith(b"HTTP/1.1 431")
    assert client.send("GET", "/healthz")[0] == 200


def test_what_is_no_http_is_refused(client: Client) -> None:
    raw = socket.create_connection((client.url.hostname, client.url.port), timeout=60)
    with client.context.wrap_socket(raw, server_hostname=client.url.hostname) as connection:
        connection.sendall(b"\x00\x01\x02 nothing\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")
    with socket.create_connection((client.url.hostname, client.url.port), timeout=60) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert not plain.recv(4096).startswith(b"HTTP/1.1 200")
    assert client.send("GET", "/healthz")[0] == 200
