"""Watches over HTTPS."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

from tests.serving.conftest import Client

from kschedcore.serving import ServedCluster
from kschedcore.serving.watches import Encoder
from kschedcore.store.watch import WatchEvent


def lines(response: http.client.HTTPResponse, count: int) -> list[dict[str, Any]]:
    return [json.loads(response.readline()) for _ in range(count)]


def test_events_come_as_they_happen(client: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    version = client.send("GET", path)[1]["metadata"]["resourceVersion"]
    watch = client.watch(f"{path}?watch=1&resourceVersion={version}")
    for name in ("a", "b"):
        assert client.send("POST", path, {"metadata": {"name": name}})[0] == 201
    assert client.send("DELETE", f"{path}/a")[0] == 200
    events = lines(watch, 3)
    assert [(each["type"], each["object"]["metadata"]["name"]) for each in events] == [
        ("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a"),
    ]  # fmt: skip
    versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in events]
    assert versions == sorted(versions)


def test_a_watch_without_a_version_begins_with_what_exists(client: Client) -> None:
    watch = client.watch("/api/v1/nodes?watch=true")
    assert [each["object"]["metadata"]["name"] for each in lines(watch, 2)] == ["node-1", "node-2"]


def test_a_watch_ends_when_its_time_is_over(client: Client) -> None:
    watch = client.watch("/api/v1/limitranges?watch=true&timeoutSeconds=1")
    assert watch.read() == b""


def test_a_compacted_version_is_410_in_the_stream(served: ServedCluster, client: Client) -> None:
    served.call(
        lambda cluster: cluster.control_plane.server.store.compact(
            cluster.control_plane.server.store.backend.revision
        )
    )
    watch = client.watch("/api/v1/nodes?watch=true&resourceVersion=1")
    (event,) = lines(watch, 1)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    assert watch.read() == b""


def test_a_version_that_is_to_come_is_504(client: Client) -> None:
    code, body, headers = client.send("GET", "/api/v1/nodes?watch=true&resourceVersion=999999")
    assert (code, body["reason"]) == (504, "Timeout")
    assert headers["retry-after"] == "1"


def test_a_client_that_does_not_read_holds_up_no_one(client: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    version = client.send("GET", path)[1]["metadata"]["resourceVersion"]
    # The namespace may be given its root certificate meanwhile.
    query = f"watch=1&resourceVersion={version}&labelSelector=size=large"
    stalled, reading = client.watch(f"{path}?{query}"), client.watch(f"{path}?{query}")
    for number in range(40):
        metadata = {"name": f"c{number}", "labels": {"size": "large"}}
        body = {"metadata": metadata, "data": {"text": "x" * 200_000}}
        assert client.send("POST", path, body)[0] == 201
    assert [each["object"]["metadata"]["name"] for each in lines(reading, 40)] == [
        f"c{number}" for number in range(40)
    ]
    assert [each["object"]["metadata"]["name"] for each in lines(stalled, 40)] == [
        f"c{number}" for number in range(40)
    ]


def test_a_client_that_leaves_ends_its_watch(served: ServedCluster, client: Client) -> None:
    watching = served.call(lambda _: len(served.watches))
    client.watch("/api/v1/pods?watch=true&resourceVersion=0")
    assert served.call(lambda _: len(served.watches)) == watching + 1
    client.close()
    while served.call(lambda _: len(served.watches)) > watching:
        pass


def test_an_event_is_encoded_once() -> None:
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"uid": "1", "resourceVersion": "5", "name": "a"}}
    encoder = Encoder()
    first = encoder.line(WatchEvent("ADDED", obj))
    assert encoder.line(WatchEvent("ADDED", dict(obj))) is first
    assert json.loads(first) == {"type": "ADDED", "object": obj}
    assert encoder.line(WatchEvent("MODIFIED", obj)) is not first


def test_stopping_ends_watches(tmp_path: Path) -> None:
    import kschedcore as ks

    served = ServedCluster(ks.Cluster.simulated(nodes=1)).start()
    client = Client(served.kubeconfig, tmp_path)
    watch = client.watch("/api/v1/nodes?watch=true")
    assert len(lines(watch, 1)) == 1
    served.stop()
    assert watch.read() == b""
    client.close()
