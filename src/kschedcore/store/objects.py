"""Stored objects: JSON-shaped, immutable, and sharing what they have in common.

A stored object is a ``dict`` like any other to those who read it, but whoever tries to change it gets a
TypeError: every watcher, lister and controller holds the same one. Parts that are equal are one object in
memory (hash consing): ten thousand pods of one template hold one copy of their containers, and comparing a
part with its successor is mostly a comparison of identities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

__all__ = ["FrozenDict", "FrozenList", "Interner", "freeze", "plain"]

PARTS_REMEMBERED = 16_384
"""How many parts an :class:`Interner` looks for, unless told otherwise."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def _refuse(self: object, *_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError(f"{type(self).__name__} belongs to the store and cannot be changed; copy it with plain()")


class FrozenDict(dict[str, Any]):
    """A dict that stays as it is."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = update = _refuse

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return what is there; a key that is not cannot be added."""
        return self[key] if key in self else _refuse(self, default)

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, _memo: object) -> dict[str, Any]:
        return plain(self)

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


class FrozenList(list[Any]):
    """A list that stays as it is."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, _memo: object) -> list[Any]:
        return list(_decode(_encode(self)))

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return FrozenList, (list(self),)


def freeze(value: Any) -> Any:
    """``value`` with every dict and list in it frozen; what is frozen already is shared, not copied."""
    kind = type(value)
    if kind is dict:
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if kind is list:
        return FrozenList([freeze(item) for item in value])
    return value


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy made of ordinary dicts and lists, free to be changed."""
    copy: dict[str, Any] = _decode(_encode(value))
    return copy


class Interner:
    """Freezes objects so that equal parts are shared.

    Only parts seen lately are looked for, so what nothing stored refers to any more is let go in the end.

    Args:
        remembered: How many parts to look for; a pod has about ten that differ from those of its siblings.
    """

    def __init__(self, remembered: int = PARTS_REMEMBERED) -> None:
        self._remembered = remembered
        self._parts: dict[bytes, FrozenDict | FrozenList] = {}

    def freeze(self, obj: Mapping[str, Any]) -> FrozenDict:
        """Return ``obj`` frozen, sharing the parts it has in common with objects frozen before."""
        frozen = {key: self._part(item) for key, item in obj.items() if key != "metadata"}
        # Metadata is never the same twice, but most of what is in it may be.
        frozen["metadata"] = FrozenDict({key: self._part(item) for key, item in obj["metadata"].items()})
        return FrozenDict(frozen)

    def _part(self, value: Any) -> Any:
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        key = _encode(value)
        part = self._parts.pop(key, None)
        if part is None:
            part = (
                FrozenDict({name: self._part(item) for name, item in value.items()})
                if kind is dict
                else FrozenList([self._part(item) for item in value])
            )
            if len(self._parts) >= self._remembered:
                del self._parts[next(iter(self._parts))]
        self._parts[key] = part
        return part
