"""The extender over loopback: requests from our own engine, from several clients at once, and invalid ones."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.extender.test_verbs import HEAD, extender, node, pod

from kschedcore.api.objects import Pod, decode
from kschedcore.client.transport import Request, Response
from kschedcore.engine.config.loading import load_config
from kschedcore.engine.engine import Engine
from kschedcore.errors import UsageError
from kschedcore.extender.api_client import HTTPAPI
from kschedcore.extender.bounds import Refused, Share
from kschedcore.extender.server import ExtenderServer, Limits
from kschedcore.extender.verbs import Extender
from kschedcore.manifests.manifests import Manifests
from kschedcore.testing.strategies import clusters, pods

CONFIGURATION = Path(__file__).parents[2] / "bindings/extender/kube-scheduler.yaml"


@contextmanager
def serving(extender: Extender, **options: Any) -> Iterator[ExtenderServer]:
    with ExtenderServer(extender, port=0, **options) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def post(server: ExtenderServer, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=600)
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def config_for(server: ExtenderServer, **more: Any) -> Any:
    """The shipped configuration, for a scheduler without any rule of its own."""
    config: Any = dict(Manifests.load(CONFIGURATION).config or {})
    config["extenders"] = [{**config["extenders"][0], "urlPrefix": server.url, "httpTimeout": "600s", **more}]
    none = {"disabled": [{"name": "*"}]}
    plugins = dict.fromkeys(("preFilter", "filter", "preScore", "score"), none)
    return {**config, "profiles": [{"schedulerName": "default-scheduler", "plugins": plugins}]}


@settings(max_examples=15)
@given(cluster=clusters(configured=False), data=st.data(), cached=st.booleans())
def test_a_scheduler_without_plugins_and_with_the_extender_decides_as_one_with_all_plugins(
    cluster: Any, data: st.DataObject, cached: bool
) -> None:
    waiting = [
        data.draw(pods(f"new-{number}", [n["metadata"]["name"] for n in cluster["nodes"]]))
        for number in range(3)
    ]
    with_rules = Engine(Manifests.from_cluster(cluster))
    loaded = Manifests.from_cluster(cluster)
    with serving(Extender(Engine(loaded), loaded.bound)) as server:
        client = Engine(Manifests.from_cluster(cluster), config=config_for(server, nodeCacheCapable=cached))
        for each in waiting:
            (expected,) = with_rules.schedule([each], preempt=False)
            (decision,) = client.schedule([each], preempt=False)
            assert decision.node == expected.node
            if decision.node is not None:
                assert decision.feasible == expected.feasible
                client.extenders.bind(decision.pod, decision.node)


@settings(max_examples=15)
@given(cluster=clusters(configured=False), data=st.data(), cached=st.booleans())
def test_preemption_with_its_consent_is_preemption(cluster: Any, data: st.DataObject, cached: bool) -> None:
    waiting = data.draw(pods("new", [n["metadata"]["name"] for n in cluster["nodes"]]))
    waiting["spec"]["priority"] = 1_000_000
    loaded = Manifests.from_cluster(cluster)
    with serving(Extender(Engine(loaded), loaded.bound)) as server:
        consents = [{"urlPrefix": server.url, "preemptVerb": "preempt", "nodeCacheCapable": cached}]
        client = Engine(Manifests.from_cluster(cluster), config={**HEAD, "extenders": consents})
        expected = Engine(Manifests.from_cluster(cluster)).decide(waiting)
        decision = client.decide(waiting)
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
        request_body = json.dumps({"Pod": pod(name, "1"), "NodeNames": names}).encode()
        _, filtered = post(server, "/filter", request_body)
        bind = {"PodName": name, "PodNamespace": "default", "PodUID": f"uid-{name}", "Node": names[number]}
        return filtered["NodeNames"], post(server, "/bind", json.dumps(bind).encode())

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
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=600)
            for _ in range(3):
                connection.request("POST", "/filter", json.dumps({"Pod": pod("p"), "NodeNames": ["a"]}))
                assert json.loads(connection.getresponse().read())["NodeNames"] == ["a"]
            connection.close()

    def test_too_large_is_refused_unread(self) -> None:
        with serving(extender([]), limits=Limits(body=100)) as server:
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
            socket.create_connection(("127.0.0.1", server.server_port), 600) as client,
        ):
            client.sendall(f"POST /filter HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
            answer = client.makefile("rb").read()
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert b'{"Error":' in answer

    def test_a_body_cut_short(self) -> None:
        with (
            serving(extender([])) as server,
            socket.create_connection(("127.0.0.1", server.server_port), 600) as client,
        ):
            client.sendall(b"POST /filter HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}")
            client.shutdown(socket.SHUT_WR)
            assert b"the request ends after 2 of 9 bytes" in client.makefile("rb").read()

    def test_not_json_an_unknown_verb_and_a_get(self) -> None:
        with serving(extender([])) as server:
            assert post(server, "/filter", b"<html>")[0] == 400
            assert post(server, "/guess", b"{}")[0] == 404
            assert post(server, "/", b"{}")[0] == 404
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=600)
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


class TestPeers:
    """Clients that hang up, trickle, come in crowds or send nonsense do not keep others from being answered."""

    def request(self, server: ExtenderServer, head: bytes) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", server.server_port), 600)
        client.sendall(head)
        return client

    def read(self, client: socket.socket) -> bytes:
        with client, client.makefile("rb") as file:
            return file.read()

    def answers(self, server: ExtenderServer) -> bool:
        request_body = json.dumps({"Pod": pod("p"), "NodeNames": ["a"]}).encode()
        return bool(post(server, "/filter", request_body)[1]["NodeNames"] == ["a"])

    def test_clients_at_once(self) -> None:
        """Every one of 300 clients that connect before any is answered gets its answer."""
        with serving(extender([node("a")])) as server:
            body = json.dumps({"Pod": pod("p"), "NodeNames": ["a"]}).encode()
            head = f"POST /filter HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            clients = [socket.create_connection(("127.0.0.1", server.server_port), 600) for _ in range(300)]
            for client in clients:
                client.sendall(head.encode() + body)
            for client in clients:
                assert self.read(client).startswith(b"HTTP/1.1 200 ")

    def test_idle_connections_make_way(self) -> None:
        with serving(extender([node("a")]), limits=Limits(connections=2)) as server:
            idle = [socket.create_connection(("127.0.0.1", server.server_port), 600) for _ in range(5)]
            assert self.answers(server)
            for each in idle:
                each.close()

    def test_a_client_that_hangs_up_after_its_request(self) -> None:
        with serving(extender([node("a")])) as server:
            for _ in range(20):
                head = b"POST /filter HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
                client = self.request(server, head)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            assert self.answers(server)

    @pytest.mark.parametrize(
        "sent", [b"POST /filter HT", b"POST /filter HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
    )
    def test_a_request_that_does_not_end(self, sent: bytes) -> None:
        with serving(extender([node("a")]), limits=Limits(request_seconds=0.2)) as server:
            answer = self.read(self.request(server, sent))
            assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
            server.limits = Limits()
            assert self.answers(server)

    def test_a_client_that_sends_nothing(self) -> None:
        with serving(extender([]), limits=Limits(idle_seconds=0.1)) as server:
            assert self.read(self.request(server, b"")) == b""

    def test_unfinished_large_bodies_are_bounded(self) -> None:
        """Large bodies wait for their share of what may be read at once; small ones do not."""
        limits = Limits(bytes_in_flight=3000, small_body=1000, request_seconds=2)
        with serving(extender([node("a")]), limits=limits) as server:
            head = b"POST /filter HTTP/1.1\r\nHost: x\r\nContent-Length: 1500\r\n\r\n{"
            clients = [self.request(server, head) for _ in range(3)]
            assert self.answers(server)
            assert {self.read(client).split()[1] for client in clients} <= {b"408", b"503"}
            assert post(server, "/filter", b" " * 1500)[0] == 400

    def test_the_share_of_bytes(self) -> None:
        share = Share(3000)
        with share.held(1500, 0), share.held(1500, 0):
            with pytest.raises(Refused) as refused, share.held(1, 0):
                pass
            assert refused.value.status == 503
            with share.held(0, 0):
                pass
        with share.held(3000, 0):
            pass

    @pytest.mark.parametrize(
        ("head", "status"),
        [
            (b"POST /filter HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}", b"411"),
            (b"POST /filter HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
            (b"PUT /filter HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b"405"),
            (b"FROB /filter HTTP/1.1\r\n\r\n", b"501"),
            (b"POST /filter HTTP/9.9\r\n\r\n", b"505"),
            (b"\x00\xff\xfe\r\n\r\n", b"400"),
            (b"POST /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", b"414"),
            (b"POST /filter HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431"),
            (b"POST /filter HTTP/1.1\r\na: " + b"b" * 70000 + b"\r\n\r\n", b"431"),
        ],
    )
    def test_hostile_requests(self, head: bytes, status: bytes) -> None:
        with serving(extender([node("a")])) as server:
            with self.request(server, head) as client, suppress(ConnectionResetError):
                answer = client.makefile("rb").readline()
                assert status in answer
            assert self.answers(server)


class TestHTTPAPI:
    def test_names_are_escaped_in_its_paths(self) -> None:
        requests = []

        class Recording:
            def send(self, request: Request) -> Response:
                requests.append(request.target)
                return Response(201, {})

        made = Extender(Engine(Manifests.from_cluster({"nodes": [node("a")]})), api=Recording())
        for name in ("../../../../apis/evil?x=", "a b#c", ".."):
            made._view.pending(decode(Pod, pod(name)))
            bind = {"PodName": name, "PodNamespace": "default", "PodUID": f"uid-{name}", "Node": "a"}
            _, answer = made.answer("bind", json.dumps(bind).encode())
            assert bool(answer["Error"]) == (name == "..")
        assert requests == [
            "/api/v1/namespaces/default/pods/..%2F..%2F..%2F..%2Fapis%2Fevil%3Fx%3D/binding",
            "/api/v1/namespaces/default/pods/a%20b%23c/binding",
        ]

    @pytest.mark.parametrize("url", ["nowhere", "https://host", "http://:1", "http://host:many"])
    def test_a_url_that_is_none(self, url: str) -> None:
        with pytest.raises(UsageError, match=url):
            HTTPAPI(url)

    def test_it_posts_json_and_reads_json(self) -> None:
        with serving(extender([])) as server:
            response = HTTPAPI(server.url).send(Request("POST", "/api/v1/guess", {"a": 1}))
        assert (response.code, response.object["Error"].split(";")[0]) == (404, "unknown verb 'api/v1/guess'")
        with pytest.raises(UsageError, match="API server http://127"):
            HTTPAPI(server.url).send(Request("POST", "/", {}))
