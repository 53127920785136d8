"""Stored objects: JSON-shaped and immutable, with shared equal parts.

A stored object can be read like any ``dict``, but changing it raises a TypeError: all watchers, listers and
controllers have the same object. Equal parts are one object in memory (hash consing): ten thousand pods of one
template have one copy of their containers, and comparing a part with its new version is mostly a comparison of
identities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

import msgspec

from kschedcore.api.machinery.confidential import masked

__all__ = [
    "FROZEN",
    "FieldRecord",
    "FrozenDict",
    "FrozenList",
    "Interner",
    "KnownFields",
    "StoredObject",
    "freeze",
    "plain",
]

PARTS_REMEMBERED = 16_384
"""Default number of parts that an :class:`Interner` caches."""

_PLAIN = frozenset({dict, list})
_SHORT_STATUS = 3
"""Parts that many new objects share: a phase, a class, a count."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def _refuse(self: object, *_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError(f"{type(self).__name__} belongs to the store and cannot be changed; copy it with plain()")


class FrozenDict(dict[str, Any]):
    """An immutable dict.

    It compares by value, like any dict, but its hash is that of its identity: tables keyed by frozen parts find the
    same part at no cost, and never one that is only equal (``1`` equals ``True``).
    """

    __slots__ = ()

    __hash__ = object.__hash__  # type: ignore[assignment]
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = update = _refuse

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of an existing key; keys cannot be added."""
        return self[key] if key in self else _refuse(self, default)

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __repr__(self) -> str:
        return repr(masked(self))

    def __deepcopy__(self, _memo: object) -> dict[str, Any]:
        return plain(self)

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


class FrozenList(list[Any]):
    """An immutable list; its hash is that of its identity, as for :class:`FrozenDict`."""

    __slots__ = ()

    __hash__ = object.__hash__  # type: ignore[assignment]
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __copy__(self) -> list[Any]:
        return list(self)

    def __repr__(self) -> str:
        return repr(masked(self))

    def __deepcopy__(self, _memo: object) -> list[Any]:
        return list(_decode(_encode(self)))

    def __reduce__(self) -> tuple[type, tuple[list[Any]]]:
        return FrozenList, (list(self),)


class FieldRecord(Protocol):
    """The managed-fields record of one object, see :mod:`kschedcore.apiserver.apply.record`.

    Attributes:
        found: The entries, once they are computed.
    """

    found: FrozenList | None

    def entries(self, obj: StoredObject) -> FrozenList:
        """Return the ``managedFields`` of the object that owns this record; empty without field managers."""

    def carried_from(self, obj: StoredObject) -> FieldRecord:
        """Return the record of the object's next version after a write without a field manager."""


class KnownFields:
    """A :class:`FieldRecord` with known entries, for an object that was read from bytes."""

    __slots__ = ("found",)

    def __init__(self, entries: FrozenList) -> None:
        self.found: FrozenList | None = entries

    def entries(self, _obj: StoredObject) -> FrozenList:
        """Return the entries."""
        assert self.found is not None
        return self.found

    def carried_from(self, _obj: StoredObject) -> FieldRecord:
        """Return the record of the object's next version, which is this one."""
        return self


class StoredObject(FrozenDict):
    """A complete stored object: without ``metadata.managedFields``, but with the record they are computed from.

    Created by :meth:`of`.

    Attributes:
        record: The managed-fields record; None for none.
        views: Its typed views by their types (:func:`kschedcore.api.objects.views.view_of`); None without any.
    """

    __slots__ = ("record", "views")

    record: FieldRecord | None
    views: dict[type, Any] | None

    @classmethod
    def of(cls, obj: Mapping[str, Any], record: FieldRecord | None = None) -> StoredObject:
        """Return ``obj`` as a stored object with its managed-fields record; its parts must not be changed any more."""
        made = cls(obj)
        made.record = record
        made.views = None
        return made

    def completed(self) -> FrozenDict:
        """Return the object as in the API, with ``managedFields``."""
        metadata = self.completed_metadata()
        return self if metadata is None else FrozenDict({**self, "metadata": metadata})

    def completed_metadata(self) -> FrozenDict | None:
        """Return the object's metadata with ``managedFields``; None if no field manager is recorded."""
        record = self.record
        if record is None:
            return None
        entries = record.entries(self) if record.found is None else record.found
        return FrozenDict({**self["metadata"], "managedFields": entries}) if entries else None

    def carried_record(self) -> FieldRecord | None:
        """Return the record of the next version after a write without a field manager: a binding, a deletion."""
        return None if self.record is None else self.record.carried_from(self)

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self.completed()),)


