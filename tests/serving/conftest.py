"""A served cluster and a plain HTTPS client for it."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

import kschedcore as ks
from kschedcore.serving import ServedCluster


class Client:
    """Sends requests to a server over one connection, with the kubeconfig's certificate or without any."""

    def __init__(self, kubeconfig: str, folder: Path, *, anonymous: bool = False) -> None:
        config = yaml.safe_load(kubeconfig)
        self.url = urlsplit(config["clusters"][0]["cluster"]["server"])
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
        self.context = ssl.create_default_context(cadata=authority.decode())
        if not anonymous:
            user = config["users"][0]["user"]
            pem = folder / "client.pem"
            pem.write_bytes(
                base64.b64decode(user["client-key-data"]) + base64.b64decode(user["client-certificate-data"])
            )
            self.context.load_cert_chain(pem)
        self._opened: list[http.client.HTTPSConnection | http.client.HTTPResponse] = []
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(
            self.url.hostname or "", self.url.port, context=self.context, timeout=60
        )
        self._opened.append(connection)
        return connection

    def watch(self, path: str) -> http.client.HTTPResponse:
        """Begin a watch, over a connection of its own."""
        connection = self.connect()
        connection.request("GET", path)
        response = connection.getresponse()
        self._opened.append(response)
        assert response.status == 200
        return response

    def close(self) -> None:
        for opened in self._opened:
            opened.close()

    def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        """Return status, body (decoded where it is JSON) and headers."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            names.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, data, names)
        response = self.connection.getresponse()
        text = response.read()
        is_json = response.headers.get("content-type", "").startswith("application/json")
        is_plain = "content-encoding" not in response.headers
        return response.status, json.loads(text) if is_json and is_plain and text else text, response.headers


@pytest.fixture(scope="module")
def served() -> Iterator[ServedCluster]:
    """A cluster of two nodes in simulated time, served on a free port."""
    with ks.Cluster.simulated(nodes=2) as cluster, ServedCluster(cluster).start() as server:
        yield server


@pytest.fixture
def client(served: ServedCluster, tmp_path: Path) -> Iterator[Client]:
    """A client that is an administrator."""
    client = Client(served.kubeconfig, tmp_path)
    yield client
    client.close()


@pytest.fixture
def anonymous(served: ServedCluster, tmp_path: Path) -> Iterator[Client]:
    """A client without credentials."""
    client = Client(served.kubeconfig, tmp_path, anonymous=True)
    yield client
    client.close()


@pytest.fixture
def namespace(client: Client, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    name: str = (
        request.node.name.replace("_", "-").replace("[", "-").replace("]", "").lower()[:60].rstrip("-")
    )
    code, _, _ = client.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert code == 201
    return name
