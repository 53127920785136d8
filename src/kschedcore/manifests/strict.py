"""Strict decoding of kschedcore's own documents: an unknown field or a wrong type is an error with its path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from kschedcore.api.objects.decoding import shown
from kschedcore.errors import ManifestError

__all__ = ["Fields", "read_strictly"]

Read = TypeVar("Read")

_STEP = re.compile(r"\[[^\]]*\]|[^.\[]+")

_WORDS = {
    "object": "an object",
    "array": "a list",
    "str": "a string",
    "float": "a number",
    "int": "an integer",
    "bool": "true or false",
}


class Fields(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of the types of a document; an unknown field is an error."""


def read_strictly(data: Any, kind: type[Read]) -> Read:
    """Read JSON-shaped data as a :class:`Fields`.

    Raises:
        ManifestError: A field is unknown, missing or invalid; names its path.
    """
    try:
        return msgspec.convert(data, kind, strict=True)
    except RecursionError:
        raise ManifestError("nested too deeply") from None
    except UnicodeEncodeError as error:
        raise ManifestError(
            f"found {error.object[error.start : error.end]!r}, which is not a Unicode character"
        ) from None
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        path = place.rstrip("`").removeprefix(".")
        raise ManifestError(_message(problem, data, path), path=path or None) from None


def _message(problem: str, data: Any, path: str) -> str:
    for kind in ("unknown", "missing required"):
        name = problem.removeprefix(f"Object contains {kind} field ").removeprefix(f"Object {kind} field ")
        if name != problem:
            return f"{kind} field {name.strip('`')}"
    expected = _described(problem.removeprefix("Expected ").partition(", got")[0])
    found = _at(data, path)
    if path.endswith("[...]") and isinstance(found, Mapping):
        wanted: Any = str if expected == "a string" else Mapping
        found = next((value for value in found.values() if not isinstance(value, wanted)), found)
    return f"found {shown(found)}, expected {expected}"


def _described(kinds: str) -> str:
    """Return msgspec's type description ("`float` >= 0.0", "`str | null`") as in other messages."""
    names, _, bound = kinds.removeprefix("`").partition("`")
    words = dict.fromkeys(_WORDS.get(name, name) for name in names.split(" | ") if name != "null")
    return " or ".join(words) + bound.replace(".0", "")


def _at(data: Any, path: str) -> Any:
    for step in _STEP.findall(path):
        if step == "[...]":
            # msgspec does not name the key of a mapping.
            return data
        data = data[int(step[1:-1]) if step.startswith("[") else step]
    return data
