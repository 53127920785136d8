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
    change. Which lists are still true is told by the events since the last question.

    Args:
        backend: Where to read.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._kept: dict[str, tuple[int, tuple[Object, ...]]] = {}
        self._changed: dict[str, int] = {}
        self._seen = self._unknown_before = backend.revision

    def list(self, prefix: str) -> tuple[Object, ...]:
        """The values of every key that begins with ``prefix``, which begins with a resource, in order."""
        if self._backend.revision != self._seen:
            self._catch_up()
        kept = self._kept.get(prefix)
        if kept is not None and kept[0] >= self._last_change(prefix):
            return kept[1]
        page = self._backend.range(prefix)
        values = tuple([entry.value for entry in page.entries])
        self._kept.pop(prefix, None)
        if len(values) <= _KEPT_ITEMS:
            if len(self._kept) >= _KEPT_LISTS:
                self._kept.clear()
            # Stamped with the revision it was read at: whatever is written meanwhile makes it old.
            self._kept[prefix] = (page.revision, values)
        return values

    def _last_change(self, prefix: str) -> int:
        """At which revision the prefix's resource changed last, or may have."""
        return max(self._changed.get(prefix[: prefix.index("/")], 0), self._unknown_before)

    def _catch_up(self) -> None:
        try:
            events, seen = self._backend.events(self._seen)
        except Compacted:
            self._kept.clear()
            self._seen = self._unknown_before = self._backend.revision
            return
        for event in events:
            self._changed[event.key[: event.key.index("/")]] = event.revision
        self._seen = seen
