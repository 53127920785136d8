"""Events: what components tell people about an object. Repetitions are counted, not written again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zlib import crc32

from kschedcore.client.verbs import Client
from kschedcore.clock import Clock
from kschedcore.store.admission_types import Object, StatusError
from kschedcore.store.meta import timestamp

__all__ = ["EventRecorder"]

REMEMBERED = 4096
"""So many events are remembered for counting at most (``maxLruCacheEntries``)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Key = tuple[str, str, str, str]


class EventRecorder:
    """Writes events in the name of one component.

    Events are told on a best-effort basis, as Kubernetes does: one that is refused is dropped.

    Args:
        client: The API.
        clock: For the times of events.
        component: Who tells, ``source.component``.
    """

    def __init__(self, client: Client, clock: Clock, component: str) -> None:
        self._client = client
        self._clock = clock
        self._component = component
        self._count = 0
        self._told: dict[_Key, tuple[str, str, int]] = {}

    def event(self, obj: Object, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Tell about ``obj``.

        Args:
            obj: What it is about, as it came from the API.
            kind: Whether it is as it should be.
            reason: Why, in one word of capitals: ``SuccessfulCreate``.
            message: For people.
        """
        key = (obj["metadata"]["uid"], kind, reason, message)
        try:
            if key not in self._told:
                told = self._first(obj, kind, reason, message)
            else:
                told = self._again(*self._told.pop(key))
        except StatusError:
            return
        if len(self._told) >= REMEMBERED:
            del self._told[next(iter(self._told))]
        self._told[key] = told

    def _first(self, obj: Object, kind: str, reason: str, message: str) -> tuple[str, str, int]:
        metadata, now = obj["metadata"], timestamp(self._clock.now())
        # Events about what has no namespace live in the default one.
        namespace = metadata.get("namespace") or "default"
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
        return namespace, written["metadata"]["name"], 1

    def _mark(self) -> int:
        """What tells events about one object apart: the time in nanoseconds, as client-go has it.

        Simulated time may stand still, and several components may tell something at once; what they have
        told before and who they are makes up for that.
        """
        self._count += 1
        microseconds = (self._clock.now() - _EPOCH) // timedelta(microseconds=1)
        return (microseconds + self._count) * 1000 + crc32(self._component.encode()) % 1000

    def _again(self, namespace: str, name: str, count: int) -> tuple[str, str, int]:
        patch = {"count": count + 1, "lastTimestamp": timestamp(self._clock.now())}
        self._client.patch("events", namespace, name, patch)
        return namespace, name, count + 1
