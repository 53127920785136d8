"""The ASGI application: converts HTTP requests into requests to the API server, and their responses."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from kschedcore.api.machinery.status import StatusError
from kschedcore.apiserver import APIServer
from kschedcore.apiserver.bodies import MAX_BYTES
from kschedcore.apiserver.options import is_set
from kschedcore.client.transport import JSON, Body, Events, Headers, Query, Request, Response, User
from kschedcore.serving.documents import Documents
from kschedcore.serving.encoding import compressed, encoded
from kschedcore.serving.watches import Announcer, Encoder, seconds_of, stream

__all__ = ["Application"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
SendMessage = Callable[[Message], Awaitable[None]]

BODY_SECONDS = 30.0
"""Seconds within which a client must send the body of a request."""
_NO_BODY = frozenset({"GET", "HEAD"})
_PLAIN_ACCEPT = frozenset({"", "*/*", JSON, f"{JSON}, */*", f"{JSON},*/*"})
_HTML = "text/html"


class Application:
    """Serves an API server as an ASGI application.

    Args:
        server: The API server.
        documents: The documents that are served beside the API.
        wrote: Called after every request that may have written.

    Attributes:
        announcer: Wakes watches.
        watches: For each open watch, the future that ends it.
    """

    def __init__(self, server: APIServer, documents: Documents, wrote: Callable[[], None]) -> None:
        self._server, self._documents, self._wrote = server, documents, wrote
        self.announcer = Announcer()
        self._encoder = Encoder()
        self.watches: set[asyncio.Future[None]] = set()

    def stop(self) -> None:
        """End every watch."""
        for future in self.watches:
            if not future.done():
                future.set_result(None)

    async def __call__(self, scope: Scope, receive: Receive, send: SendMessage) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            await _refuse_websocket(scope, send)
            return
        headers = _headers(scope)
        user: User | None = scope.get("kschedcore.user")
        method: str = scope["method"]
        path: str = scope["raw_path"].decode("latin-1")
        query: str = scope["query_string"].decode("latin-1")
        accept = headers.get("accept", "")
        try:
            if user is None and not self._documents.is_public(path):
                raise StatusError(401, "Unauthorized", "Unauthorized")
            document = self._documents.find(path, query, accept)
            if document is not None:
                if method not in _NO_BODY:
                    raise StatusError(405, "MethodNotAllowed", f"{method} is not allowed at {path}")
                await _answer(send, document.code, document.body, document.headers, method)
                return
            body = b"" if method in _NO_BODY else await _body(receive, headers)
        except StatusError as refusal:
            await self._respond(send, Response(refusal.code, refusal.status()), headers, method)
            return
        except _Gone:
            return
        response = self._server.send(self._request(method, path, query, body, headers, user))
        if method not in _NO_BODY:
            self._wrote()
        if isinstance(response.body, dict):
            await self._respond(send, response, headers, method)
        else:
            await self._watch(response, query, receive, send)

    @staticmethod
    def _request(
        method: str, path: str, query: str, body: bytes, headers: dict[str, str], user: User | None
    ) -> Request:
        accept = headers.get("accept", "")
        content: Body = body or None
        return Request(
            method,
            f"{path}?{query}" if query else path,
            content,
            headers.get("content-type", JSON),
            headers.get("user-agent", ""),
            "" if accept in _PLAIN_ACCEPT else accept,
            user or User("system:anonymous", groups=("system:unauthenticated",)),
        )

    async def _respond(
        self, send: SendMessage, response: Response, headers: dict[str, str], method: str
    ) -> None:
        media, data = encoded(response.object, headers.get("accept", ""))
        lines: Headers = (("content-type", media), *_response_headers(response))
        data, lines = compressed(data, lines, headers.get("accept-encoding", ""))
        await _answer(send, response.code, data, lines, method)

    async def _watch(self, response: Response, query: str, receive: Receive, send: SendMessage) -> None:
        events = response.body
        assert not isinstance(events, dict)
        options = Query.parse(query)
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.watches.add(closed)
        gone = asyncio.ensure_future(_until_gone(receive, closed))
        await send(_start(200, (("content-type", JSON), *_response_headers(response))))
        try:
            await self._push(events, options, closed, send)
        finally:
            self.watches.discard(closed)
            gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _push(
        self, events: Events, options: Query, closed: asyncio.Future[None], send: SendMessage
    ) -> None:
        async def send_part(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        await stream(
            events,
            send_part,
            closed,
            announcer=self.announcer,
            encoder=self._encoder,
            seconds=seconds_of(options),
            bookmarks=is_set(options, "allowWatchBookmarks"),
        )


class _Gone(Exception):  # noqa: N818 - the client has gone; nothing is wrong
    pass


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers by name; the first of each name."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


async def _body(receive: Receive, headers: dict[str, str]) -> bytes:
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:12]) > MAX_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                part = message.get("body", b"")
                size += len(part)
                if size > MAX_BYTES:
                    raise _too_large()
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise StatusError(
            408, "Timeout", f"the body of the request did not arrive within {BODY_SECONDS:g} s"
        ) from None


def _too_large() -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {MAX_BYTES}", {})


def _response_headers(response: Response) -> Headers:
    lines = [
        ("audit-id", str(uuid.uuid4())),
        ("cache-control", "no-cache, private"),
        *(("warning", f'299 - "{_quoted(text)}"') for text in response.warnings),
        *response.headers,
    ]
    if response.code >= 400:
        details = response.object.get("details") or {}
        if (seconds := details.get("retryAfterSeconds")) is not None:
            lines.append(("retry-after", str(seconds)))
    return tuple(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(char if char.isprintable() else " " for char in escaped)


def _start(code: int, headers: Headers) -> Message:
    lines = [(name.encode("latin-1"), value.encode("utf-8", "replace")) for name, value in headers]
    return {"type": "http.response.start", "status": code, "headers": lines}


async def _answer(send: SendMessage, code: int, data: bytes, headers: Headers, method: str) -> None:
    await send(_start(code, (*headers, ("content-length", str(len(data))))))
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else data})


async def _until_gone(receive: Receive, closed: asyncio.Future[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    if not closed.done():
        closed.set_result(None)


async def _refuse_websocket(scope: Scope, send: SendMessage) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1003})
