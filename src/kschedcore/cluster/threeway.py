"""The patch of a client-side apply: what one manifest and the last one say, against what is there.

Rule: ``CreateThreeWayMergePatch`` of ``apimachinery/pkg/util/strategicpatch``. What the manifest says is set;
what the last manifest said and this one does not is removed; what neither speaks of is left to its owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kschedcore.api.schema import Field, ObjectType

__all__ = ["three_way_patch"]


def three_way_patch(last: Mapping[str, Any], wanted: Mapping[str, Any], kind: ObjectType) -> dict[str, Any]:
    """The strategic merge patch that brings an object from one manifest to another.

    Args:
        last: What was applied the last time.
        wanted: What is applied now.
        kind: The object's type, which has the merge keys.
    """
    return _map(last, wanted, kind)


def _map(last: Mapping[str, Any], wanted: Mapping[str, Any], kind: ObjectType | None) -> dict[str, Any]:
    patch: dict[str, Any] = {key: None for key in last if key not in wanted}
    for key, value in wanted.items():
        field = None if kind is None else kind.fields.get(key)
        patch.update(_field(key, last.get(key), value, field))
    return patch


def _field(key: str, last: Any, wanted: Any, field: Field | None) -> dict[str, Any]:
    strategies = () if field is None else field.strategies
    if isinstance(wanted, dict):
        kind = field.object if field is not None and field.type == "object" else None
        patch = _map(last if isinstance(last, dict) else {}, wanted, kind)
        if "retainKeys" in strategies:
            patch["$retainKeys"] = sorted(wanted)
        return {key: patch}
    if isinstance(wanted, list) and field is not None and "merge" in strategies:
        before = last if isinstance(last, list) else []
        return _keyed(key, before, wanted, field) if field.merge_key else _scalars(key, before, wanted)
    return {key: wanted}


def _keyed(key: str, last: Sequence[Any], wanted: Sequence[Any], field: Field) -> dict[str, Any]:
    by = field.merge_key
    before = {item.get(by): item for item in last}
    names = [item.get(by) for item in wanted]
    items = [_map(before.get(item.get(by), {}), item, field.object) for item in wanted]
    items += [{by: name, "$patch": "delete"} for name in before if name not in names]
    return {key: items, f"$setElementOrder/{key}": [{by: name} for name in names]}


def _scalars(key: str, last: Sequence[Any], wanted: Sequence[Any]) -> dict[str, Any]:
    patch: dict[str, Any] = {key: list(wanted), f"$setElementOrder/{key}": list(wanted)}
    gone = [item for item in last if item not in wanted]
    if gone:
        patch[f"$deleteFromPrimitiveList/{key}"] = gone
    return patch
