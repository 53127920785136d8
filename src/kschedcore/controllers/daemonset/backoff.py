"""Back-off of replacing failed daemon pods, for nodes that reject them."""

from __future__ import annotations

from datetime import datetime, timedelta

from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import key_of
from kschedcore.controllers.controller import Key

__all__ = ["FailedPodBackOff"]

_FIRST = timedelta(seconds=1)
_LONGEST = timedelta(minutes=15)

_Pods = tuple[str, int, str]
"""The uid of a DaemonSet, its generation, and a node."""


class FailedPodBackOff:
    """The delay before a failed pod of a DaemonSet is deleted: a second, doubled each further time.

    It only delays work, so it is not kept over a restart.
    """

    def __init__(self) -> None:
        self._failures: dict[Key, dict[_Pods, tuple[datetime, timedelta]]] = {}

    def due(self, daemon_set: Object, node: str, now: datetime) -> datetime | None:
        """Return when a failed pod may be deleted; None, and count the deletion, if that is now."""
        metadata = daemon_set["metadata"]
        failures = self._failures.setdefault(key_of(daemon_set), {})
        pods = metadata["uid"], metadata.get("generation", 0), node
        last, delay = failures.get(pods, (None, _FIRST))
        if last is None or now - last > 2 * _LONGEST:
            failures[pods] = now, _FIRST
            return None
        if now < last + delay:
            return last + delay
        failures[pods] = now, min(2 * delay, _LONGEST)
        return None

    def forget(self, key: Key) -> None:
        """Drop a deleted DaemonSet."""
        self._failures.pop(key, None)
