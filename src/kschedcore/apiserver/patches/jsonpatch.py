"""JSON patch (RFC 6902), with the errors of the API server's implementation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from kschedcore.rules.patches.errors import PatchConflict

__all__ = ["apply_json_patch"]


MAX_COPIED_BYTES = 3 * 1024 * 1024
"""Maximum size added by the ``copy`` operations of a patch (``JSONPatchMaxCopyBytes``)."""


def apply_json_patch(target: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> Any:
    """Return ``target`` with every operation applied in order; ``target`` is not changed.

    Raises:
        PatchConflict: An operation is unknown, its path does not exist, or a test fails.
    """
    document: Any = _copy(target)
    copied = 0
    for operation in operations:
        name = operation.get("op")
        apply = _OPERATIONS.get(name) if isinstance(name, str) else None
        if apply is None:
            raise PatchConflict(f"Unexpected kind: {name}")
        if name == "copy":
            copied += len(msgspec.json.encode(_copied(document, operation)))
            if copied > MAX_COPIED_BYTES:
                raise PatchConflict(
                    f"Unable to complete the copy, the accumulated size increase of copy is {copied}, "
                    f"exceeding the limit {MAX_COPIED_BYTES}"
                )
        document = apply(document, operation)
    return document


def _copy(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _pointer(operation: Mapping[str, Any], field: str) -> list[str]:
    text = operation.get(field)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchConflict(f"{operation.get('op')} operation does not have a valid {field}: {text!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(part: str, length: int) -> int:
    if not part.isascii() or not part.isdigit() or int(part) > length:
        raise PatchConflict(f"invalid array index: {part}")
    return int(part)


def _find(document: Any, pointer: Sequence[str]) -> Any:
    for part in pointer:
        if isinstance(document, list) and part != "-":
            index = _index(part, len(document) - 1)
            document = document[index]
        elif isinstance(document, dict) and part in document:
            document = document[part]
        else:
            raise PatchConflict(f"doc is missing path: /{'/'.join(pointer)}: missing value")
    return document


def _insert(document: Any, pointer: Sequence[str], value: Any) -> Any:
    if not pointer:
        return value
    holder, last = _find(document, pointer[:-1]), pointer[-1]
    if isinstance(holder, list):
        holder.insert(len(holder) if last == "-" else _index(last, len(holder)), value)
    elif isinstance(holder, dict):
        holder[last] = value
    else:
        raise PatchConflict(f"doc is missing path: /{'/'.join(pointer)}: missing value")
    return document


def _take(document: Any, pointer: Sequence[str]) -> Any:
    """Remove and return the value at a pointer."""
    value = _find(document, pointer)
    if not pointer:
        raise PatchConflict("the whole document cannot be removed")
    holder, last = _find(document, pointer[:-1]), pointer[-1]
    if isinstance(holder, list):
        del holder[int(last)]
    else:
        del holder[last]
    return value


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise PatchConflict(f"{operation['op']} operation has no value")
    return _copy(operation["value"])


def _add(document: Any, operation: Mapping[str, Any]) -> Any:
    return _insert(document, _pointer(operation, "path"), _value(operation))


def _remove(document: Any, operation: Mapping[str, Any]) -> Any:
    _take(document, _pointer(operation, "path"))
    return document


def _replace(document: Any, operation: Mapping[str, Any]) -> Any:
    pointer = _pointer(operation, "path")
    if pointer:
        _take(document, pointer)
    return _insert(document, pointer, _value(operation))


def _move(document: Any, operation: Mapping[str, Any]) -> Any:
    source, path = _pointer(operation, "from"), _pointer(operation, "path")
    if path[: len(source)] == source and path != source:
        raise PatchConflict(f"cannot move /{'/'.join(source)} into itself")
    return _insert(document, path, _take(document, source))


def _copied(document: Any, operation: Mapping[str, Any]) -> Any:
    """Return the value to copy."""
    source = _pointer(operation, "from")
    holder = _find(document, source[:-1])
    # The API server's implementation copies null from a key that an object does not have.
    missing = isinstance(holder, dict) and bool(source) and source[-1] not in holder
    return None if missing else _find(document, source)


def _duplicate(document: Any, operation: Mapping[str, Any]) -> Any:
    return _insert(document, _pointer(operation, "path"), _copy(_copied(document, operation)))


def _test(document: Any, operation: Mapping[str, Any]) -> Any:
    pointer = _pointer(operation, "path")
    found = _find(document, pointer)
    # JSON has one number type, but true is not 1.
    if msgspec.json.encode(found, order="sorted") != msgspec.json.encode(_value(operation), order="sorted"):
        raise PatchConflict(f"testing value /{'/'.join(pointer)} failed: test failed")
    return document


_OPERATIONS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "add": _add,
    "copy": _duplicate,
    "move": _move,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
}
