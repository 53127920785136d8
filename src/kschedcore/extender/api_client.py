"""A real API server over plain HTTP, such as ``kubectl proxy`` offers on the loopback."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kschedcore.errors import UsageError

__all__ = ["HTTPAPI"]

SECONDS = 10.0


class HTTPAPI:
    """Kubernetes' REST at a URL.

    Args:
        url: ``http://host:port``.

    Raises:
        UsageError: It is no such URL.
    """

    def __init__(self, url: str) -> None:
        try:
            self._url = urlsplit(url.rstrip("/"))
            self._port = self._url.port
        except ValueError as error:
            raise UsageError(f"{url}: {error}") from None
        if self._url.scheme != "http" or not self._url.hostname:
            raise UsageError(f"{url}: expected http://HOST:PORT, such as that of kubectl proxy")

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Answer one request with a status code and an object.

        Raises:
            UsageError: The API server does not answer, or not in JSON.
        """
        connection = HTTPConnection(self._url.hostname or "", self._port, timeout=SECONDS)
        try:
            connection.request(
                method, self._url.path + path, msgspec.json.encode(body), {"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            return response.status, msgspec.json.decode(response.read())
        except (OSError, HTTPException, msgspec.MsgspecError) as error:
            raise UsageError(f"API server {self._url.geturl()}: {error}") from None
        finally:
            connection.close()
