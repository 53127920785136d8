"""Lists: the selected objects of a resource at one version, in pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kschedcore.api.machinery.frozen import StoredObject
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import StatusError, bad_request
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.store.backend import Compacted
from kschedcore.store.store import Store, prefix_of
from kschedcore.store.watch import too_new, too_old

__all__ = ["ContinueToken", "ListPage", "list_page"]

_TOKEN_VERSION = "meta.k8s.io/v1"
_BATCH = 500
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


@dataclass(frozen=True, slots=True)
class ContinueToken:
    """The position of the next page: the version of the list, and the first key of the page."""

    revision: int
    start: str

    def encode(self) -> str:
        """Return the token in its opaque form for clients."""
        content = {"v": _TOKEN_VERSION, "rv": self.revision, "start": self.start}
        text = json.dumps(content, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, token: str, read: Callable[[bytes], Any]) -> ContinueToken:
        """Parse a token; ``read`` decodes JSON and raises ValueError with the message to show.

        Raises:
            StatusError: 400 for an invalid token.
        """
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            bad = next((i for i, char in enumerate(token) if not _is_base64(char)), len(token))
            raise _bad_token(f"illegal base64 data at input byte {bad}") from None
        try:
            content = read(data)
        except ValueError as fault:
            raise _bad_token(str(fault)) from None
        if not isinstance(content, Mapping) or content.get("v") != _TOKEN_VERSION:
            raise _bad_token("server does not recognize this encoded version")
        revision, start = content.get("rv"), content.get("start")
        if not isinstance(revision, int) or not isinstance(start, str) or not start or revision < 0:
            raise _bad_token("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        return cls(revision, start)


def _is_base64(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char in "-_")


def _bad_token(why: str) -> StatusError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list.

    Attributes:
        items: The objects, in the order of namespace and name.
        version: The version of the list.
        token: The position of the next page; empty on the last.
        remaining: Number of objects that follow, if known without reading them.
    """

    items: list[StoredObject]
    version: str
    token: str
    remaining: int | None


def list_page(
    store: Store,
    resource: Resource,
    namespace: Namespace | None,
    *,
    selects: Callable[[Object], bool] | None = None,
    limit: int = 0,
    token: ContinueToken | None = None,
    version: int = 0,
    exact: bool = True,
) -> ListPage:
    """Read a page.

    Args:
        store: The store.
        resource: The resource.
        namespace: The namespace; None for all.
        selects: Predicate of the objects; None for all.
        limit: Maximum number of objects; 0 for no limit.
        token: The position of the page, and its version.
        version: The minimum version; 0 for the current one. A token has its own.
        exact: Whether to read at exactly that version.

    Raises:
        StatusError: 410 if the version was compacted, 504 if it is in the future.
    """
    if version > store.backend.revision:
        raise too_new(version, store.backend.revision)
    prefix = prefix_of(resource, namespace)
    start = prefix + token.start if token else ""
    revision = token.revision if token else version if exact else 0
    items: list[StoredObject] = []
    while True:
        batch = 0 if not limit else limit if selects is None else max(limit, _BATCH)
        try:
            page = store.backend.range(prefix, start=start, limit=batch, revision=revision)
        except Compacted as gone:
            raise (StatusError(410, "Expired", _EXPIRED) if token else too_old(gone)) from None
        revision = page.revision
        if selects is None and not page.remaining:
            return ListPage([entry.value for entry in page.entries], str(revision), "", None)
        for index, entry in enumerate(page.entries):
            if selects is not None and not selects(entry.value):
                continue
            items.append(entry.value)
            left = len(page.entries) - index - 1 + page.remaining
            if limit and len(items) == limit and left:
                # The next page begins after this key, even if it does not exist then.
                following = ContinueToken(revision, entry.key[len(prefix) :] + "\0").encode()
                return ListPage(items, str(revision), following, left if selects is None else None)
        if not page.remaining:
            return ListPage(items, str(revision), "", None)
        start = page.entries[-1].key + "\0"
