"""Requests in another version than the one in which a kind is stored (:attr:`Kind.conversion`).

Reads and deletions are sent on to the stored version, and what they answer is converted. Writes are read, patched
and applied in the version of the request (:attr:`Write.version`); only their answers are converted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from kschedcore.api.machinery.kinds import OTHER_VERSIONS, Kind, stored_kind
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.apiserver.cells import column_definitions
from kschedcore.apiserver.requests import Requests
from kschedcore.apiserver.routes import route
from kschedcore.client.transport import Events, Request, Response
from kschedcore.store.watch import WatchEvent

__all__ = ["PREFIXES", "send"]

PREFIXES = tuple(sorted({f"/apis/{kind.resource.api_version}/" for kind in OTHER_VERSIONS}))
"""Path prefixes of requests that may be for another version than the stored one."""

_WRITES = frozenset({"POST", "PUT", "PATCH"})


def send(requests: Requests, request: Request) -> Response:
    """Answer a request whose path begins with one of :data:`PREFIXES`.

    Args:
        requests: Answers requests in stored versions, and writes in all versions.
        request: The request.
    """
    try:
        kind = route(request.target).kind
    except StatusError:
        return requests.send(request, complete=True)
    if kind.conversion is None:
        return requests.send(request, complete=True)
    if request.method not in _WRITES:
        request = replace(request, target=_stored_target(request.target, kind))
    response = requests.send(request, complete=True)
    body = response.body
    return replace(
        response, body=_converted(body, kind) if isinstance(body, dict) else _ConvertedWatch(body, kind)
    )


def _stored_target(target: str, kind: Kind) -> str:
    assert kind.conversion is not None
    stored = stored_kind(kind).resource
    prefix = f"/apis/{stored.api_version}/" if stored.group else f"/api/{stored.version}/"
    path, mark, query = target.partition("?")
    for name, other in kind.conversion.fields.items():
        query = query.replace(name, other)
    return prefix + path.removeprefix(f"/apis/{kind.resource.api_version}/") + mark + query


def _converted(body: Mapping[str, Any], kind: Kind) -> Object:
    """An object, a list or a table of objects of the stored version, in this one; anything else as it is."""
    assert kind.conversion is not None
    version, found = kind.resource.api_version, body.get("kind")
    if found == kind.resource.kind:
        return kind.conversion.from_stored(body)
    if found == kind.list_kind:
        return {**body, "apiVersion": version, "items": [_item(each, kind) for each in body["items"]]}
    if found != "Table":
        return dict(body)
    rows = [{**row, "object": row["object"] and _converted(row["object"], kind)} for row in body["rows"]]
    table = {**body, "rows": rows}
    if body.get("columnDefinitions"):
        table["columnDefinitions"] = column_definitions(kind.resource.qualified)
    return table


def _item(item: Mapping[str, Any], kind: Kind) -> Object:
    """An item of a list, which states no version."""
    assert kind.conversion is not None
    converted = kind.conversion.from_stored(item)
    converted.pop("apiVersion", None)
    return converted


class _ConvertedWatch:
    """A watch of the stored version that converts its objects."""

    def __init__(self, events: Events, kind: Kind) -> None:
        self._events = events
        self._kind = kind

    def poll(self) -> list[WatchEvent]:
        return [WatchEvent(each.type, self._object(each.type, each.object)) for each in self._events.poll()]

    def _object(self, event: str, obj: Object) -> Object:
        if event == "BOOKMARK" and obj.get("kind") == self._kind.resource.kind:
            return {**obj, "apiVersion": self._kind.resource.api_version}
        return _converted(obj, self._kind)
