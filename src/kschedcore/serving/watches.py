"""Watches over a connection: events are pushed as lines of JSON, each encoded once for all watchers."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.client.transport import Events, Query, Seen
from kschedcore.serving.encoding import json_bytes

__all__ = ["Announcer", "Encoder", "seconds_of", "stream"]

MIN_SECONDS = 1800
"""A watch whose request does not say how long ends after this time, or up to twice that (``min-request-timeout``)."""
BOOKMARK_SECONDS = 60.0
"""Seconds between the bookmarks of a watch that takes them."""
PAUSE_SECONDS = 0.01
"""Minimum seconds between two sends of a watch: many writes then cost each watcher one message."""
CACHED_BYTES = 16 * 1024 * 1024
"""Maximum bytes of encoded events that are kept for other watchers of the same objects."""

Send = Callable[[bytes], Awaitable[None]]


class Announcer:
    """Wakes all waiters for writes, at once, but not more often than every few milliseconds."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0

    def announce(self) -> None:
        """Wake the waiters after a write."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            due = max(loop.time(), self._last + PAUSE_SECONDS)
            self._timer = loop.call_at(due, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def next(self) -> asyncio.Future[None]:
        """Return a future that is done after the next write."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        return future

    def forget(self, future: asyncio.Future[None]) -> None:
        """Stop waiting for a future."""
        self._waiting.discard(future)


class Encoder:
    """Encodes events, and keeps the bytes of recent ones for the other watchers of an object."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str, str], bytes] = OrderedDict()
        self._size = 0

    def line(self, event: Seen) -> bytes:
        """Return an event as a line of JSON."""
        obj = event.object
        metadata = obj.get("metadata") or {}
        uid = metadata.get("uid")
        if not uid or event.type == "BOOKMARK" or obj.get("kind") in ("Table", "PartialObjectMetadata"):
            return _line(event.type, obj)
        # One object is served under the versions of its kind, with equal uid and resource version.
        key = (uid, metadata["resourceVersion"], event.type, obj["apiVersion"])
        if (known := self._known.get(key)) is not None:
            return known
        line = _line(event.type, obj)
        self._known[key] = line
        self._size += len(line)
        while self._size > CACHED_BYTES:
            self._size -= len(self._known.popitem(last=False)[1])
        return line


def _line(kind: str, obj: Object) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), json_bytes(obj))


def seconds_of(query: Query, draw: Callable[[], float] = random.random) -> float:
    """Return how long a watch lasts: as its request says, or at random from half an hour to an hour."""
    text = query.get("timeoutSeconds", "")
    if text.isascii() and text.isdecimal() and int(text[:9]) > 0:
        return float(text[:9])
    return MIN_SECONDS * (1 + draw())


async def stream(
    events: Events,
    send: Send,
    closed: asyncio.Future[None],
    *,
    announcer: Announcer,
    encoder: Encoder,
    seconds: float,
    bookmarks: bool,
) -> None:
    """Send the events of a watch until it ends.

    A client that reads slowly holds back only its own watch: :data:`Send` waits for it, and events are read from
    the log when it is ready for more. A watch that falls behind the history ends with 410.

    Args:
        events: The watch.
        send: Sends bytes to the client, and waits while it does not read.
        closed: Done when the client has gone or the server stops.
        announcer: Signals writes.
        encoder: Encodes events.
        seconds: How long the watch lasts.
        bookmarks: Whether the client takes bookmarks.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    bookmark = clock() + BOOKMARK_SECONDS
    while not closed.done():
        news = announcer.next()
        try:
            lines = _lines(events.poll(), encoder)
            ended = False
        except StatusError as gone:
            lines, ended = [_line("ERROR", gone.status())], True
        if lines:
            announcer.forget(news)
            for part in _parts(lines):
                await send(part)
            if ended:
                return
            continue
        now = clock()
        if bookmarks and now >= bookmark:
            bookmark = now + BOOKMARK_SECONDS
            if (mark := getattr(events, "bookmark", None)) is not None:
                await send(encoder.line(mark()))
        if now >= end:
            announcer.forget(news)
            return
        wait = min(end, bookmark if bookmarks else end) - now
        await asyncio.wait({news, closed}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        announcer.forget(news)


def _lines(events: Sequence[Seen], encoder: Encoder) -> list[bytes]:
    return [encoder.line(event) for event in events]


def _parts(lines: Iterable[bytes], size: int = 256 * 1024) -> Iterable[bytes]:
    """Join lines to pieces of about ``size`` bytes."""
    piece: list[bytes] = []
    length = 0
    for line in lines:
        piece.append(line)
        length += len(line)
        if length >= size:
            yield b"".join(piece)
            piece, length = [], 0
    if piece:
        yield b"".join(piece)
