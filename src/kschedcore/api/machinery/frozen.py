"""Stored objects: JSON-shaped, immutable, and sharing what they have in common.

A stored object is a ``dict`` like any other to those who read it, but an attempt to change it raises a
TypeError: every watcher, lister and controller holds the same one. Parts that are equal are one object in
memory (hash consing): ten thousand pods of one template hold one copy of their containers, and comparing a
part with its successor is mostly a comparison of identities.
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
"""Default number of parts that an :class:`Interner` keeps."""

_PLAIN = frozenset({dict, list})
_SHORT_STATUS = 3
"""A phase, a class, a count: many objects that are new have the same."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def _refuse(self: object, *_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError(f"{type(self).__name__} belongs to the store and cannot be changed; copy it with plain()")


class FrozenDict(dict[str, Any]):
    """An immutable dict.

    It compares by value, as every dict, but its hash is its identity's: tables of what is known of frozen
    parts find the very same part, at no cost, and never one that is merely equal (``1`` equals ``True``).
    """

    __slots__ = ()

    __hash__ = object.__hash__  # type: ignore[assignment]
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = update = _refuse

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return what is there; a key that is not cannot be added."""
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
    """An immutable list; its hash is its identity's, as that of :class:`FrozenDict`."""

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
    """What is known of who manages the fields of one object: :mod:`kschedcore.apiserver.apply.record`.

    Attributes:
        found: The entries, once they are worked out.
    """

    found: FrozenList | None

    def entries(self, obj: StoredObject) -> FrozenList:
        """Return the ``managedFields`` of the object that owns this record; empty without field managers."""

    def carried_from(self, obj: StoredObject) -> FieldRecord:
        """The record of a successor of the object that changes nothing of it."""


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
        """Return the record of a successor, which is this one."""
        return self


class StoredObject(FrozenDict):
    """A whole object as the store holds it: without ``metadata.managedFields``, but with what they follow from.

    Made by :meth:`of`.

    Attributes:
        record: Who manages its fields; None when no manager is recorded.
        views: Its typed views by their types (:func:`kschedcore.api.objects.views.view_of`); None without any.
    """

    __slots__ = ("record", "views")

    record: FieldRecord | None
    views: dict[type, Any] | None

    @classmethod
    def of(cls, obj: Mapping[str, Any], record: FieldRecord | None = None) -> StoredObject:
        """Return ``obj`` as a stored object with its managed-fields record; its parts must not change any more."""
        made = cls(obj)
        made.record = record
        made.views = None
        return made

    def completed(self) -> FrozenDict:
        """The object as the API shows it, with ``managedFields``."""
        metadata = self.completed_metadata()
        return self if metadata is None else FrozenDict({**self, "metadata": metadata})

    def completed_metadata(self) -> FrozenDict | None:
        """The object's metadata with ``managedFields``; None when no field manager is recorded."""
        record = self.record
        if record is None:
            return None
        entries = record.entries(self) if record.found is None else record.found
        return FrozenDict({**self["metadata"], "managedFields": entries}) if entries else None

    def carried_record(self) -> FieldRecord | None:
        """Return the record of a successor whose write no field manager owns: a binding, a deletion."""
        return None if self.record is None else self.record.carried_from(self)

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self.completed()),)


FROZEN = frozenset({FrozenDict, FrozenList, StoredObject})
"""The types of parts that cannot be changed."""


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

    Only parts seen lately are looked for, so what nothing stored refers to any more is let go in the end. Threads may
    use one at the same time: two of them may make a part each, which costs memory and nothing else.

    Args:
        remembered: How many parts to look for; a pod has about ten that differ from those of its siblings.
    """

    def __init__(self, remembered: int = PARTS_REMEMBERED) -> None:
        self._remembered = remembered
        self._parts: dict[bytes, FrozenDict | FrozenList] = {}

    def freeze(
        self, obj: Mapping[str, Any], version: str | None = None, record: FieldRecord | None = None
    ) -> StoredObject:
        """Return ``obj`` frozen, sharing the parts it has in common with objects frozen before.

        Args:
            obj: The object.
            version: Its resourceVersion; None for the one it has.
            record: Who wrote it.
        """
        part = self.part
        # Metadata is never the same twice, but most of what is in it may be.
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
        """Return a part of an object frozen; what is frozen already stays as it is."""
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
        """Look for no part seen before."""
        self._parts.clear()
