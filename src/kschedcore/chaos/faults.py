"""Faults between a process and the API server: failing writes and delayed, closed or repeated watch events.

A :class:`FaultyTransport` is the connection of one process. Faults are armed in advance and triggered by a count of
writes, so that a history always meets the same fault at the same write.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from msgspec.structs import replace

from kschedcore.api.machinery.status import StatusError
from kschedcore.apiserver import APIServer
from kschedcore.client.transport import Events, Request, Response, Seen

__all__ = ["FaultyTransport", "ProcessStopped", "WriteFault"]

_REPEATABLE = 8
"""Number of most recent events of a watch that can be repeated."""


class ProcessStopped(BaseException):
    """The process that sent a request has been stopped.

    A BaseException, so that no error handler of a component catches it.
    """


class WriteFault(StrEnum):
    """Outcome of a faulty write."""

    STOPPED_BEFORE = "stopped before"
    """The process is stopped before the server receives the request."""
    STOPPED_AFTER = "stopped after"
    """The server commits the write; the process is stopped before it receives the response."""
    CONFLICT = "conflict"
    """The server answers 409 and commits nothing."""
    REFUSED = "refused"
    """The server answers 429 and commits nothing."""
    LOST = "lost"
    """The server commits the write; the client receives 504."""


_RESPONSES = {
    WriteFault.CONFLICT: (409, "Conflict", "the object has been modified"),
    WriteFault.REFUSED: (429, "TooManyRequests", "the server has received too many requests"),
    WriteFault.LOST: (504, "Timeout", "the response was lost"),
}
_COMMITTED = (WriteFault.STOPPED_AFTER, WriteFault.LOST)


class FaultyTransport:
    """Connection of one process to the API server, a :class:`kschedcore.client.transport.Transport`.

    Events may be delayed, but arrive in the order of their revisions across all resources, and a process always
    sees its own writes: components rely on both (:mod:`kschedcore.client.informer`).

    Args:
        server: The API server.
        faults: Counter of injected faults, updated in place.
    """

    def __init__(self, server: APIServer, faults: Counter[str]) -> None:
        self._server = server
        self._faults = faults
        self._armed: deque[tuple[int, WriteFault]] = deque()
        self._watches: list[_FaultyWatch] = []
        self.horizon: int | None = None
        """Last revision whose events are delivered; None when events are not delayed."""
        self.has_pending_events = False
        """Whether watches may deliver events although nothing was written."""

    @property
    def revision(self) -> int:
        """The revision of the last write."""
        return self._server.store.backend.revision

    @property
    def is_stale(self) -> bool:
        """Whether events are being held back from the process."""
        return self.horizon is not None and self.horizon < self.revision

    def arm(self, fault: WriteFault, after: int) -> None:
        """Let a write fail, ``after`` this many successful writes since the previously armed fault."""
        self._armed.append((after, fault))

    def delay(self) -> None:
        """Hold back events from now on, except up to the revision of the process's own writes."""
        self.horizon = self.revision

    def close_all(self) -> None:
        """Close every watch with 410, so that it has to list again."""
        self.catch_up()
        for watch in self._watches:
            watch.is_closed = True

    def repeat(self, events: int) -> None:
        """Let every watch deliver its last events a second time."""
        self.has_pending_events = True
        for watch in self._watches:
            watch.repeats = events

    def catch_up(self) -> None:
        """Deliver the events that were held back."""
        self.horizon = None
        self.has_pending_events = True

    def heal(self) -> None:
        """Remove all faults."""
        self._armed.clear()
        self.catch_up()

    @contextmanager
    def without_faults(self) -> Iterator[None]:
        """Suspend write faults, for requests that a real process would not send."""
        armed, self._armed = self._armed, deque()
        self.catch_up()
        yield
        self._armed = armed

    def close_watches(self) -> None:
        """Drop the watches of a process that is restarted."""
        self._watches.clear()
        self.catch_up()

    def send(self, request: Request) -> Response:
        """Send a request, or fail as armed.

        Raises:
            ProcessStopped: The armed fault stops the process.
        """
        if request.method == "GET":
            found = self._server.internal.send(request)
            body = found.body
            return found if isinstance(body, dict) else replace(found, body=self._watch(body))
        fault = self._next_fault()
        response: Response | None = None
        if fault is None or fault in _COMMITTED:
            response = self._server.internal.send(request)
            if self.horizon is not None:
                self.horizon = self.revision
        if fault in _RESPONSES:
            code, reason, message = _RESPONSES[fault]
            return Response(code, StatusError(code, reason, message).status())
        if response is None or fault is not None:
            raise ProcessStopped
        return response

    def _watch(self, events: Events) -> _FaultyWatch:
        watch = _FaultyWatch(self, events, self._faults)
        self._watches.append(watch)
        return watch

    def forget(self, watch: _FaultyWatch) -> None:
        """Remove a closed watch."""
        self._watches.remove(watch)

    def _next_fault(self) -> WriteFault | None:
        if not self._armed:
            return None
        after, fault = self._armed.popleft()
        if after:
            self._armed.appendleft((after - 1, fault))
            return None
        self._faults[fault.value] += 1
        return fault


class _FaultyWatch:
    """A watch that can be delayed, closed and repeated."""

    def __init__(self, transport: FaultyTransport, watch: Events, faults: Counter[str]) -> None:
        self._transport = transport
        self._watch = watch
        self._faults = faults
        self._held: deque[Seen] = deque()
        self._delivered: deque[Seen] = deque(maxlen=_REPEATABLE)
        self._has_listed = False
        self._revision = -1
        self.is_closed = False
        self.repeats = 0

    def poll(self) -> Sequence[Seen]:
        if self.is_closed:
            self._faults["cut watch"] += 1
            self._transport.forget(self)
            raise StatusError(410, "Expired", "too old resource version")
        revision = self._transport.revision
        if revision == self._revision and not self._held and not self.repeats:
            return ()
        self._revision = revision
        self._held += self._watch.poll()
        repeated = self._repeated()
        released = list(self._released())
        self._delivered += released
        return [*repeated, *released]

    def _repeated(self) -> list[Seen]:
        repeated = list(self._delivered)[-self.repeats :] if self.repeats else []
        self.repeats = 0
        self._faults["repeated event"] += len(repeated)
        return repeated

    def _released(self) -> list[Seen]:
        """Events up to the horizon. The initial list is a response to a request and is never delayed."""
        horizon = self._transport.horizon
        if horizon is None or not self._has_listed:
            self._has_listed = True
            released = list(self._held)
            self._held.clear()
            return released
        released = []
        while self._held and int(self._held[0].object["metadata"]["resourceVersion"]) <= horizon:
            released.append(self._held.popleft())
        if self._held:
            self._faults["delayed events"] += 1
        return released
