"""Creation of objects from manifests, and restoration of objects that exist in a cluster.

A manifest that a user wrote is created: decoded, defaulted and validated as by the API server. An object from a cluster
has a uid, a status or an owner. It is restored, which only checks that the engine can compute with it
(:mod:`kschedcore.rules.bounds`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from kschedcore.api.machinery.kinds import is_cluster_scoped
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects.decoding import shown, shown_at
from kschedcore.api.schema.decode import DecodeError
from kschedcore.errors import ManifestError
from kschedcore.rules.bounds import first_fault
from kschedcore.rules.creation import create

__all__ = ["created_object", "exists", "plain_json"]


def exists(data: Mapping[str, Any]) -> bool:
    """Return whether an object comes from a cluster: it has a uid, a status, or an owner."""
    metadata = data.get("metadata") or {}
    return bool(data.get("status") or metadata.get("uid") or metadata.get("ownerReferences"))


def created_object(
    data: Mapping[str, Any], on_unknown: Callable[[list[str]], None] | None = None
) -> Object | None:
    """Return an object as an API server would store it; None for a kind without a schema.

    Args:
        data: The object, JSON-shaped; see :func:`plain_json`.
        on_unknown: Called with the paths of the fields that the kind does not have, before the object is validated.

    Raises:
        ManifestError: The first error, with the field path of the API server's response.
    """
    kind = data["kind"]
    try:
        created = create(data, namespaced=not is_cluster_scoped(kind), templated=kind == "Pod")
    except DecodeError as error:
        problem = f"found {shown_at(kind, error.path, error.value)}, expected {error.expected}"
        raise ManifestError(problem, path=error.path or None) from None
    if created is None:
        return None
    if created.unknown and on_unknown is not None:
        on_unknown(created.unknown)
    first_fault(created.errors)
    return created.object


def plain_json(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a Python object as JSON-shaped data; ``data`` itself if it is JSON-shaped already.

    Raises:
        ManifestError: It contains a value that JSON cannot express.
    """
    try:
        copy: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(data))
    except (TypeError, ValueError, RecursionError, msgspec.DecodeError):
        copy = {}
    if copy == data:
        return data
    try:
        _check_json(data, "")
    except RecursionError:
        raise ManifestError("is nested too deeply") from None
    return copy


_DIGITS = 4_000
"""Python writes integers of at most 4,300 digits."""


def _check_json(value: Any, path: str) -> None:
    match value:
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise ManifestError(f"found {shown(key)}, expected a string", path=path or None)
                _check_json(item, f"{path}.{key}" if path else key)
        case list() | tuple():
            for index, item in enumerate(value):
                _check_json(item, f"{path}[{index}]")
        case float() if not math.isfinite(value):
            raise ManifestError(f"found {shown(value)}, expected a number that is finite", path=path or None)
        case int() if abs(value) >= 10**_DIGITS:
            expected = f"an integer of at most {_DIGITS:,} digits"
            raise ManifestError(f"found {shown(value)}, expected {expected}", path=path or None)
        case None | str() | int() | float():
            pass
        case _:
            raise ManifestError(f"found {shown(value)}, expected a value of JSON", path=path or None)
