"""Memoisation of pure functions over frozen objects and other hashable values.

Pods come by the thousand from few templates, and each is written several times with the same spec. Frozen
parts are shared, so comparing two of them is a comparison of identities, and a pure function of them needs to
be computed only once. Every bounded memo table of functions, and the one table of shared parts, is made here, so that
:func:`forget` empties all of them. (Tables that are made once, like those of a schema, use :func:`functools.cache`.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, TypeVarTuple, cast, overload

import msgspec

from kschedcore.api.machinery.frozen import FieldRecord, FrozenDict, FrozenList, Interner, StoredObject

__all__ = ["forget", "remembered", "shared", "shared_json", "shared_object"]

ANSWERS_REMEMBERED = 4096
"""Maximum number of results per function; the least recently used are evicted."""

_Ts = TypeVarTuple("_Ts")
_R = TypeVar("_R")
_PLAIN = frozenset({dict, list})
_encode = msgspec.json.Encoder().encode
_forgetting: list[Callable[[], None]] = []
_interner = Interner()


def remembered(rule: Callable[[*_Ts], _R]) -> Callable[[*_Ts], _R]:
    """Memoise a pure function.

    Frozen arguments are compared by identity, at no cost regardless of size; others, which must be
    hashable, by value. Exceptions are not kept. Results are shared, so callers must not change them.
    """
    cached = lru_cache(maxsize=ANSWERS_REMEMBERED)(rule)
    _forgetting.append(cached.cache_clear)
    return cast("Callable[[*_Ts], _R]", cached)


def forget() -> None:
    """Drop every memoised result and every shared part."""
    for clear in _forgetting:
        clear()
    _interner.forget()


@overload
def shared(value: Mapping[str, Any]) -> FrozenDict: ...
@overload
def shared(value: list[Any]) -> FrozenList: ...
def shared(value: Any) -> Any:
    """Return ``value`` frozen, one object for equal values; a frozen value is returned as it is."""
    return shared_json(_encode(value)) if type(value) in _PLAIN else value


@remembered
def shared_json(encoded: bytes) -> Any:
    """Return the value of a JSON text, frozen and shared as by :func:`shared`."""
    return _interner.part(msgspec.json.decode(encoded))


def shared_object(obj: Mapping[str, Any], version: str, record: FieldRecord | None) -> StoredObject:
    """Return an object frozen, sharing its parts with other objects.

    Args:
        obj: The object.
        version: Its resourceVersion.
        record: Who manages its fields; None when no manager is recorded.
    """
    return _interner.freeze(obj, version, record)
