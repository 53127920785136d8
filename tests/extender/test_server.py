"""The extender over loopback: asked by our own engine, by several clients at once, and by strangers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.extender.test_verbs import HEAD, extender, node, pod

from kschedcore.engine.config.loading import load_config
from kschedcore.engine.engine import Engine
from kschedcore.errors import UsageError
from kschedcore.extender.api_client import HTTPAPI
from kschedcore.extender.server import ExtenderServer
from kschedcore.extender.verbs import Extender
from kschedcore.manifests.manifests import Manifests
from kschedcore.testing.strategies import clusters, pods

CONFIGURATION = Path(__file__).parents[2] / "bindings/extender/kube-scheduler.yaml"


@contextmanager
def serving(asked: Extender, **options: Any) -> Iterator[ExtenderServer]:
    with ExtenderServer(asked, port=0, **options) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def post(server: ExtenderServer, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def asking(server: ExtenderServer, **more: Any) -> Any:
    """The shipped configuration, for a scheduler without any rule of its own."""
    config: Any = dict(Manifests.load(CONFIGURATION).config or {})
    config["extenders"] = [{**config["extenders"][0], "urlPrefix": server.url, "httpTimeout": "60s", **more}]
    none = {"disabled": [{"name": "*"}]}
    plugins = dict.fromkeys(("preFilter", "filter", "preScore", "score"), none)
    return {**config, "profiles": [{"schedulerName": "default-scheduler", "plugins": plugins}]}


@settings(max_examples=15, deadline=None)
@given(cluster=clusters(configured=False), data=st.data(), cached=st.booleans())
def test_a_scheduler_without_rules_that_asks_decides_as_one_with_all_rules(
    cluster: Any, data: st.DataObject, cached: bool
) -> None:
    waiting = [
        data.draw(pods(f"new-{number}", [n["metadata"]["name"] for n in cluster["nodes"]]))
        for number in range(3)
    ]
    with_rules = Engine(Manifests.from_cluster(cluster))
    loaded = Manifests.from_cluster(cluster)
    with serving(Extender(Engine(loaded), loaded.bound)) as server:
        asks = Engine(Manifests.from_cluster(cluster), config=asking(server, nodeCacheCapable=cached))
        for each in waiting:
            (expected,) = with_rules.schedule([each], preempt=False)
            (decision,) = asks.schedule([each], preempt=False)
            assert decision.node == expected.node
            if decision.node is not None:
                assert decision.feasible == expected.feasible
                asks.extenders.bind(decision.pod, decision.node)


@settings(max_examples=15, deadline=None)
@given(cluster=clusters(configured=False), data=st.data(), cached=st.booleans())
def test_preemption_with_its_consent_is_preemption(cluster: Any, data: st.DataObject, cached: bool) -> None:
    waiting = data.draw(pods("new", [n["metadata"]["name"] for n in cluster["nodes"]]))
    waiting["spec"]["priority"] = 1_000_000
    loaded = Manifests.from_cluster(cluster)
    with serving(Extender(Engine(loaded), loaded.bound)) as server:
        consents = [{"urlPrefix": server.url, "preemptVerb": "preempt", "nodeCacheCapable": cached}]
        asks = Engine(Manifests.from_cluster(cluster), config={**HEAD, "extenders": consents})
        expected = Engine(Manifests.from_cluster(cluster)).decide(waiting)
        decision = asks.decide(waiting)
    assert (decision.node, decision.nominated_node, decision.victims) == (
        expected.node,
        expected.nominated_node,
        expected.victims,
    )


def test_the_shipped_configuration_is_one() -> None:
    (read,) = load_config(Manifests.load(CONFIGURATION).config).extenders
    assert read.url_prefix == "http://127.0.0.1:8000"
    verbs = (read.filter_verb, read.prioritize_verb, read.preempt_verb, read.bind_verb)
    assert verbs == ("filter", "prioritize", "preempt", "bind")
    assert (read.weight, read.node_cache_capable) == (1, True)


def test_requests_at_once_are_answered_one_after_another() -> None:
    made = extender([node(f"n{number}", "1") for number in range(8)])
    names = [f"n{number}" for number in range(8)]

    def place(number: int) -> tuple[Any, Any]:
        name = f"p{number}"
        asked = json.dumps({"Pod": pod(name, "1"), "NodeNames": names}).encode()
        _, told = post(server, "/filter", asked)
        bind = {"PodName": name, "PodNamespace": "default", "PodUID": f"uid-{name}", "Node": names[number]}
        return told["NodeNames"], post(server, "/bind", json.dumps(bind).encode())

    with serving(made) as server, ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(place, range(8)))
        _, last = post(server, "/filter", json.dumps({"Pod": pod("last"), "NodeNames": names}).encode())
    for number, (passed, bound) in enumerate(answers):
        assert names[number] in passed
        assert bound == (200, {"Error": ""})
    assert sorted(last["FailedNodes"]) == names


class TestEdges:
    def test_a_connection_is_used_again(self) -> None:
        with serving(extender([node("a")])) as server:
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=30)
            for _ in range(3):
                connection.request("POST", "/filter", json.dumps({"Pod": pod("p"), "NodeNames": ["a"]}))
                assert json.loads(connection.getresponse().read())["NodeNames"] == ["a"]
            connection.close()

    def test_too_large_is_refused_unread(self) -> None:
        with serving(extender([]), max_body=100) as server:
            assert post(server, "/filter", b" " * 101) == (
                413,
                {"Error": "the request has 101 bytes; expected 100 at most"},
            )
            assert post(server, "/filter", b" " * 100)[0] == 400

    @pytest.mark.parametrize(
        ("length", "status"), [("-1", 400), ("many", 400), ("9" * 30, 413), ("٣", 400), (None, 411)]
    )
    def test_a_length_that_is_none(self, length: str | None, status: int) -> None:
        header = "" if length is None else f"Content-Length: {length}\r\n"
        with (
            serving(extender([])) as server,
            socket.create_connection(("127.0.0.1", server.server_port), 30) as client,
        ):
            client.sendall(f"POST /filter HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
            answer = client.makefile("rb").read()
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert b'{"Error":' in answer

    def test_a_body_cut_short(self) -> None:
        with (
            serving(extender([])) as server,
            socket.create_connection(("127.0.0.1", server.server_port), 30) as client,
        ):
            client.sendall(b"POST /filter HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}")
            client.shutdown(socket.SHUT_WR)
            assert b"the request ends after 2 of 9 bytes" in client.makefile("rb").read()

    def test_not_json_an_unknown_verb_and_a_get(self) -> None:
        with serving(extender([])) as server:
            assert post(server, "/filter", b"<html>")[0] == 400
            assert post(server, "/guess", b"{}")[0] == 404
            assert post(server, "/", b"{}")[0] == 404
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=30)
            connection.request("GET", "/filter")
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())) == (405, {"Error": "expected POST"})
            connection.close()

    def test_a_port_that_is_taken(self) -> None:
        with (
            serving(extender([])) as server,
            pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1"),
        ):
            ExtenderServer(extender([]), port=server.server_port)


class TestHTTPAPI:
    @pytest.mark.parametrize("url", ["nowhere", "https://host", "http://:1", "http://host:many"])
    def test_a_url_that_is_none(self, url: str) -> None:
        with pytest.raises(UsageError, match=url):
            HTTPAPI(url)

    def test_it_posts_json_and_reads_json(self) -> None:
        with serving(extender([])) as server:
            code, answer = HTTPAPI(server.url).request("POST", "/api/v1/guess", {"a": 1})
        assert (code, answer["Error"].split(";")[0]) == (404, "unknown verb 'api/v1/guess'")
        with pytest.raises(UsageError, match="API server http://127"):
            HTTPAPI(server.url).request("POST", "/", {})
