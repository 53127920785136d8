"""Strategic merge patch: a merge with the list merge keys of the schema.

Directives, as in ``apimachinery/pkg/util/strategicpatch``: ``$patch`` (replace, merge, delete),
``$retainKeys``, ``$setElementOrder/LIST`` and ``$deleteFromPrimitiveList/LIST``. New items of a merged list
come before the items that only the server has, unless an order is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kschedcore.api.schema import Field, ObjectType
from kschedcore.rules.patches.errors import PatchConflict, PatchError

__all__ = ["apply_strategic_merge_patch"]

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def apply_strategic_merge_patch(
    original: Mapping[str, Any], patch: Mapping[str, Any], kind: ObjectType
) -> dict[str, Any]:
    """Return ``original`` with ``patch`` applied; neither is changed.

    Args:
        original: The object.
        patch: The patch; nulls remove.
        kind: The object's type, which has the merge keys.

    Raises:
        PatchError: A directive is unknown or invalid.
        PatchConflict: A list item lacks the merge key of its list.
    """
    return _merge_map(original, patch, kind)


def _merge_map(
    original: Mapping[str, Any], patch: Mapping[str, Any], kind: ObjectType | None
) -> dict[str, Any]:
    directive = patch.get(_PATCH)
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != _PATCH}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise PatchError(f"unknown patch type found: {directive}")
    merged = _retained(original, patch)
    orders = {key.removeprefix(_ORDER): patch[key] for key in patch if key.startswith(_ORDER)}
    if not all(isinstance(order, list) for order in orders.values()):
        raise PatchError(f"invalid patch format of {_ORDER}")
    for key, value in patch.items():
        if key.startswith(_DELETE):
            _delete_primitives(merged, key.removeprefix(_DELETE), value)
        elif key not in (_PATCH, _RETAIN) and not key.startswith(_ORDER):
            _merge_field(merged, key, value, None if kind is None else kind.fields.get(key), orders.get(key))
    for key in orders.keys() - patch.keys():
        if isinstance(merged.get(key), list):
            field = None if kind is None else kind.fields.get(key)
            merge_key = "" if field is None else field.merge_key
            merged[key] = _ordered(merged[key], orders[key], merged[key], merge_key)
    return merged


def _retained(original: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    retain = patch.get(_RETAIN)
    if retain is None:
        return dict(original)
    if not isinstance(retain, list):
        raise PatchError("invalid patch format of retainKeys")
    for key, value in patch.items():
        if not key.startswith("$") and value is not None and key not in retain:
            raise PatchError(f"{key} field not present in the retainKeys list {retain}")
    return {key: value for key, value in original.items() if key in retain}


def _delete_primitives(merged: dict[str, Any], key: str, values: Any) -> None:
    if not isinstance(values, list):
        raise PatchError(f"invalid patch format of {_DELETE}{key}")
    if isinstance(merged.get(key), list):
        merged[key] = [item for item in merged[key] if item not in values]


def _merge_field(
    merged: dict[str, Any], key: str, value: Any, field: Field | None, order: list[Any] | None
) -> None:
    if value is None:
        merged.pop(key, None)
        return
    original = merged.get(key)
    strategies = () if field is None else field.strategies
    if isinstance(original, dict) and isinstance(value, dict) and "replace" not in strategies:
        kind = field.object if field is not None and field.type == "object" else None
        merged[key] = _merge_map(original, value, kind)
    elif isinstance(value, list) and field is not None and "merge" in strategies:
        if isinstance(original, list):
            merged[key] = _merge_list(original, value, field, order)
        else:
            merged[key] = _new_list(value, field, order)
    else:
        merged[key] = _without_directives(value)


def _new_list(patch: Sequence[Any], field: Field, order: list[Any] | None) -> list[Any]:
    """Return the list of a patch as it is, repeated merge keys included: the object has none to merge with."""
    items: list[Any] = _without_directives(patch)
    if order is None:
        return items
    _check_order(items, order, field.merge_key)
    return _ordered(items, order, items, field.merge_key)


def _merge_list(
    original: Sequence[Any], patch: Sequence[Any], field: Field, order: list[Any] | None
) -> list[Any]:
    if any(isinstance(item, dict) for item in patch):
        if not field.merge_key:
            raise PatchError("cannot merge lists without merge key: found an object in a list of scalars")
        merged, patch, original = _merge_items(original, patch, field)
    else:
        merged = list(original)
        merged += [
            item for index, item in enumerate(patch) if item not in merged and item not in patch[:index]
        ]
    if order is not None:
        _check_order(patch, order, field.merge_key)
    return _ordered(merged, patch if order is None else order, original, field.merge_key)


def _merge_items(
    original: Sequence[Any], patch: Sequence[Any], field: Field
) -> tuple[list[Any], list[Any], list[Any]]:
    """Merge keyed items; return them, the patch without directives, the original without deleted items."""
    key = field.merge_key
    wanted: list[Any] = []
    replace = False
    kept = list(original)
    for item in patch:
        if not isinstance(item, dict):
            raise PatchError(f"list of {key}-keyed objects holds {item!r}")
        directive = item.get(_PATCH)
        if directive == "delete":
            value = _key_of(item, key)
            kept = [each for each in kept if each.get(key) != value]
        elif directive == "replace":
            replace = True
        elif directive in (None, "merge"):
            wanted.append(item)
        else:
            raise PatchError(f"unknown patch type found: {directive}")
    if replace:
        replaced = [_without_directives(item) for item in wanted]
        return replaced, wanted, replaced
    merged = list(kept)
    kind = field.object
    for item in wanted:
        value = _key_of(item, key)
        found = next((i for i, each in enumerate(merged) if each.get(key) == value), None)
        if found is None:
            merged.append(_without_directives(item))
        else:
            merged[found] = _merge_map(merged[found], item, kind)
    return merged, wanted, kept


def _key_of(item: Mapping[str, Any], key: str) -> Any:
    if key not in item:
        raise PatchConflict(f"map: {_go_map(item)} does not contain declared merge key: {key}")
    return item[key]


def _identity(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, dict) else item


def _check_order(patch: Sequence[Any], order: Sequence[Any], key: str) -> None:
    """Check that the items of a patch are in its ``$setElementOrder``, in the same order."""
    wanted = [_identity(item, key) for item in order]
    given = [_identity(item, key) for item in patch]
    if [item for item in wanted if item in given] != given:
        raise PatchError(f"The order in patch list:\n{given}\n doesn't match {_ORDER} list:\n{wanted}\n")


def _ordered(merged: Sequence[Any], order: Sequence[Any], server: Sequence[Any], key: str) -> list[Any]:
    """Return items in the order of ``order``; other items keep the server's order relative to them."""
    wanted = [_identity(item, key) for item in order]
    named = sorted(
        (item for item in merged if _identity(item, key) in wanted),
        key=lambda item: wanted.index(_identity(item, key)),
    )
    others = [item for item in merged if _identity(item, key) not in wanted]
    known = [_identity(item, key) for item in server]
    result: list[Any] = []
    while named and others:
        left, right = _identity(others[0], key), _identity(named[0], key)
        first = left in known and right in known and known.index(left) < known.index(right)
        result.append(others.pop(0) if first else named.pop(0))
    return [*result, *others, *named]


def _without_directives(value: Any) -> Any:
    """Return a part of a patch without its directives, where there is nothing to merge with."""
    if isinstance(value, dict):
        return {key: _without_directives(item) for key, item in value.items() if not _is_directive(key)}
    if isinstance(value, list):
        return [
            _without_directives(item)
            for item in value
            if not (isinstance(item, dict) and item.get(_PATCH) in ("delete", "replace"))
        ]
    return value


def _is_directive(key: str) -> bool:
    return key in (_PATCH, _RETAIN) or key.startswith((_ORDER, _DELETE))


def _go_map(value: Any) -> str:
    """Return a value as Go's ``%v`` prints it."""
    if isinstance(value, dict):
        inside = " ".join(f"{key}:{_go_map(value[key])}" for key in sorted(value))
        return f"map[{inside}]"
    if isinstance(value, list):
        return f"[{' '.join(_go_map(item) for item in value)}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
