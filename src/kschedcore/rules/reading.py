"""Decode objects by their schema; parts that many objects share are decoded once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from kschedcore.api.machinery.remembered import remembered, shared, shared_json
from kschedcore.api.machinery.types import Object
from kschedcore.api.schema import object_type
from kschedcore.api.schema.decode import Decoder, object_decoder

__all__ = ["decoder_of"]

_SHARED_PARTS = ("spec", "metadata.labels", "metadata.annotations", "metadata.ownerReferences")


@cache
def decoder_of(type_name: str, *, templated: bool) -> Callable[[Any], tuple[Object, list[str]]]:
    """Return the decoder of a type, see :func:`kschedcore.api.schema.decode.decode_object`.

    Args:
        type_name: The type, ``core.v1.Pod``.
        templated: Whether many objects of the type have equal parts, as pods of one template do: those parts
            are cached by value, and are frozen and shared.
    """
    return object_decoder(object_type(type_name), dict.fromkeys(_SHARED_PARTS if templated else (), _once))


def _once(decode: Decoder) -> Decoder:
    """Return a decoder that caches its results; its objects and lists are frozen."""

    @remembered
    def read(value: Any) -> tuple[Any, tuple[str, ...]]:
        unknown: list[str] = []
        text = msgspec.json.encode(decode(value, unknown))
        # A value that decodes to itself is kept: a pod's spec is shared with its template.
        is_unchanged = text == msgspec.json.encode(value)
        return (value if is_unchanged else shared_json(text)), tuple(unknown)

    def read_shared(value: Any, unknown: list[str]) -> Any:
        if not isinstance(value, dict | list):
            return decode(value, unknown)
        answer, paths = read(shared(value))
        unknown += paths
        return answer

    return read_shared
