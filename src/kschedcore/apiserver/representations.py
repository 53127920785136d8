"""Representations of a response: the object, its metadata only, or a ``Table`` (``Accept`` negotiation)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from msgspec.structs import replace

from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.remembered import remembered
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.apiserver.cells import cells_of, column_definitions
from kschedcore.client.transport import Events, Query, Response
from kschedcore.rules.preparation.workloads import TEMPLATE_GENERATION
from kschedcore.store.watch import WatchEvent

__all__ = ["Representation", "negotiated", "represented"]

_META = "meta.k8s.io/v1"
_MEDIA = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_ANY = ("*/*", "application/*")


class Representation(Enum):
    """The representation of a response."""

    OBJECT = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"


@remembered
def negotiated(accept: str) -> Representation:
    """Return the first served representation of an ``Accept`` header; the object without one.

    Raises:
        StatusError: 406 if none is served.
    """
    if not accept:
        return Representation.OBJECT
    clauses = sorted(map(_clause, accept.split(",")), key=lambda clause: -clause[2])
    known = [clause for clause in clauses if clause[0] in _MEDIA or clause[0] in _ANY]
    if not known:
        listed = ", ".join(_MEDIA)
        message = f"406: Not Acceptable\n\nAvailable representations: {listed}"
        raise StatusError(406, "NotAcceptable", message, {})
    for _, options, _ in known:
        kind = options.get("as", "")
        if not kind:
            return Representation.OBJECT
        if options.get("g") == "meta.k8s.io" and options.get("v") in ("v1", "v1beta1"):
            for each in Representation:
                if each.value == kind:
                    return each
    why = f"only the following media types are accepted: {', '.join(_MEDIA)}"
    raise StatusError(406, "NotAcceptable", why)


def _clause(text: str) -> tuple[str, Mapping[str, str], float]:
    media, *options = (part.strip() for part in text.split(";"))
    found = {name.strip(): value.strip() for name, _, value in (option.partition("=") for option in options)}
    try:
        quality = float(found.get("q", "1"))
    except ValueError:
        quality = 1.0
    return media.lower(), found, quality


def represented(
    response: Response, form: Representation, kind: Kind, query: Query, now: datetime
) -> Response:
    """Return a response of objects of ``kind`` in another representation; errors and other objects unchanged."""
    if form is Representation.OBJECT or response.code >= 400:
        return response
    body = response.body
    if not isinstance(body, dict):
        return replace(response, body=_FormedWatch(body, form, kind, query, now))
    if body.get("kind") not in (kind.resource.kind, kind.list_kind):
        return response
    if form is Representation.TABLE:
        return replace(response, body=_table(body, kind, query.get("includeObject", ""), now))
    return replace(response, body=_metadata(body, kind))


def _metadata(body: Object, kind: Kind) -> Object:
    if body["kind"] == kind.list_kind:
        items = [_partial(item) for item in body["items"]]
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": _META,
            "metadata": body["metadata"],
            "items": items,
        }
    return _partial(body)


def _partial(obj: Mapping[str, Any]) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": obj["metadata"]}


def _table(body: Object, kind: Kind, include: str, now: datetime) -> Object:
    many = body["kind"] == kind.list_kind
    items: Iterable[Object] = body["items"] if many else (body,)
    metadata = body["metadata"]
    if not many:  # what a dry run would create has no version
        metadata = {key: metadata[key] for key in ("resourceVersion",) if key in metadata}
    resource = kind.resource.qualified
    return {
        "kind": "Table", "apiVersion": _META, "metadata": metadata,
        "columnDefinitions": column_definitions(resource),
        "rows": [_row(resource, kind, item, include, now) for item in items],
    }  # fmt: skip


_ENDED = {
    "Succeeded": [
        {
            "type": "Completed", "status": "True", "reason": "Succeeded",
            "message": "The pod has completed successfully.",
        }
    ],
    "Failed": [{"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."}],
}  # fmt: skip
"""Phase -> conditions of the table rows of terminated pods."""


def _row(resource: str, kind: Kind, obj: Object, include: str, now: datetime) -> Object:
    shown: Object | None = _partial(obj)
    if resource == "daemonsets.apps" and include != "Object":
        shown = _partial({"metadata": _without_template_generation(obj["metadata"])})
    if include == "None":
        shown = None
    elif include == "Object":
        shown = {"kind": kind.resource.kind, "apiVersion": kind.resource.api_version, **obj}
    row: Object = {"cells": cells_of(resource, obj, now), "object": shown}
    if resource == "pods" and (conditions := _ENDED.get((obj.get("status") or {}).get("phase", ""))):
        row["conditions"] = conditions
    return row


def _without_template_generation(metadata: Object) -> Object:
    """Return metadata without the annotation that the server stores as a field of the object."""
    annotations = {
        key: value for key, value in metadata.get("annotations", {}).items() if key != TEMPLATE_GENERATION
    }
    kept = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**kept, "annotations": annotations} if annotations else kept


class _FormedWatch:
    """A watch that converts its objects to tables; only the first table has column definitions."""

    def __init__(self, events: Events, form: Representation, kind: Kind, query: Query, now: datetime) -> None:
        self._events = events
        self._form, self._kind, self._now = form, kind, now
        self._include = query.get("includeObject", "")
        self._begun = False

    def poll(self) -> Sequence[WatchEvent]:
        return [WatchEvent(each.type, self._formed(each.type, each.object)) for each in self._events.poll()]

    def _formed(self, event: str, obj: Object) -> Object:
        if self._form is not Representation.TABLE:
            return _partial(obj)
        if event == "BOOKMARK":
            table = {"kind": "Table", "apiVersion": _META, "metadata": obj["metadata"], "rows": []}
        else:
            table = _table(obj, self._kind, self._include, self._now)
        if self._begun:
            table["columnDefinitions"] = None
        self._begun = True
        return table
