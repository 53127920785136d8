"""HTTP client for extenders: requests over HTTP or HTTPS with a deadline and a maximum response size."""

from __future__ import annotations

import io
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from socket import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kschedcore.api.durations import parse_duration
from kschedcore.engine.config.types import ExtenderFields, ExtenderTLSConfig
from kschedcore.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

DEFAULT_TIMEOUT = 5.0
"""Seconds; DefaultExtenderTimeout."""

LONGEST_TIMEOUT = 1e6
"""Seconds; sockets take no timeout that is much longer."""

MAX_RESPONSE = 64 << 20
"""Maximum size of a response in bytes: some thousand nodes."""


class HTTPClient:
    """Posts to the verbs of one extender.

    Args:
        config: Its URL, timeout and TLS settings. ``httpTimeout`` bounds a whole request, from connecting to the
            last byte of the response, as Go's ``http.Client.Timeout`` does.
        max_response: Maximum size of a response in bytes.

    Raises:
        ConfigError: The URL or a certificate cannot be used.
    """

    def __init__(self, config: ExtenderFields, *, max_response: int = MAX_RESPONSE) -> None:
        try:
            self._url = urlsplit(config.url_prefix.rstrip("/"))
            self._port = self._url.port
        except ValueError as error:
            raise ConfigError(f'extender urlPrefix "{config.url_prefix}": {error}') from None
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise ConfigError(
                f'extender urlPrefix "{config.url_prefix}": expected http://host or https://host'
            )
        self._timeout = min(parse_duration(config.http_timeout or "0") or DEFAULT_TIMEOUT, LONGEST_TIMEOUT)
        self._max_response = max_response
        self._server_name = config.tls_config.server_name if config.tls_config else ""
        self._tls = _tls(config) if self._url.scheme == "https" else None

    def _connect(self) -> HTTPConnection:
        host = self._url.hostname or ""
        if self._tls is not None:
            return _TLSConnection(host, self._port, self._timeout, self._tls, self._server_name or host)
        return HTTPConnection(host, self._port, timeout=self._timeout)

    def post(self, verb: str, body: bytes) -> bytes:
        """Send a body to a verb and return the body of the response.

        Raises:
            OSError: The extender could not be reached, exceeded its timeout, responded with more bytes than
                allowed, or with a status other than 200.
        """
        status, answer = exchange(
            self._connect(),
            f"{self._url.path}/{verb}",
            body,
            seconds=self._timeout,
            max_response=self._max_response,
        )
        if status != 200:
            url = f"{self._url.geturl()}/{verb}"
            raise OSError(f"failed {verb} with extender at URL {url}, code {status}")
        return answer


def exchange(
    connection: HTTPConnection,
    path: str,
    body: bytes,
    *,
    seconds: float,
    method: str = "POST",
    max_response: int = MAX_RESPONSE,
) -> tuple[int, bytes]:
    """Send a request with a JSON body over a new connection and return the response's status and body.

    Args:
        connection: The connection, which is closed at the end.
        path: Path and query.
        body: JSON.
        seconds: Maximum duration, from connecting to the last byte of the response.
        method: HTTP method.
        max_response: Maximum size of the response body in bytes.

    Raises:
        OSError: There was no complete HTTP response in this time, or it has more bytes.
    """
    deadline = time.monotonic() + seconds
    connection.response_class = partial(_Response, deadline=deadline)  # type: ignore[assignment]
    try:
        connection.connect()
        connection.sock.settimeout(time_left(deadline))
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read(max_response + 1)
    except (HTTPException, ValueError) as error:
        raise OSError(f"no HTTP answer: {error}") from None
    finally:
        connection.close()
    if len(answer) > max_response:
        raise OSError(f"the response has more than {max_response} bytes")
    return response.status, answer


def time_left(deadline: float) -> float:
    """Return the seconds until a deadline of the monotonic clock.

    Raises:
        TimeoutError: There are none left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


class _Response(HTTPResponse):
    """A response with one deadline for all its bytes; a socket's own timeout restarts at each read."""

    def __init__(self, sock: socket, *args: object, deadline: float, **options: object) -> None:
        super().__init__(sock, *args, **options)  # type: ignore[arg-type]
        self.fp.close()
        self.fp = io.BufferedReader(DeadlineReader(sock, deadline))


class DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline.

    Args:
        sock: A connected socket.
        deadline: Of the monotonic clock.

    Attributes:
        deadline: Reading later than this raises ``TimeoutError``.
    """

    def __init__(self, sock: socket, deadline: float) -> None:
        self._socket = sock
        # A file keeps the connection open after HTTPConnection has closed its socket.
        self._file = sock.makefile("rb", buffering=0)
        self.deadline = deadline

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        """Read what has arrived, or wait for it until the deadline."""
        self._socket.settimeout(time_left(self.deadline))
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Release the socket."""
        self._file.close()
        super().close()


class _TLSConnection(HTTPSConnection):
    """HTTPS to a server whose certificate may be for another name than its host."""

    def __init__(
        self, host: str, port: int | None, timeout: float, context: ssl.SSLContext, name: str
    ) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._tls = context
        self._name = name

    def connect(self) -> None:
        """Connect and verify the certificate against the name."""
        HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def _tls(config: ExtenderFields) -> ssl.SSLContext:
    settings = config.tls_config or ExtenderTLSConfig()
    has_authority = bool(settings.ca_data or settings.ca_file)
    context = ssl.create_default_context()
    try:
        if has_authority:
            context = ssl.create_default_context(
                cafile=None if settings.ca_data else settings.ca_file,
                cadata=settings.ca_data.decode() if settings.ca_data else None,
            )
        if settings.cert_data or settings.cert_file:
            with (
                _as_file(settings.cert_data, settings.cert_file) as certificate,
                _as_file(settings.key_data, settings.key_file) as key,
            ):
                context.load_cert_chain(certificate, key or None)
    except (OSError, ValueError) as error:
        raise ConfigError(f'extender urlPrefix "{config.url_prefix}": tlsConfig: {error}') from None
    if settings.insecure or (config.enable_https and not has_authority):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def _as_file(data: bytes, path: str) -> Iterator[str]:
    """Yield a path for OpenSSL, which reads certificates from files only."""
    if not data:
        yield path
        return
    with tempfile.NamedTemporaryFile() as file:  # created with mode 0600
        file.write(data)
        file.flush()
        yield file.name
