"""HTTP server of the extender, with limits of connections, bytes and time."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from kschedcore.engine.extenders.http import DeadlineReader, time_left
from kschedcore.errors import UsageError
from kschedcore.extender.bounds import Limits, Refused, Share
from kschedcore.extender.verbs import Extender

__all__ = ["ExtenderServer", "Limits"]


class ExtenderServer(ThreadingHTTPServer):
    """Serves an extender: POST to ``/filter``, ``/prioritize``, ``/preempt`` and ``/bind``.

    Args:
        extender: Handles the requests.
        host: The address to listen on. The protocol has no authentication: every host that can reach the address can
            send requests.
        port: The port; 0 for any free port.
        limits: Limits of connections, bytes and time.

    Raises:
        UsageError: The address cannot be listened on.
    """

    daemon_threads = True
    request_queue_size = 1024

    def __init__(
        self, extender: Extender, host: str = "127.0.0.1", port: int = 8000, *, limits: Limits | None = None
    ) -> None:
        self.extender = extender
        self.limits = limits or Limits()
        self.large_bodies = Share(self.limits.bytes_in_flight)
        self._slots = threading.BoundedSemaphore(self.limits.connections)
        self._idle: OrderedDict[socket.socket, None] = OrderedDict()
        self._idle_lock = threading.Lock()
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

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, once there is a slot for it; later ones wait in the backlog."""
        while not self._slots.acquire(timeout=0.05):
            self._close_an_idle_connection()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.set_idle(request, idle=False)
            self._slots.release()

    def set_idle(self, connection: socket.socket, *, idle: bool) -> None:
        """Mark a connection as waiting for its next request, or not."""
        with self._idle_lock:
            self._idle.pop(connection, None)
            if idle:
                self._idle[connection] = None

    def _close_an_idle_connection(self) -> None:
        """Shut down the connection that has been waiting for a request for the longest time, if one is."""
        with self._idle_lock:
            if self._idle:
                connection, _ = self._idle.popitem(last=False)
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that closed the connection early."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: ExtenderServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Read with a deadline instead of the socket's timeout, which restarts at every byte."""
        super().setup()
        self.rfile.close()
        self._reader = DeadlineReader(self.connection, 0.0)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        """Wait for a request, and then for all of it, within the limits."""
        limits = self.server.limits
        self._reader.deadline = time.monotonic() + limits.idle_seconds
        self.server.set_idle(self.connection, idle=True)
        try:
            arrived = self.rfile.peek(1)  # type: ignore[attr-defined]
        except (OSError, ValueError):
            arrived = b""
        self.server.set_idle(self.connection, idle=False)
        if not arrived:
            self.close_connection = True
            return
        self._reader.deadline = time.monotonic() + limits.request_seconds
        super().handle_one_request()

    def do_POST(self) -> None:
        """Handle a verb."""
        status, result = self._handle()
        self._send(status, result)

    def _handle(self) -> tuple[int, Any]:
        try:
            length = self._length()
            counted = length if length > self.server.limits.small_body else 0
            with self.server.large_bodies.held(counted, time_left(self._reader.deadline)):
                return self.server.extender.answer(self.path.removeprefix("/"), self._body(length))
        except Refused as refused:
            self.close_connection = True  # the body was not read
            return refused.status, {"Error": str(refused)}
        except TimeoutError:
            self.close_connection = True
            seconds = self.server.limits.request_seconds
            return 408, {"Error": f"the request did not arrive within {seconds:g} seconds"}
        except MemoryError:
            self.close_connection = True
            return 503, {"Error": "out of memory"}
        except Exception as error:  # a fault of this program; kube-scheduler reports it
            return 500, {"Error": f"internal error: {type(error).__name__}: {error}"}

    def do_GET(self) -> None:
        """Refuse methods other than POST."""
        self.close_connection = True  # a body, if there is one, was not read
        self._send(405, {"Error": "expected POST"})

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Respond to a request that cannot be parsed; without a version there would be no status line."""
        self.close_connection = True
        self.request_version = "HTTP/1.1"
        self._send(code, {"Error": message or explain or "the request cannot be read"})

    def _length(self) -> int:
        """Return the length of the body.

        Raises:
            Refused: The length is missing, ambiguous or too large.
        """
        if self.headers.get("Transfer-Encoding") is not None:
            raise Refused(411, "Transfer-Encoding is not supported; expected Content-Length")
        lengths = self.headers.get_all("Content-Length", [])
        if not lengths:
            raise Refused(411, "the request has no Content-Length")
        length = lengths[0].strip()
        if len(set(lengths)) > 1 or not (length.isascii() and length.isdigit()):
            raise Refused(400, f"Content-Length is {', '.join(lengths)!r}; expected a number of bytes")
        limit = self.server.limits.body
        if len(length) > 15 or int(length) > limit:
            raise Refused(413, f"the request has {length[:20]} bytes; expected {limit} at most")
        return int(length)

    def _body(self, length: int) -> bytes:
        body = self.rfile.read(length)
        if len(body) < length:
            raise Refused(400, f"the request ends after {len(body)} of {length} bytes")
        return body

    def _send(self, status: int, result: Any) -> None:
        body = msgspec.json.encode(result)
        self.connection.settimeout(self.server.limits.request_seconds)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if getattr(self, "command", "") != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: kube-scheduler logs the errors that it receives."""
