"""Bodies of requests: what content types there are, and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kschedcore.api.yaml import read_yaml as read_yaml_documents
from kschedcore.apiserver.gojson import JSONProblem, decode_json
from kschedcore.errors import ManifestError
from kschedcore.store.admission_types import StatusError, bad_request

__all__ = [
    "APPLY",
    "JSON",
    "JSON_PATCH",
    "MERGE_PATCH",
    "STRATEGIC",
    "Body",
    "read_json",
    "read_object",
    "read_yaml",
]

Body = Mapping[str, Any] | list[Any] | str | bytes | None

JSON = "application/json"
YAML = "application/yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


def as_bytes(body: Body) -> bytes:
    """The body as it would travel; what JSON cannot say is a bad request."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    try:
        return msgspec.json.encode(body)
    except (TypeError, OverflowError) as fault:
        raise bad_request(f"the body cannot be written as JSON: {fault}") from None


def read_json(body: Body) -> Any:
    """A JSON body, shared with nobody; raises :class:`JSONProblem` in Go's words."""
    return decode_json(as_bytes(body))


def read_object(body: Body, content_type: str) -> dict[str, Any]:
    """The object in the body of a create, an update or a deletion.

    Raises:
        StatusError: 415 for another content type than JSON and YAML, 400 for what cannot be read.
    """
    if content_type == YAML:
        return read_yaml(body)
    if content_type != JSON:
        raise StatusError(
            415, "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {YAML}, application/vnd.kubernetes.protobuf",
        )  # fmt: skip
    try:
        value = read_json(body)
    except JSONProblem as fault:
        raise bad_request(f"couldn't get version/kind; json parse error: {fault}") from None
    return _an_object(value)


def read_yaml(body: Body) -> dict[str, Any]:
    """The object in a YAML body, or in a JSON one, which is YAML."""
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
