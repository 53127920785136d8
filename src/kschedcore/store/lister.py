"""Lists that are kept until something in them changes, as the informers of admission plugins keep them."""

from __future__ import annotations

from kschedcore.store.admission_types import Object
from kschedcore.store.backend import Backend, Compacted

__all__ = ["Lister"]

_KEPT_LISTS = 10_000
_KEPT_ITEMS = 1000


class Lister:
    """Reads ranges of a back end and keeps those that are short.

    Admission asks with every write for the limits, quotas and classes that concern it, which hardly ever
    change. Whether a list is still true is told by the events since it was read.

    Args:
        backend: Where to read.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept: dict[str, tuple[int, tuple[Object, ...]]] = {}
        """By prefix, the values and the revision at which they were last known to be all."""

    def list(self, prefix: str) -> tuple[Object, ...]:
        """The values of every key that begins with ``prefix``, in order."""
        kept = self._kept.get(prefix)
        if kept is not None and (kept[0] == self._backend.revision or self._holds(prefix, *kept)):
            return kept[1]
        page = self._backend.range(prefix)
        values = tuple([entry.value for entry in page.entries])
        self._kept.pop(prefix, None)
        if len(values) <= _KEPT_ITEMS:
            self._keep(prefix, page.revision, values)
        return values

    def _holds(self, prefix: str, revision: int, values: tuple[Object, ...]) -> bool:
        try:
            events, seen = self._backend.events(revision, prefix)
        except Compacted:
            return False
        if events:
            return False
        self._keep(prefix, seen, values)
        return True

    def _keep(self, prefix: str, revision: int, values: tuple[Object, ...]) -> None:
        if len(self._kept) >= _KEPT_LISTS:
            self._kept.clear()
        self._kept[prefix] = (revision, values)
