"""The extender behind a socket: HTTP from the standard library, bounded in what it reads."""

from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from kschedcore.errors import UsageError
from kschedcore.extender.verbs import Extender

__all__ = ["MAX_BODY", "ExtenderServer"]

MAX_BODY = 64 << 20
"""Bytes of a request, at most: some thousand whole nodes."""

IDLE_SECONDS = 60.0
"""How long a client may say nothing."""


class ExtenderServer(ThreadingHTTPServer):
    """Serves an extender: POST to ``/filter``, ``/prioritize``, ``/preempt`` and ``/bind``.

    Args:
        extender: Who answers.
        host: The address to listen on. The protocol has no authentication: other hosts' requests are answered, too,
            if this is not the loopback.
        port: The port; 0 takes a free one.
        max_body: Bytes of a request, at most; larger ones are refused with 413 and not read.

    Raises:
        UsageError: The address cannot be listened on.
    """

    daemon_threads = True

    def __init__(
        self, extender: Extender, host: str = "127.0.0.1", port: int = 8000, *, max_body: int = MAX_BODY
    ) -> None:
        self.extender = extender
        self.max_body = max_body
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(f"cannot listen on {host} port {port}: {error}") from None

    @property
    def url(self) -> str:
        """The ``urlPrefix`` for the KubeSchedulerConfiguration."""
        host, port = self.server_address[:2]
        name = str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that did not wait for their answer."""


class RefusedError(Exception):
    """A request that is not looked at."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: ExtenderServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_POST(self) -> None:
        """Answer a verb."""
        try:
            status, answer = self.server.extender.answer(self.path.removeprefix("/"), self._body())
        except RefusedError as refused:
            self.close_connection = True  # the body was not read
            status, answer = refused.status, {"Error": str(refused)}
        except Exception as error:  # a fault of ours is told, too
            status, answer = 500, {"Error": f"internal error: {type(error).__name__}: {error}"}
        self._send(status, answer)

    def do_GET(self) -> None:
        """Say what to do instead."""
        self._send(405, {"Error": "expected POST"})

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length")
        if length is None:
            raise RefusedError(411, "the request has no Content-Length")
        if not (length.isascii() and length.isdigit()):
            raise RefusedError(400, f"Content-Length is {length!r}; expected a number of bytes")
        if len(length) > 15 or int(length) > self.server.max_body:
            limit = self.server.max_body
            raise RefusedError(413, f"the request has {length} bytes; expected {limit} at most")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise RefusedError(400, f"the request ends after {len(body)} of {length} bytes")
        return body

    def _send(self, status: int, answer: Any) -> None:
        body = msgspec.json.encode(answer)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet: kube-scheduler logs what it is told."""
