"""``events.k8s.io/v1``: the same events as ``v1`` has, under the names that group gives their fields.

Kubernetes stores one kind of event and serves it twice; so does the API server. A request for the newer group is
converted to one for the core group, and the response is converted back. Rule: ``pkg/apis/events/v1/conversion.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from kschedcore.api.machinery.types import Object
from kschedcore.apiserver.bodies import APPLY, JSON_PATCH, media_type, read_json, read_yaml
from kschedcore.apiserver.gojson import JSONProblem
from kschedcore.client.transport import Body, Events, Request, Response
from kschedcore.store.watch import WatchEvent

__all__ = ["PREFIX", "core_request", "events_response"]

PREFIX = "/apis/events.k8s.io/v1/"
API_VERSION = "events.k8s.io/v1"

_TO_CORE = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_FROM_CORE = {core: name for name, core in _TO_CORE.items()}


def core_request(request: Request) -> Request:
    """Return the request to the core group that means the same.

    Args:
        request: A request for a path below :data:`PREFIX`. Its body is an event, a part of one, a JSON patch, or
            nothing.

    Raises:
        StatusError: 400 for a body that cannot be read.
    """
    target = f"/api/v1/{request.target.removeprefix(PREFIX)}".replace("regarding.", "involvedObject.")
    body = _core_body(request.body, media_type(request.content_type))
    return replace(request, target=target, body=body)


def _core_body(body: Body, content_type: str) -> Body:
    if body is None or body in ("", b""):
        return body
    try:
        given = read_yaml(body) if content_type == APPLY else read_json(body)
    except JSONProblem:
        # The core group has the message for it.
        return body
    if content_type == JSON_PATCH and isinstance(given, list):
        return [_operation(each) for each in given]
    if not isinstance(given, Mapping) or given.get("kind", "Event") != "Event":
        return body
    return _renamed(given, _TO_CORE, API_VERSION, "v1")


def events_response(response: Response) -> Response:
    """Return a response of the core group with events as this group has them."""
    body = response.body
    return replace(response, body=_events_body(body) if isinstance(body, dict) else _EventsWatch(body))


def _events_body(answer: Mapping[str, Any]) -> Object:
    """An event or a list of events, converted; anything else as it is."""
    kind = answer.get("kind")
    if kind == "Table":
        rows = [{**row, "object": row["object"] and _events_body(row["object"])} for row in answer["rows"]]
        return {**answer, "rows": rows}
    if kind == "EventList":
        items = [_renamed(item, _FROM_CORE, "v1", API_VERSION) for item in answer["items"]]
        return {**answer, "apiVersion": API_VERSION, "items": items}
    return _renamed(answer, _FROM_CORE, "v1", API_VERSION) if kind == "Event" else dict(answer)


class _EventsWatch:
    """A watch of the core group's events that converts their objects."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def poll(self) -> list[WatchEvent]:
        return [WatchEvent(each.type, _events_body(each.object)) for each in self._events.poll()]


def _operation(operation: Any) -> Any:
    if not isinstance(operation, Mapping):
        return operation
    pointers = {
        key: _pointer(operation[key]) for key in ("path", "from") if isinstance(operation.get(key), str)
    }
    return {**operation, **pointers}


def _pointer(pointer: str) -> str:
    first, slash, others = pointer.removeprefix("/").partition("/")
    return f"/{_TO_CORE.get(first, first)}{slash}{others}" if pointer else pointer


def _renamed(event: Mapping[str, Any], names: Mapping[str, str], old: str, new: str) -> Object:
    renamed = {names.get(key, key): value for key, value in event.items()}
    if renamed.get("apiVersion") == old:
        renamed["apiVersion"] = new
    return renamed
