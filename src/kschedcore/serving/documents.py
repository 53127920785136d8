"""Documents beside the API: health, metrics, OpenAPI and aggregated discovery."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from kschedcore.api.machinery.types import Object
from kschedcore.apiserver import aggregated_discovery, openapi
from kschedcore.apiserver.discovery import discovered
from kschedcore.client.transport import JSON, Headers, Query
from kschedcore.serving.encoding import json_bytes

__all__ = ["Document", "Documents"]

_PUBLIC = frozenset({"/healthz", "/livez", "/readyz", "/version", "/version/"})
"""Paths that need no credentials (``system:public-info-viewer``)."""
_PLAIN = "text/plain; charset=utf-8"


class Document(NamedTuple):
    """A response that is no object of the API."""

    code: int
    headers: Headers
    body: bytes


class Documents:
    """Finds documents by their path.

    Args:
        address: Host and port of the server.
        checks: The health checks by name; each returns why it fails, or None.
        metrics: Returns the text of ``/metrics``.
    """

    def __init__(
        self, address: str, checks: dict[str, Callable[[], str | None]], metrics: Callable[[], str]
    ) -> None:
        self._address, self._checks, self._metrics = address, checks, metrics

    @staticmethod
    def is_public(path: str) -> bool:
        """Return whether a path needs no credentials."""
        return path in _PUBLIC or path.startswith(("/livez/", "/readyz/", "/healthz/"))

    def find(self, path: str, query: str, accept: str) -> Document | None:
        """Return the document at a path; None for paths of the API."""
        if path in ("/api", "/apis") and aggregated_discovery.is_wanted(accept):
            body = json_bytes(aggregated_discovery.aggregated(path))
            return Document(
                200, (("content-type", aggregated_discovery.MEDIA_TYPE), ("vary", "Accept")), body
            )
        if path == "/api":
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": self._address}]
            return _json({**_discovered("/api"), "serverAddressByClientCIDRs": addresses})
        if path.rstrip("/") == "/version":
            # People read it: the only JSON document that is indented.
            text = msgspec.json.format(json_bytes(_discovered("/version")), indent=2)
            return Document(200, (("content-type", JSON),), text)
        if path == "/openapi/v3":
            return _json(openapi.index())
        if path.startswith("/openapi/v3/"):
            found = openapi.document(path.removeprefix("/openapi/v3/"))
            return None if found is None else _json(found)
        first, _, name = path.removeprefix("/").partition("/")
        if first in ("healthz", "livez", "readyz"):
            return self._health(first, name, Query.parse(query))
        if path == "/metrics":
            return Document(
                200, (("content-type", "text/plain; version=0.0.4; charset=utf-8"),), self._metrics().encode()
            )
        return None

    def _health(self, endpoint: str, name: str, query: Query) -> Document | None:
        excluded = set(query.all("exclude"))
        if name and name not in self._checks:
            return None
        lines, failed = [], []
        for each in [name] if name else self._checks:
            if each in excluded:
                lines.append(f"[+]{each} excluded: ok")
            elif self._checks[each]() is None:
                lines.append(f"[+]{each} ok")
            else:
                lines.append(f"[-]{each} failed: reason withheld")
                failed.append(each)
        if failed:
            text = "\n".join([*lines, f"{endpoint} check failed", ""])
            return Document(
                500, (("content-type", _PLAIN), ("x-content-type-options", "nosniff")), text.encode()
            )
        text = "\n".join([*lines, f"{endpoint} check passed", ""]) if "verbose" in query else "ok"
        return Document(200, (("content-type", _PLAIN), ("x-content-type-options", "nosniff")), text.encode())


def _discovered(path: str) -> Object:
    found = discovered(path)
    assert found is not None
    return found


def _json(document: object) -> Document:
    return Document(200, (("content-type", JSON),), json_bytes(document))
