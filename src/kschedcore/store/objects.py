"""Stored objects: JSON-shaped, immutable, and sharing what they have in common.

A stored object is a ``dict`` like any other to those who read it, but whoever tries to change it gets a
TypeError: every watcher, lister and controller holds the same one. Parts that are equal are one object in
memory (hash consing): ten thousand pods of one template hold one copy of their containers, and comparing a
part with its successor is mostly a comparison of identities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import msgspec

__all__ = ["FrozenDict", "FrozenList", "Interner", "freeze", "plain"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def _refuse(self: object, *_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError(f"{type(self).__name__} belongs to the store and cannot be changed; copy it with plain()")


class FrozenDict(dict[str, Any]):
    """A dict that stays as it is."""

    __slots__ = ("__weakref__",)

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

    __slots__ = ("__weakref__",)

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

    The unit of sharing is a field of a top-level field (``spec.containers``, ``metadata.labels``), and a
    whole top-level field such as ``spec`` where it recurs. Parts that nothing stored refers to any more are
    let go.
    """

    def __init__(self) -> None:
        self._parts: WeakValueDictionary[bytes, FrozenDict | FrozenList] = WeakValueDictionary()

    def freeze(self, obj: Mapping[str, Any]) -> FrozenDict:
        """Return ``obj`` frozen, sharing the parts it has in common with objects frozen before."""
        return FrozenDict(
            {
                key: self._whole(item) if type(item) is dict and key != "metadata" else self._fields(item)
                for key, item in obj.items()
            }
        )

    def _whole(self, value: dict[str, Any]) -> FrozenDict | FrozenList:
        key = _encode(value)
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = self._fields(value)
        return part

    def _fields(self, value: Any) -> Any:
        if type(value) is dict:
            return FrozenDict({key: self._part(item) for key, item in value.items()})
        return self._part(value)

    def _part(self, value: Any) -> Any:
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        key = _encode(value)
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = freeze(value)
        return part
