"""Client of a real API server over plain HTTP, such as that of ``kubectl proxy`` on the loopback address."""

from __future__ import annotations

from http.client import HTTPConnection
from urllib.parse import urlsplit

import msgspec

from kschedcore.client.transport import Request, Response
from kschedcore.engine.extenders.http import exchange
from kschedcore.errors import UsageError

__all__ = ["HTTPAPI"]

SECONDS = 10.0
"""Maximum duration of a request."""


class HTTPAPI:
    """The Kubernetes API at a URL.

    Args:
        url: ``http://host:port``.

    Raises:
        UsageError: The URL is not of this form.
    """

    def __init__(self, url: str) -> None:
        try:
            self._url = urlsplit(url.rstrip("/"))
            self._port = self._url.port
        except ValueError as error:
            raise UsageError(f"{url}: {error}") from None
        if self._url.scheme != "http" or not self._url.hostname:
            raise UsageError(f"{url}: expected http://HOST:PORT, such as that of kubectl proxy")

    def send(self, request: Request) -> Response:
        """Send one request, whose body is an object, and return the response with the decoded object.

        Raises:
            UsageError: The API server does not respond in time, or not in JSON.
        """
        connection = HTTPConnection(self._url.hostname or "", self._port, timeout=SECONDS)
        encoded = msgspec.json.encode(request.body)
        try:
            status, text = exchange(
                connection,
                self._url.path + request.target,
                encoded,
                seconds=SECONDS,
                method=request.method,
            )
            return Response(status, msgspec.json.decode(text))
        except (OSError, msgspec.MsgspecError, RecursionError) as error:
            raise UsageError(f"API server {self._url.geturl()}: {error}") from None
