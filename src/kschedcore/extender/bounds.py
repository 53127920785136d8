"""Limits of the extender's server: connections, bytes and time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Limits", "Refused", "Share"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a server.

    Attributes:
        connections: Maximum number of connections that are served at once. Others wait in the listener's backlog; an
            idle connection is closed for them.
        body: Maximum size of a request's body in bytes (some thousand whole nodes); larger ones are refused with
            status 413 and not read.
        bytes_in_flight: Maximum total size of the bodies of concurrent requests, without the small ones.
        small_body: Size in bytes up to which a body is small.
        request_seconds: Maximum time from a request's first byte to its last, and for sending a response.
        idle_seconds: Maximum time until the first byte of the next request.
    """

    connections: int = 256
    body: int = 64 << 20
    bytes_in_flight: int = 256 << 20
    small_body: int = 1 << 20
    request_seconds: float = 30.0
    idle_seconds: float = 60.0


class Refused(Exception):  # noqa: N818 - a response, not a fault
    """A request that is refused without reading its body.

    Attributes:
        status: HTTP status code.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Share:
    """A budget of bytes that requests share.

    Args:
        total: Number of bytes.
    """

    def __init__(self, total: int) -> None:
        self._left = total
        self._changed = threading.Condition()

    @contextmanager
    def held(self, count: int, seconds: float) -> Iterator[None]:
        """Hold some bytes inside the block, after waiting until they are available.

        Raises:
            Refused: They were not available in time (status 503).
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._left >= count, seconds):
                raise Refused(503, "too many bytes of other requests are being read; try again later")
            self._left -= count
        try:
            yield
        finally:
            with self._changed:
                self._left += count
                self._changed.notify_all()
