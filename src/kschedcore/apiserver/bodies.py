"""Bodies of requests: content types, limits and decoding."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec

from kschedcore.api.machinery.frozen import FROZEN
from kschedcore.api.machinery.remembered import remembered, shared_json
from kschedcore.api.machinery.status import StatusError, bad_request, internal, too_large
from kschedcore.apiserver.gojson import JSONProblem, decode_json
from kschedcore.apiserver.protobuf import PROTOBUF, read_protobuf
from kschedcore.client.transport import JSON, Body, Request, Stream
from kschedcore.errors import ManifestError
from kschedcore.manifests.yaml import read_yaml as read_yaml_documents

__all__ = [
    "APPLY",
    "JSON_PATCH",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MERGE_PATCH",
    "STRATEGIC",
    "media_type",
    "read_json",
    "read_object",
    "read_yaml",
    "with_whole_body",
]

_TEXT = frozenset({str})
_IMMUTABLE = frozenset({str, bool, type(None)}) | FROZEN

MAX_BYTES = 3 * 1024 * 1024
"""Maximum size of a body (``MaxRequestBodyBytes``)."""
MAX_DEPTH = 200
"""Maximum depth of a body. Kubernetes allows 10,000 levels; no kind has more than 50."""

_encode = msgspec.json.Encoder().encode
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_OPENING = frozenset({b"{", b"["})
_CLOSING = frozenset({b"}", b"]"})

YAML = "application/yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


def media_type(content_type: str) -> str:
    """Return a ``Content-Type`` without its parameters."""
    return content_type.partition(";")[0].strip()


def with_whole_body(request: Request) -> Request:
    """Return a request with a stream body replaced by its bytes.

    Raises:
        StatusError: 413 for more than :data:`MAX_BYTES`, without reading the rest; 500 if the stream fails.
    """
    stream, parts, missing = cast("Stream", request.body), [], MAX_BYTES + 1
    try:
        while missing and (part := stream.read(missing)):
            parts.append(part)
            missing -= len(part)
    except OSError as error:
        raise internal(f"the body cannot be read: {error}") from error
    return msgspec.structs.replace(request, body=_bounded(b"".join(parts)))


def as_bytes(body: Body) -> bytes:
    """Return the body as bytes.

    Raises:
        StatusError: 400 for values that JSON cannot express, 413 for more than :data:`MAX_BYTES`.
    """
    if isinstance(body, bytes):
        return _bounded(body)
    if not isinstance(body, str):
        return _written(body)
    try:
        return _bounded(body.encode())
    except UnicodeEncodeError:
        raise bad_request("the body is not valid UTF-8") from None


def _written(value: Any) -> bytes:
    data = _encoded(value)
    return data if len(data) <= MAX_DEPTH else _bounded(data)


def _encoded(value: Any) -> bytes:
    try:
        return _encode(value)
    except (TypeError, ValueError, OverflowError) as fault:
        raise bad_request(f"the body cannot be written as JSON: {fault}") from None
    except RecursionError:
        raise _too_deep() from None


def _bounded(data: bytes) -> bytes:
    """Return a body, or a part of one, after checking its size and depth."""
    size = len(data)
    if size <= MAX_DEPTH:
        return data
    if size > MAX_BYTES:
        raise too_large(f"limit is {MAX_BYTES}")
    # Counting brackets is fast, and only bodies with many brackets need a depth check.
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise _too_deep()
    return data


def _too_deep() -> StatusError:
    return bad_request(f"the body is nested deeper than {MAX_DEPTH} levels")


def _depth(data: bytes) -> int:
    """Return the depth of a JSON text, or of flow style in YAML; approximate for invalid text."""
    deepest = depth = 0
    for token in _BRACKETS.findall(data):
        if token in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif token in _CLOSING:
            depth -= 1
    return deepest


def read_json(body: Body) -> Any:
    """Decode a JSON body as a new object; raises :class:`JSONProblem` with Go's message."""
    return decode_json(as_bytes(body))


def read_object(body: Body, content_type: str, *, templated: bool = False) -> dict[str, Any]:
    """Return the object in the body of a create, an update or a deletion.

    Args:
        body: The body; its frozen parts are shared by the object, others are copied.
        content_type: The content type of a text.
        templated: Whether its parts are likely to be shared with other objects; they are frozen then.

    Raises:
        StatusError: 413 if it is too large, 415 for another content type than JSON and YAML, 400 for
            invalid text.
    """
    if content_type != JSON:
        content_type = media_type(content_type)
    if content_type == YAML:
        return read_yaml(body)
    if content_type == PROTOBUF:
        return read_protobuf(as_bytes(body))
    if content_type != JSON:
        raise StatusError(
            415, "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {YAML}, {PROTOBUF}",
        )  # fmt: skip
    try:
        value = _received(body, templated) if isinstance(body, dict) else read_json(body)
    except JSONProblem as fault:
        raise bad_request(f"couldn't get version/kind; json parse error: {fault}") from None
    return value if type(value) is dict else _an_object(value)


def _received(body: dict[str, Any], templated: bool) -> dict[str, Any]:
    """Return a copy of a body that is an object, sharing its frozen parts."""
    if not _TEXT.issuperset(map(type, body)):
        copied: dict[str, Any] = read_json(body)
        return copied
    copy_part = _shared_part if templated else _copied_part
    received = {}
    for key, item in body.items():
        if type(item) in _IMMUTABLE:
            received[key] = item
        elif key == "metadata" and isinstance(item, dict):
            received[key] = _copied_parts(item, copy_part)
        elif key == "status" and isinstance(item, dict):
            # The status dict is not shared, but its unchanged parts may be frozen.
            received[key] = _copied_parts(item, _copied_part)
        else:
            received[key] = copy_part(item)
    return received


def _copied_parts(parts: dict[str, Any], copy_part: Callable[[Any], Any]) -> Any:
    if not _TEXT.issuperset(map(type, parts)):
        return _copied_part(parts)
    return {key: part if type(part) in _IMMUTABLE else copy_part(part) for key, part in parts.items()}


def _copied_part(part: Any) -> Any:
    return decode_json(_written(part))


def _shared_part(part: Any) -> Any:
    return _shared_text(_encoded(part))


@remembered
def _shared_text(text: bytes) -> Any:
    return shared_json(_bounded(text))


def read_yaml(body: Body) -> dict[str, Any]:
    """Return the object in a YAML body, or a JSON body, which is YAML."""
    if not isinstance(body, str | bytes):
        return _an_object(read_json(body))
    try:
        documents = list(read_yaml_documents(as_bytes(body).decode()))
    except (ManifestError, UnicodeDecodeError) as fault:
        raise bad_request(f"error decoding YAML: {fault}") from None
    return _an_object(documents[0][1] if documents else None)


def _an_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        found = "null" if value is None else type(value).__name__
        why = f"json: cannot unmarshal {_WORDS.get(found, found)} into Go value of type struct"
        raise bad_request(f"couldn't get version/kind; json parse error: {why}")
    return value


_WORDS = {"str": "string", "list": "array", "int": "number", "float": "number", "bool": "bool"}
