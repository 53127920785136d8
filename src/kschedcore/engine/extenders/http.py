"""How an extender is spoken to: POST of JSON over HTTP or HTTPS."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from kschedcore.api.durations import parse_duration
from kschedcore.engine.config.types import ExtenderFields, ExtenderTLSConfig
from kschedcore.errors import ConfigError

DEFAULT_TIMEOUT = 5.0
"""Seconds; DefaultExtenderTimeout."""


class HTTPClient:
    """Posts to the verbs of one extender.

    Args:
        config: Its URL, timeout and TLS settings.

    Raises:
        ConfigError: The URL or a certificate cannot be used.
    """

    def __init__(self, config: ExtenderFields) -> None:
        self._url = urlsplit(config.url_prefix.rstrip("/"))
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise ConfigError(
                f'extender urlPrefix "{config.url_prefix}": expected http://host or https://host'
            )
        self._timeout = parse_duration(config.http_timeout or "0") or DEFAULT_TIMEOUT
        self._server_name = config.tls_config.server_name if config.tls_config else ""
        self._tls = _tls(config) if self._url.scheme == "https" else None

    def _connect(self) -> HTTPConnection:
        host = self._url.hostname or ""
        if self._tls is not None:
            return _TLSConnection(host, self._url.port, self._timeout, self._tls, self._server_name or host)
        return HTTPConnection(host, self._url.port, timeout=self._timeout)

    def post(self, verb: str, body: bytes) -> bytes:
        """Send a body to a verb; return the answer's.

        Raises:
            OSError: It could not be reached, took longer than its timeout, or the status is not 200.
        """
        connection = self._connect()
        try:
            path = f"{self._url.path}/{verb}"
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        except HTTPException as error:
            raise OSError(f"no HTTP answer: {error}") from None
        finally:
            connection.close()
        if response.status != 200:
            url = f"{self._url.geturl()}/{verb}"
            raise OSError(f"failed {verb} with extender at URL {url}, code {response.status}")
        return answer


class _TLSConnection(HTTPSConnection):
    """HTTPS to a server that may go by another name than its host."""

    def __init__(
        self, host: str, port: int | None, timeout: float, context: ssl.SSLContext, name: str
    ) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._tls = context
        self._name = name

    def connect(self) -> None:
        """Connect, and ask for the certificate of the name."""
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
    """A path to hand to OpenSSL, which reads certificates from files only."""
    if not data:
        yield path
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file.name
