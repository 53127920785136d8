"""Bodies of responses as bytes: JSON or YAML, compressed where that pays."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any

import msgspec
import yaml

from kschedcore.api.machinery.frozen import plain
from kschedcore.client.transport import JSON, Headers

__all__ = ["YAML", "compressed", "encoded", "json_bytes", "wants_gzip", "wants_yaml"]

YAML = "application/yaml"
GZIP_BYTES = 128 * 1024
"""Smaller bodies are sent as they are (``defaultGzipThresholdBytes``)."""
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31

json_bytes = msgspec.json.Encoder().encode


@lru_cache(maxsize=256)
def wants_yaml(accept: str) -> bool:
    """Return whether an ``Accept`` header names YAML before JSON and everything."""
    for clause in accept.split(","):
        media = clause.partition(";")[0].strip().lower()
        if media == YAML:
            return True
        if media in (JSON, "*/*", "application/*"):
            return False
    return False


@lru_cache(maxsize=64)
def wants_gzip(accept_encoding: str) -> bool:
    """Return whether an ``Accept-Encoding`` header takes gzip."""
    return any(clause.partition(";")[0].strip().lower() == "gzip" for clause in accept_encoding.split(","))


def encoded(body: Any, accept: str) -> tuple[str, bytes]:
    """Return the media type and the bytes of an object, in the language that the client takes."""
    if wants_yaml(accept):
        return YAML, yaml.safe_dump(plain(body), sort_keys=False, allow_unicode=True).encode()
    return JSON, json_bytes(body)


def compressed(data: bytes, headers: Headers, accept_encoding: str) -> tuple[bytes, Headers]:
    """Return a body and its headers, compressed when the client takes that and the body is large."""
    if len(data) < GZIP_BYTES or not wants_gzip(accept_encoding):
        return data, headers
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    packed = packer.compress(data) + packer.flush()
    return packed, (*headers, ("content-encoding", "gzip"), ("vary", "Accept-Encoding"))
