"""The part of the API server that its clients use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from kschedcore.api.machinery.types import Object

__all__ = ["Door", "Events", "Seen", "path_of"]


class Seen(Protocol):
    """One event of a watch."""

    @property
    def type(self) -> str:
        """``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``."""

    @property
    def object(self) -> Object:
        """The object after it; after a deletion, its last state."""


class Events(Protocol):
    """A watch that is asked for what has happened."""

    def poll(self) -> Sequence[Seen]:
        """What has happened since the last call, in order.

        Raises:
            StatusError: 410 when the history does not reach so far back.
        """


class Door(Protocol):
    """Kubernetes' REST as a function: :class:`kschedcore.apiserver.APIServer`, or anything that answers alike."""

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | str | bytes | None = None,
        content_type: str = ...,
        user_agent: str = ...,
    ) -> tuple[int, Object]:
        """Answer one request with a status code and an object."""

    def watch(self, path: str) -> Events:
        """Watch a collection."""


def path_of(api_version: str, plural: str, namespace: str = "", name: str = "") -> str:
    """The path of a collection or object: ``/apis/apps/v1/namespaces/web/deployments/front``."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    parts = [root, "namespaces", namespace] if namespace else [root]
    return "/".join([*parts, plural, name] if name else [*parts, plural])
