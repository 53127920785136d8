"""The three-way patch of client-side apply: last applied manifest, new manifest and live object.

Rule: ``CreateThreeWayMergePatch`` of ``apimachinery/pkg/util/strategicpatch``. Fields of the manifest that differ from
the live object are set; fields of the last manifest that are not in this one are removed; other fields are unchanged.
Items of a merged list are paired by merge key and occurrence, so if a repeated key loses one of its items, all are
deleted: the delete directive only has the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final, Literal

from kschedcore.api.schema import Field, ObjectType

__all__ = ["three_way_patch"]

Side = Literal["changes", "deletions"]
"""The half of a difference: new and changed values, or removed values."""

_ORDER: Final = "$setElementOrder/"
_RETAIN: Final = "$retainKeys"
_DELETE: Final = {"$patch": "delete"}


def three_way_patch(
    last: Mapping[str, Any], wanted: Mapping[str, Any], live: Mapping[str, Any], kind: ObjectType
) -> dict[str, Any]:
    """Return the strategic merge patch that ``kubectl apply`` sends; empty if there are no changes.

    Args:
        last: The last applied manifest.
        wanted: The new manifest.
        live: The object as the API server returns it.
        kind: The object's type, which has the merge keys.
    """
    deletions = _difference(last, wanted, kind, "deletions")
    changes = _difference(live, wanted, kind, "changes")
    return _combined(deletions, changes, kind)


def _difference(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    kind: ObjectType | None,
    side: Side,
    retain: bool = False,
) -> dict[str, Any]:
    """Return one half of the patch from one mapping to another.

    Args:
        before: The old mapping.
        after: The new mapping.
        kind: Their type; None for free-form mappings.
        side: The half.
        retain: Whether the mapping is patched with ``$retainKeys``.
    """
    patch: dict[str, Any] = {}
    for key, value in after.items():
        if key in before:
            field = None if kind is None else kind.fields.get(key)
            patch.update(_field(key, before[key], value, field, side))
        elif side == "changes":
            patch[key] = value
    if side == "deletions":
        patch.update({key: None for key in before if key not in after})
    kept = sorted(key for key, value in after.items() if value is not None)
    if retain and kept and (patch or before.keys() - after.keys()):
        patch[_RETAIN] = kept
    return patch


def _field(key: str, before: Any, after: Any, field: Field | None, side: Side) -> dict[str, Any]:
    strategies = () if field is None else field.strategies
    if isinstance(before, dict) and isinstance(after, dict) and "replace" not in strategies:
        kind = field.object if field is not None and field.type == "object" else None
        patch = _difference(before, after, kind, side, "retainKeys" in strategies)
        return {key: patch} if patch else {}
    if isinstance(before, list) and isinstance(after, list) and field is not None and "merge" in strategies:
        if not before:
            return {key: after} if after and side == "changes" else {}
        return (
            _items(key, before, after, field, side) if field.merge_key else _scalars(key, before, after, side)
        )
    return {key: after} if side == "changes" and before != after else {}


def _items(key: str, before: Sequence[Any], after: Sequence[Any], field: Field, side: Side) -> dict[str, Any]:
    by = field.merge_key
    retain = "retainKeys" in field.strategies
    patch: list[dict[str, Any]] = []
    deleted: list[dict[str, Any]] = []
    for old, new in _pairs(before, after, by):
        if old is None:
            patch += [new] if side == "changes" else []
        elif new is None:
            deleted += [{by: old.get(by), **_DELETE}] if side == "deletions" else []
        else:
            item = _difference(old, new, field.object, side, retain)
            patch += [{**item, by: new.get(by)}] if item else []
    order = [item.get(by) for item in after]
    patch.sort(key=lambda item: order.index(item[by]))
    patch += deleted
    moved = side == "changes" and order != [item.get(by) for item in before]
    if not patch and not moved:
        return {}
    return {**({key: patch} if patch else {}), f"{_ORDER}{key}": [{by: name} for name in order]}


def _pairs(before: Sequence[Any], after: Sequence[Any], by: str) -> Iterator[tuple[Any, Any]]:
    """Yield pairs of items of two lists with the same key, the n-th with the n-th; None for a missing one."""
    keys = list(dict.fromkeys([item.get(by) for item in (*before, *after)]))
    for name in keys:
        yield from zip_longest(
            [item for item in before if item.get(by) == name],
            [item for item in after if item.get(by) == name],
        )


def _scalars(key: str, before: Sequence[Any], after: Sequence[Any], side: Side) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    if side == "deletions":
        gone = [item for item in before if item not in after]
        patch = {f"$deleteFromPrimitiveList/{key}": gone} if gone else {}
    elif list(before) != list(after):
        added = [item for item in after if item not in before]
        patch = {key: added} if added else {}
        patch[f"{_ORDER}{key}"] = list(after)
    return {**patch, f"{_ORDER}{key}": list(after)} if patch else {}


def _combined(
    deletions: Mapping[str, Any], changes: Mapping[str, Any], kind: ObjectType | None
) -> dict[str, Any]:
    """Return the deletions with the changes merged into them."""
    patch = dict(deletions)
    for key, value in changes.items():
        field = None if kind is None else kind.fields.get(key)
        mine = patch.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            inner = field.object if field is not None and field.type == "object" else None
            patch[key] = _combined(mine, value, inner)
        elif isinstance(mine, list) and isinstance(value, list) and field is not None and field.merge_key:
            order = [item[field.merge_key] for item in changes.get(f"{_ORDER}{key}", ())]
            patch[key] = _combined_items(mine, value, field, order)
        else:
            patch[key] = value
    return patch


def _combined_items(
    deletions: Sequence[dict[str, Any]], changes: Sequence[dict[str, Any]], field: Field, order: Sequence[Any]
) -> list[dict[str, Any]]:
    by = field.merge_key
    items = list(deletions)
    for change in changes:
        found = next((index for index, item in enumerate(items) if item[by] == change[by]), None)
        if found is None:
            items.append(change)
        else:
            items[found] = _combined(items[found], change, field.object)
    kept = [item for item in items if item.get("$patch") != "delete"]
    kept.sort(key=lambda item: order.index(item[by]) if item[by] in order else len(order))
    return [*kept, *(item for item in items if item.get("$patch") == "delete")]
