"""Cached lists, which are invalidated by events, like the informers of admission plugins."""

from __future__ import annotations

from collections.abc import Sequence

from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.store.backend import Backend, Compacted

__all__ = ["Lister"]

_KEPT_LISTS = 10_000
_KEPT_ITEMS = 1000
_Lists = dict[str | None, tuple[Object, ...]]


class Lister:
    """Reads the objects of a resource from a back end, and caches short lists.

    Admission reads limits, quotas and classes with every write, and these rarely change. The events since the last
    read invalidate cached lists.

    Args:
        backend: The back end.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept: dict[str, _Lists] = {}
        self._seen = backend.revision

    def list(self, resource: str, namespace: Namespace | None) -> Sequence[Object]:
        """Return the objects of a resource, in one namespace or all, in the order of namespace and name."""
        if self._backend.revision != self._seen:
            self._catch_up()
        lists = self._kept.get(resource)
        if lists is None:
            lists = self._kept.setdefault(resource, {})
        kept = lists.get(namespace)
        return self._read(lists, resource, namespace) if kept is None else kept

    def _read(self, lists: _Lists, resource: str, namespace: Namespace | None) -> Sequence[Object]:
        """Read a list and cache it in ``lists``, which a change of the resource invalidates."""
        page = self._backend.range(f"{resource}/{namespace}/" if namespace else f"{resource}/")
        values = [entry.value for entry in page.entries]
        if len(values) > _KEPT_ITEMS:
            return values
        if len(lists) >= _KEPT_LISTS:
            lists.clear()
        kept = lists[namespace] = tuple(values)
        return kept

    def _catch_up(self) -> None:
        try:
            events, seen = self._backend.events(self._seen)
        except Compacted:
            seen = self._backend.revision
            self._kept.clear()
        else:
            for event in events:
                self._kept.pop(event.key[: event.key.index("/")], None)
        self._seen = seen
