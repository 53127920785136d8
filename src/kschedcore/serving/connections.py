"""HTTP connections: uvicorn's, with the user of the client's certificate, and bounds on what a client may hold."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kschedcore.client.transport import User
from kschedcore.serving.certificates import user_of

__all__ = ["HEADER_BYTES", "HEADER_SECONDS", "Connection"]

HEADER_BYTES = 64 * 1024
"""Maximum bytes of the request line and headers of one request."""
HEADER_SECONDS = 10.0
"""Seconds within which a client must send them."""

_CLOSING_SECONDS = 0.05


class Connection(HttpToolsProtocol):
    """One connection of a client.

    The ASGI scope of each request has ``kschedcore.user``, the user whom the client's certificate authenticates;
    None without one.
    """

    _user: User | None = None
    _header_bytes = 0
    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Read the client's certificate, which the handshake verified."""
        super().connection_made(transport)
        secured: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        certificate = None if secured is None else secured.getpeercert(binary_form=True)
        if certificate:
            self._user = user_of(certificate)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._headers_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receive data of the client; a request whose headers are too long ends the connection."""
        if self._header_timer is not None:
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES and b"\r\n\r\n" not in data[-HEADER_BYTES:]:
                self._refuse(b"431 Request Header Fields Too Large")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        scope: Any = self.scope
        scope["kschedcore.user"] = self._user
        if self._header_timer is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """Start the response."""
        self._headers_came()
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Close after the response that is being sent, without waiting for the client to agree to the end of TLS."""
        super().shutdown()
        self._abort_when_closing()

    def _abort_when_closing(self) -> None:
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.loop.call_later(_CLOSING_SECONDS, self._abort_when_closing)

    def _expect_headers(self) -> None:
        self._header_bytes = 0
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._refuse, b"408 Request Timeout")

    def _headers_came(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, status: bytes) -> None:
        self._headers_came()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
            self.transport.close()
