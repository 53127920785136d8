"""Forms of an answer: tables, metadata alone, and what is not acceptable."""

from __future__ import annotations

from typing import Any

import pytest

from kschedcore.apiserver import APIServer
from kschedcore.apiserver.representations import Representation, negotiated
from kschedcore.client.transport import Request
from kschedcore.errors import StatusError

MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@pytest.fixture
def server() -> APIServer:
    server = APIServer()
    for name in "ab":
        body = {"metadata": {"name": name, "labels": {"x": name}}, "data": {"k": "v"}}
        assert server.request("POST", MAPS, body)[0] == 201
    return server


def got(server: APIServer, target: str, accept: str) -> Any:
    response = server.send(Request("GET", target, accept=accept))
    assert response.code == 200, response.body
    return response.body


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Representation.OBJECT),
        ("*/*", Representation.OBJECT),
        ("application/json", Representation.OBJECT),
        (TABLE, Representation.TABLE),
        (f"{TABLE},application/json", Representation.TABLE),
        (f"application/json;q=0.5, {TABLE};q=0.9", Representation.TABLE),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Representation.OBJECT),
        (METADATA, Representation.METADATA),
        (f"text/html, {METADATA}", Representation.METADATA),
    ],
)
def test_the_first_form_that_is_served_is_taken(accept: str, form: Representation) -> None:
    assert negotiated(accept) is form


@pytest.mark.parametrize("accept", ["text/csv", "application/json;as=Chart;v=v1;g=meta.k8s.io"])
def test_other_forms_are_not_acceptable(server: APIServer, accept: str) -> None:
    with pytest.raises(StatusError):
        negotiated(accept)
    for method, body in (("GET", None), ("POST", {"metadata": {"name": "c"}})):
        response = server.send(Request(method, MAPS, body, accept=accept))
        assert (response.code, response.object["reason"]) == (406, "NotAcceptable")
    assert server.request("GET", f"{MAPS}/c")[0] == 404


def test_a_list_as_a_table(server: APIServer) -> None:
    table = got(server, f"{MAPS}?limit=1", TABLE)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert [row["cells"] for row in table["rows"]] == [["a", 1, "0s"]]
    assert table["metadata"]["remainingItemCount"] == 1
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert got(server, f"{MAPS}?includeObject=None", TABLE)["rows"][0]["object"] is None
    assert got(server, f"{MAPS}?includeObject=Object", TABLE)["rows"][0]["object"]["data"] == {"k": "v"}


def test_an_object_as_a_table_or_as_metadata(server: APIServer) -> None:
    assert [row["cells"][0] for row in got(server, f"{MAPS}/b", TABLE)["rows"]] == ["b"]
    alone = got(server, f"{MAPS}/b", METADATA)
    assert alone.keys() == {"kind", "apiVersion", "metadata"}
    assert alone["metadata"]["labels"] == {"x": "b"}
    listed = got(server, MAPS, METADATA.replace("Metadata;", "MetadataList;"))
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b"]


def test_a_watch_of_tables_defines_its_columns_once(server: APIServer) -> None:
    events = got(server, f"{MAPS}?watch=true", TABLE).poll()
    assert [each.object["rows"][0]["cells"][0] for each in events] == ["a", "b"]
    assert [bool(each.object["columnDefinitions"]) for each in events] == [True, False]


def test_whatever_is_stored_has_cells(server: APIServer) -> None:
    pods = "/api/v1/namespaces/default/pods"
    server.request("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert server.request("POST", pods, pod)[0] == 201
    status = {"phase": "Failed", "containerStatuses": [{"name": "c", "restartCount": 2, "lastState": {
        "terminated": {"exitCode": 1, "finishedAt": "2025-12-31T23:59:00Z"}}}]}  # fmt: skip
    merge = "application/merge-patch+json"
    assert server.request("PATCH", f"{pods}/p/status", {"status": status}, merge)[0] == 200
    [row] = got(server, pods, TABLE)["rows"]
    assert row["cells"] == ["p", "0/1", "Failed", "2 (60s ago)", "0s", "<none>", "<none>", "<none>", "<none>"]
    assert row["conditions"][0]["reason"] == "Failed"


def test_requests_for_endpoints_warn_of_their_deprecation(server: APIServer) -> None:
    response = server.send(Request("GET", "/api/v1/namespaces/default/endpoints"))
    assert response.warnings == (
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    )
