"""``events.k8s.io/v1``: the same events as ``v1`` has, under the names that group gives their fields.

Kubernetes stores one kind of event and serves it twice; so does the door. A request for the newer group is
asked of the core group, in its words, and the answer is put back. Rule: ``pkg/apis/events/v1/conversion.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kschedcore.api.machinery.types import Object
from kschedcore.apiserver.bodies import APPLY, JSON_PATCH, Body, read_json, read_yaml
from kschedcore.apiserver.gojson import JSONProblem

__all__ = ["PREFIX", "core_request", "events_answer"]

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


def core_request(path: str, body: Body, content_type: str) -> tuple[str, Body]:
    """The request that asks the core group for the same.

    Args:
        path: One below :data:`PREFIX`, with its query.
        body: An event, a part of one, a JSON patch, or nothing.
        content_type: What the body is.

    Raises:
        StatusError: 400 for a body that cannot be read.
    """
    core = f"/api/v1/{path.removeprefix(PREFIX)}".replace("regarding.", "involvedObject.")
    if body is None or body in ("", b""):
        return core, body
    try:
        given = read_yaml(body) if content_type == APPLY else read_json(body)
    except JSONProblem:
        # The core group says best what is wrong with it.
        return core, body
    if content_type == JSON_PATCH and isinstance(given, list):
        return core, [_operation(each) for each in given]
    if not isinstance(given, Mapping) or given.get("kind", "Event") != "Event":
        return core, body
    return core, _renamed(given, _TO_CORE, API_VERSION, "v1")


def events_answer(answer: Mapping[str, Any]) -> Object:
    """An answer of the core group in this group's words: an event or a list of them; others as they are."""
    kind = answer.get("kind")
    if kind == "EventList":
        items = [_renamed(item, _FROM_CORE, "v1", API_VERSION) for item in answer["items"]]
        return {**answer, "apiVersion": API_VERSION, "items": items}
    return _renamed(answer, _FROM_CORE, "v1", API_VERSION) if kind == "Event" else dict(answer)


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
