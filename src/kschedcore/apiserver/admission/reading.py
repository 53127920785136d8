"""Reading what many objects have in common once."""

from __future__ import annotations

from typing import Any

import msgspec

from kschedcore.api.machinery.remembered import remembered, shared, shared_json
from kschedcore.api.schema.decode import Decoder

__all__ = ["reading_once"]


def reading_once(decode: Decoder) -> Decoder:
    """A decoder that reads what it has read before by looking it up; objects and lists that it reads are frozen.

    Args:
        decode: Reads what has not been read before.
    """

    @remembered
    def read(value: Any) -> tuple[Any, tuple[str, ...]]:
        unknown: list[str] = []
        text = msgspec.json.encode(decode(value, unknown))
        # What reads as itself stays the part that was sent: a template's spec, shared with the template.
        read_before = text == msgspec.json.encode(value)
        return (value if read_before else shared_json(text)), tuple(unknown)

    def read_shared(value: Any, unknown: list[str]) -> Any:
        if not isinstance(value, dict | list):
            return decode(value, unknown)
        answer, paths = read(shared(value))
        unknown += paths
        return answer

    return read_shared
