"""Typed operations on objects by their schema: field sets, comparison, merging, removal.

The rules are those of structured-merge-diff's ``typed`` package. A list is atomic, a set, or keyed; a map or
object is granular unless the schema calls it atomic. An atomic value is one field, regardless of its content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kschedcore.api.schema import Field, ObjectType, object_type
from kschedcore.apiserver.apply.paths import FieldSet, Path, element_of, subtree

__all__ = ["Comparison", "compare", "field_set", "merge", "outside", "remove", "root", "with_named_fields"]

_ABSENT: Any = object()
"""An absent value, in contrast to null."""
_NOTHING = (_ABSENT,)


def root(kind: ObjectType) -> Field:
    """Return the root field of an object of type ``kind``."""
    return Field("object", ref=kind.name)


def _shape(field: Field) -> str:
    """Return the shape of a field: ``leaf``, ``map`` (of fields or of keys) or ``list``."""
    if field.type in ("object", "map"):
        return "leaf" if field.map_type == "atomic" else "map"
    if field.type == "list":
        return "list" if field.list_type in ("set", "map") else "leaf"
    return "leaf"


def _child(field: Field, key: str) -> Field | None:
    """Return the type of ``key`` in an object or map; None for an unknown field."""
    return field.items if field.type == "map" else field.object.fields.get(key)


def _indexed(field: Field, items: Sequence[Any] | None) -> dict[str, Any]:
    """Return items by path element; the first of duplicates."""
    found: dict[str, Any] = {}
    for item in items or ():
        found.setdefault(element_of(field, item, ""), item)
    return found


def _children(field: Field, value: Any) -> dict[str, tuple[Any, Field]]:
    """Return the children of a granular value by path element, with their types; none for null and absent values."""
    if value is _ABSENT or value is None:
        return {}
    shape = _shape(field)
    if shape == "leaf":
        return {}
    if shape == "list":
        assert field.items is not None
        return {element: (item, field.items) for element, item in _indexed(field, value).items()}
    if field.type == "map":
        assert field.items is not None
        return {f"f:{key}": (item, field.items) for key, item in value.items()}
    known = _fields_of(field.ref)
    return {
        named[0]: (item, named[1]) for key, item in value.items() if (named := known.get(key)) is not None
    }


@cache
def _fields_of(type_name: str) -> dict[str, tuple[str, Field]]:
    """Return name -> path element and type of every field of an object type."""
    return {name: (f"f:{name}", field) for name, field in object_type(type_name).fields.items()}


def field_set(value: Mapping[str, Any], field: Field) -> FieldSet:
    """Return the field set of an applied configuration."""
    return frozenset(_claimed(value, field, ()))


def _claimed(value: Any, field: Field, path: Path) -> Iterator[Path]:
    shape = _shape(field)
    if shape == "leaf":
        if path:
            yield path
        return
    named = field.type == "object"
    for element, (item, child) in _children(field, value).items():
        below = (*path, element)
        if not named or item is None or item == {}:
            yield below
        yield from _claimed(item, child, below)


def outside(fields: FieldSet, ignored: FieldSet) -> FieldSet:
    """Return the set without the ignored fields and their children."""
    for depth in {len(path) for path in ignored}:
        fields = frozenset([path for path in fields if path[:depth] not in ignored])
    return fields


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences between two objects."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    @property
    def same(self) -> bool:
        """Whether there are no differences."""
        return not (self.added or self.modified or self.removed)

    def outside(self, ignored: FieldSet) -> Comparison:
        """Return the differences without the ignored fields and their children."""
        return Comparison(*(outside(each, ignored) for each in (self.added, self.modified, self.removed)))


def compare(old: Any, new: Any, field: Field) -> Comparison:
    """Return the fields that ``new`` adds to, changes in and removes from ``old``.

    A granular value that is added or removed is in the result, as well as its leaves.
    """
    found: tuple[list[Path], list[Path], list[Path]] = ([], [], [])
    _compare(old, new, field, (), found)
    added, modified, removed = found
    return Comparison(frozenset(added), frozenset(modified), frozenset(removed))


def _compare(
    old: Any, new: Any, field: Field, path: Path, found: tuple[list[Path], list[Path], list[Path]]
) -> None:
    if old is new or old == new:
        return
    added, modified, removed = found
    if (
        field.type == "object"
        and field.map_type != "atomic"
        and old
        and new
        and old is not _ABSENT is not new
    ):
        _compare_objects(old, new, field, path, found)
        return
    before, after = _children(field, old), _children(field, new)
    for element, (item, child) in before.items():
        counterpart = after.get(element, _NOTHING)[0]
        if item is not counterpart:
            _compare(item, counterpart, child, (*path, element), found)
    for element, (item, child) in after.items():
        if element not in before:
            _compare(_ABSENT, item, child, (*path, element), found)
    if old is _ABSENT:
        added.append(path)
    elif new is _ABSENT:
        removed.append(path)
    elif not before and not after:
        # Two empty values are a leaf, so that null and empty can differ.
        modified.append(path)


def _compare_objects(
    old: Any, new: Any, field: Field, path: Path, found: tuple[list[Path], list[Path], list[Path]]
) -> None:
    """Compare two objects with named fields, the most frequent case."""
    known = _fields_of(field.ref)
    for key, item in old.items():
        counterpart = new.get(key, _ABSENT)
        if item is not counterpart and item != counterpart and key in known:
            element, child = known[key]
            _compare(item, counterpart, child, (*path, element), found)
    for key, item in new.items():
        if key not in old and key in known:
            element, child = known[key]
            _compare(_ABSENT, item, child, (*path, element), found)


def merge(live: Any, config: Any, field: Field) -> Any:
    """Return ``live`` merged with ``config``; lists keep items that only ``live`` has.

    Neither is changed, but parts of both may be in the result.
    """
    merged = _merge(live, config, field)
    return {} if merged is _ABSENT else merged


def _merge(live: Any, config: Any, field: Field) -> Any:
    if config is _ABSENT:
        return live
    if live is _ABSENT:
        return config
    shape = _shape(field)
    if shape == "leaf" or not (live or config):
        return config
    if config is None:
        return live
    if live is None:
        return config
    if shape == "list":
        return _merge_list(live, config, field)
    merged = dict(live)
    for key, item in config.items():
        child = _child(field, key)
        merged[key] = item if child is None else _merge(live.get(key, _ABSENT), item, child)
    return merged


def _merge_list(live: Sequence[Any], config: Sequence[Any], field: Field) -> list[Any]:
    """Merge lists: shared items in the order of ``config``; items of ``live`` only stay at their positions."""
    items = field.items
    assert items is not None
    mine, theirs = _indexed(field, live), _indexed(field, config)
    ahead = list(theirs)
    result: list[Any] = []
    for element, item in mine.items():
        if element not in theirs:
            result.append(item)
        elif element == next((each for each in ahead if each in mine), None):
            # Items before the shared item in the configuration come before it.
            stop = ahead.index(element) + 1
            result += [_merge(mine.get(each, _ABSENT), theirs[each], items) for each in ahead[:stop]]
            ahead = ahead[stop:]
    return result + [_merge(mine.get(each, _ABSENT), theirs[each], items) for each in ahead]


def remove(value: Any, fields: FieldSet, field: Field) -> Any:
    """Return ``value`` without ``fields`` and their children; emptied values become null."""
    return _remove(value, subtree(fields), field)


def _remove(value: Any, trie: Mapping[str, Any], field: Field) -> Any:
    shape = _shape(field)
    if shape == "leaf":
        return value if field.type not in ("list", "map", "object") else None
    if not value:
        return None
    if shape == "list":
        assert field.items is not None
        kept_items = []
        for item in value:
            below = trie.get(element_of(field, item, ""))
            if below is None:
                kept_items.append(item)
            elif "." not in below:
                kept_items.append(_remove(item, below, field.items))
        return kept_items or None
    kept: dict[str, Any] = {}
    for key, item in value.items():
        below = trie.get(f"f:{key}")
        child = _child(field, key)
        if below is None or child is None:
            kept[key] = item
        elif "." not in below:
            kept[key] = _remove(item, below, child)
    return kept or None


def with_named_fields(fields: FieldSet, field: Field) -> FieldSet:
    """Return the set with the parent fields of its members: ``spec`` of ``spec.replicas``, without map keys."""
    added: set[Path] = set(fields)
    for path in fields:
        node: Field | None = field
        for depth, element in enumerate(path[:-1], start=1):
            if node is None:
                break
            if element.startswith("f:"):
                named = node.type == "object"
                node = _child(node, element[2:]) if _shape(node) == "map" else None
                if named and node is not None:
                    added.add(path[:depth])
            else:
                node = node.items
    return frozenset(added)