FROZEN = frozenset({FrozenDict, FrozenList, StoredObject})
"""The types of immutable parts."""


def freeze(value: Any) -> Any:
    """Return ``value`` with all its dicts and lists frozen; frozen parts are shared, not copied."""
    kind = type(value)
    if kind is dict:
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if kind is list:
        return FrozenList([freeze(item) for item in value])
    return value


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deep copy of ordinary, mutable dicts and lists."""
    copy: dict[str, Any] = _decode(_encode(value))
    return copy


class Interner:
    """Freezes objects so that equal parts are shared.

    Only recent parts are cached, so that unused parts are released eventually. Threads may
    use one at the same time: two of them may make a part each, which costs memory and nothing else.

    Args:
        remembered: Number of parts to cache; a pod has about ten that differ from those of its replicas.
    """

    def __init__(self, remembered: int = PARTS_REMEMBERED) -> None:
        self._remembered = remembered
        self._parts: dict[bytes, FrozenDict | FrozenList] = {}

    def freeze(
        self, obj: Mapping[str, Any], version: str | None = None, record: FieldRecord | None = None
    ) -> StoredObject:
        """Return ``obj`` frozen; parts equal to those of objects frozen before are shared.

        Args:
            obj: The object.
            version: Its resourceVersion; None for the one it has.
            record: The managed-fields record.
        """
        part = self.part
        # Metadata always differs, but most of its parts may be equal.
        metadata = {
            key: part(item) if type(item) in _PLAIN else item for key, item in obj["metadata"].items()
        }
        if version is not None:
            metadata["resourceVersion"] = version
        frozen = {**obj, "metadata": FrozenDict(metadata)}
        for key, item in frozen.items():
            if type(item) in _PLAIN:
                frozen[key] = self._status(item) if key == "status" else part(item)
        stored = StoredObject(frozen)
        stored.record, stored.views = record, None
        return stored

    def _status(self, status: dict[str, Any]) -> Any:
        """Intern the items of a status but not the status or its lists, which rarely equal those of another object."""
        part = self.part
        if len(status) <= _SHORT_STATUS:
            return part(status)
        frozen = dict(status)
        for key, item in status.items():
            if type(item) is list:
                frozen[key] = FrozenList([part(each) for each in item])
            elif type(item) is dict:
                frozen[key] = part(item)
        return FrozenDict(frozen)

    def part(self, value: Any) -> Any:
        """Return a part of an object frozen; a frozen part is returned unchanged."""
        kind = type(value)
        if kind is not dict and kind is not list:
            return value
        key = _encode(value)
        part = self._parts.pop(key, None)
        if part is None:
            part = (
                FrozenDict({name: self.part(item) for name, item in value.items()})
                if kind is dict
                else FrozenList([self.part(item) for item in value])
            )
            if len(self._parts) >= self._remembered:
                self._drop_oldest()
        self._parts[key] = part
        return part

    def _drop_oldest(self) -> None:
        try:  # noqa: SIM105 (suppress takes longer than the rest)
            self._parts.pop(next(iter(self._parts)), None)
        except (RuntimeError, StopIteration):
            pass  # another thread has changed the table

    def forget(self) -> None:
        """Drop all cached parts."""
        self._parts.clear()
