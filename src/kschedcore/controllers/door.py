"""How a controller reaches the cluster: through the API server's one door, as every client does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Door", "get", "items", "path_of"]


class Door(Protocol):
    """The part of the API server that controllers use."""

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, user_agent: str = ...
    ) -> tuple[int, dict[str, Any]]:
        """Answer one request with a status code and an object."""


def path_of(api_version: str, plural: str, namespace: str = "", name: str = "") -> str:
    """The path of a collection or object: ``/apis/apps/v1/namespaces/web/deployments/front``."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = [root, "namespaces", namespace] if namespace else [root]
    return "/".join([*parts, plural, name] if name else [*parts, plural])


def get(door: Door, path: str) -> dict[str, Any] | None:
    """The object at ``path``, or None when there is none."""
    code, obj = door.request("GET", path)
    return obj if code == 200 else None


def items(door: Door, path: str) -> list[dict[str, Any]]:
    """The objects of the collection at ``path``; none when the server does not serve it."""
    code, listed = door.request("GET", path)
    return list(listed.get("items") or ()) if code == 200 else []
