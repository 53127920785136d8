"""Faults between a component and the API server: writes that go wrong, and watches that are late, cut or doubled.

A :class:`FaultyTransport` stands for one process's connection. What it does wrong is armed beforehand and counted in
writes, so that the same history meets the same fault at the same place.
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

__all__ = ["FaultyTransport", "Stopped", "WriteFault"]

_REMEMBERED = 8
"""So many events of each watch can be told once more."""


class Stopped(BaseException):
    """The process that sent a request was stopped; nothing of it may go on, so no handler of errors catches this."""


class WriteFault(StrEnum):
    """What may become of a write."""

    STOPPED_BEFORE = "stopped before"
    """The process is stopped before the server has the request."""
    STOPPED_AFTER = "stopped after"
    """The server has done it, and the process is stopped before it has the answer."""
    CONFLICT = "conflict"
    """Somebody else was faster (409)."""
    REFUSED = "refused"
    """The server is overloaded and does nothing (429)."""
    LOST = "lost"
    """The server has done it, and the answer is lost (504)."""


_ANSWERS = {
    WriteFault.CONFLICT: (409, "Conflict", "the object has been modified"),
    WriteFault.REFUSED: (429, "TooManyRequests", "the server has received too many requests"),
    WriteFault.LOST: (504, "Timeout", "the answer was lost"),
}
_DONE = (WriteFault.STOPPED_AFTER, WriteFault.LOST)


class FaultyTransport:
    """The API server as one process sees it over a bad connection: a :class:`kschedcore.client.transport.Transport`.

    News may come late, but never before older news, be it of another resource, and a process always sees
    what it has written itself: that much components are promised (:mod:`kschedcore.client.informer`).

    Args:
        server: The API server.
        tried: Counts the faults that came to pass.
    """

    def __init__(self, server: APIServer, tried: Counter[str]) -> None:
        self._server = server
        self._tried = tried
        self._armed: deque[tuple[int, WriteFault]] = deque()
        self._watches: list[_FaultyWatch] = []
        self.horizon: int | None = None
        """Up to which revision there is news; None when there is no delay."""
        self.is_stirred = False
        """Whether watches may have something to tell although nothing was written."""

    @property
    def revision(self) -> int:
        """The revision of the last write."""
        return self._server.store.backend.revision

    @property
    def is_late(self) -> bool:
        """Whether the process may not have heard of everything yet."""
        return self.horizon is not None and self.horizon < self.revision

    def arm(self, fault: WriteFault, after: int) -> None:
        """Have a write go wrong, ``after`` others that go well from the fault armed before it on."""
        self._armed.append((after, fault))

    def delay(self) -> None:
        """Let no news through from now on but what the process's own writes bring along."""
        self.horizon = self.revision

    def cut(self) -> None:
        """Break every watch: the history that it would go on from is gone (410)."""
        self.catch_up()
        for watch in self._watches:
            watch.is_cut = True

    def repeat(self, events: int) -> None:
        """Have every watch tell its last events once more before it goes on."""
        self.is_stirred = True
        for watch in self._watches:
            watch.repeats = events

    def catch_up(self) -> None:
        """Let the news through again."""
        self.horizon = None
        self.is_stirred = True

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self._armed.clear()
        self.catch_up()

    @contextmanager
    def sound(self) -> Iterator[None]:
        """As long as this lasts, nothing goes wrong: for what stands for no request of the real process."""
        armed, self._armed = self._armed, deque()
        self.catch_up()
        yield
        self._armed = armed

    def forget_watches(self) -> None:
        """The process is another one, which begins its watches anew."""
        self._watches.clear()
        self.catch_up()

    def send(self, request: Request) -> Response:
        """Answer one request, or not.

        Raises:
            Stopped: The process that sent it is no more.
        """
        if request.method == "GET":
            response = self._server.internal.send(request)
            return (
                response
                if isinstance(response.body, dict)
                else replace(response, body=self._watch(response.body))
            )
        fault = self._next_fault()
        answer: Response | None = None
        if fault is None or fault in _DONE:
            answer = self._server.internal.send(request)
            if self.horizon is not None:
                self.horizon = self.revision
        if fault in _ANSWERS:
            code, reason, message = _ANSWERS[fault]
            return Response(code, StatusError(code, reason, message).status())
        if answer is None or fault is not None:
            raise Stopped
        return answer

    def _watch(self, events: Events) -> _FaultyWatch:
        watch = _FaultyWatch(self, events, self._tried)
        self._watches.append(watch)
        return watch

    def forget(self, watch: _FaultyWatch) -> None:
        """A watch that is broken tells no more."""
        self._watches.remove(watch)

    def _next_fault(self) -> WriteFault | None:
        if not self._armed:
            return None
        after, fault = self._armed.popleft()
        if after:
            self._armed.appendleft((after - 1, fault))
            return None
        self._tried[fault.value] += 1
        return fault


class _FaultyWatch:
    """One watch of a faulty transport."""

    def __init__(self, transport: FaultyTransport, watch: Events, tried: Counter[str]) -> None:
        self._transport = transport
        self._watch = watch
        self._tried = tried
        self._held: deque[Seen] = deque()
        self._told: deque[Seen] = deque(maxlen=_REMEMBERED)
        self._begun = False
        self._revision = -1
        self.is_cut = False
        self.repeats = 0

    def poll(self) -> Sequence[Seen]:
        if self.is_cut:
            self._tried["cut watch"] += 1
            self._transport.forget(self)
            raise StatusError(410, "Expired", "too old resource version")
        revision = self._transport.revision
        if revision == self._revision and not self._held and not self.repeats:
            return ()
        self._revision = revision
        self._held += self._watch.poll()
        again = self._again()
        news = list(self._released())
        self._told += news
        return [*again, *news]

    def _again(self) -> list[Seen]:
        again = list(self._told)[-self.repeats :] if self.repeats else []
        self.repeats = 0
        self._tried["event told twice"] += len(again)
        return again

    def _released(self) -> list[Seen]:
        """What may be told by now. What was there at the beginning was asked for, and comes at once."""
        horizon = self._transport.horizon
        if horizon is None or not self._begun:
            self._begun = True
            news = list(self._held)
            self._held.clear()
            return news
        news = []
        while self._held and int(self._held[0].object["metadata"]["resourceVersion"]) <= horizon:
            news.append(self._held.popleft())
        if self._held:
            self._tried["late news"] += 1
        return news
