"""The event recorder. Repeated events are counted, not written again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zlib import crc32

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE, Namespace, Object
from kschedcore.client.correlation import Correlator, Recent
from kschedcore.client.verbs import Client
from kschedcore.clock import Clock

__all__ = ["EventRecorder"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Written:
    """A written event and its count; the name is empty if the write failed."""

    namespace: Namespace
    name: str = ""
    count: int = 0


class EventRecorder:
    """Writes events in the name of one component.

    Events are written on a best-effort basis, as in Kubernetes: one that is refused is dropped.

    Args:
        client: The API.
        clock: For the times of events.
        component: The component's name, ``source.component``.
    """

    def __init__(self, client: Client, clock: Clock, component: str) -> None:
        self._client = client
        self._clock = clock
        self._component = component
        self._count = 0
        self._written: Recent[_Written] = Recent()
        self._correlator = Correlator()

    def event(self, obj: Object, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Record an event about ``obj``.

        Args:
            obj: The object, as returned by the API.
            kind: ``Normal`` or ``Warning``.
            reason: A reason in CamelCase: ``SuccessfulCreate``.
            message: The message.
        """
        uid, now = obj["metadata"]["uid"], self._clock.now()
        key, message = self._correlator.combined((uid, kind, reason), message, now)
        # Events about cluster-scoped objects are in the default namespace.
        written = self._written.get(key) or _Written(obj["metadata"].get("namespace") or DEFAULT_NAMESPACE)
        written.count += 1
        self._written.renew(key, written)
        if not self._correlator.allows(uid, now):
            return
        try:
            if not (written.name and self._again(written, message)):
                written.name, written.count = self._first(obj, kind, reason, message), 1
        except StatusError:
            # It was not written: a repetition is a new event.
            self._written.pop(key)

    def _first(self, obj: Object, kind: str, reason: str, message: str) -> str:
        """Write a new event; return its name."""
        metadata, now = obj["metadata"], timestamp(self._clock.now())
        namespace = metadata.get("namespace") or DEFAULT_NAMESPACE
        regarding = {
            "kind": obj.get("kind", ""),
            "namespace": metadata.get("namespace", ""),
            "name": metadata["name"],
            "uid": metadata["uid"],
            "apiVersion": obj.get("apiVersion", ""),
            "resourceVersion": metadata.get("resourceVersion", ""),
        }
        written = self._client.create("events", namespace, {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{self._mark():x}", "namespace": namespace},
            "involvedObject": {name: value for name, value in regarding.items() if value},
            "reason": reason,
            "message": message,
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": kind,
        })  # fmt: skip
        name: str = written["metadata"]["name"]
        return name

    def _mark(self) -> int:
        """Return a suffix that is unique among events about one object: the time in nanoseconds, as client-go has it.

        Simulated time may stand still, and several components may record events at once, so the number of earlier
        events and the component's name are part of it.
        """
        self._count += 1
        microseconds = (self._clock.now() - _EPOCH) // timedelta(microseconds=1)
        return (microseconds + self._count) * 1000 + crc32(self._component.encode()) % 1000

    def _again(self, written: _Written, message: str) -> bool:
        """Increment an event's count; return False if it does not exist any more (events expire after an hour)."""
        patch = {
            "count": written.count,
            "lastTimestamp": timestamp(self._clock.now()),
            "message": message,
        }
        try:
            self._client.patch("events", written.namespace, written.name, patch)
        except StatusError as refusal:
            if refusal.code != 404:
                raise
            return False
        return True
