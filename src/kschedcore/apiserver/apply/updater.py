"""The algorithm of server-side apply over sets of fields (structured-merge-diff's ``merge.Updater``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kschedcore.api.schema import Field
from kschedcore.apiserver.apply.paths import FieldSet, Path
from kschedcore.apiserver.apply.typed import (
    Comparison,
    compare,
    field_set,
    merge,
    outside,
    remove,
    with_named_fields,
)
from kschedcore.errors import KschedcoreError

__all__ = ["ApplyConflict", "Managed", "Manager", "Managers", "apply", "update"]


class Manager(NamedTuple):
    """Who manages: name, ``Apply`` or ``Update``, the API version of an update, the subresource."""

    name: str
    operation: str
    api_version: str
    subresource: str


class Managed(NamedTuple):
    """What one manager manages: the fields, in which API version, since when (None: never changed one)."""

    fields: FieldSet
    api_version: str
    time: str | None = None

    def without(self, gone: FieldSet) -> Managed:
        """The same but for some fields; the very same when none of them is managed here."""
        return self if self.fields.isdisjoint(gone) else self._replace(fields=self.fields - gone)


Managers = dict[Manager, Managed]


class ApplyConflict(KschedcoreError):  # noqa: N818 - Kubernetes' word
    """Fields that others manage would change.

    Attributes:
        fields: Manager and path of every conflict, in order.
    """

    def __init__(self, fields: list[tuple[Manager, Path]]) -> None:
        self.fields = fields
        super().__init__(f"{len(fields)} conflicts")


def update(
    live: Any,
    new: Any,
    field: Field,
    managers: Mapping[Manager, Managed],
    manager: Manager,
    ignored: FieldSet,
) -> tuple[Managers, bool]:
    """Who manages what after ``manager`` changed ``live`` into ``new``.

    Returns:
        The managers, and whether ``manager`` took any field.
    """
    difference = compare(live, new, field).outside(ignored)
    taken = difference.added | difference.modified
    left = _yield_fields(managers, difference, taken)
    if not taken:
        return left, False
    before = left.get(manager)
    fields = taken if before is None else before.fields | taken
    left[manager] = Managed(fields, manager.api_version, before.time if before else None)
    return left, True


def apply(
    live: Any,
    config: Any,
    field: Field,
    managers: Mapping[Manager, Managed],
    manager: Manager,
    api_version: str,
    *,
    ignored: FieldSet,
    force: bool,
) -> tuple[Any | None, Managers]:
    """Merge ``config``, the whole of what ``manager`` wants, into ``live``.

    Returns:
        The new object, None when nothing in it changes, and the managers.

    Raises:
        ApplyConflict: Another manager has a field that would change, and ``force`` is not set.
    """
    merged = merge(live, config, field)
    last = managers.get(manager)
    claimed = outside(field_set(config, field), ignored)
    current = dict(managers)
    current[manager] = Managed(claimed, api_version, last.time if last else None)
    applied_before = frozenset() if last is None else outside(last.fields, ignored)
    # Who still wants all that it wanted has nothing to take out.
    if not applied_before <= claimed:
        merged = _prune(merged, current, applied_before, field)
    difference = compare(live, merged, field).outside(ignored)
    others = {each: managed for each, managed in current.items() if each != manager}
    changed = difference.added | difference.modified
    conflicts = [(each, path) for each in sorted(others) for path in sorted(others[each].fields & changed)]
    if conflicts and not force:
        raise ApplyConflict(conflicts)
    left = _yield_fields(others, difference, changed)
    if claimed:
        left[manager] = current[manager]
    return (None if difference.same else merged), left


def _yield_fields(managers: Mapping[Manager, Managed], difference: Comparison, changed: FieldSet) -> Managers:
    """Everybody without what was changed or removed under them; who has nothing left is gone."""
    gone = changed | difference.removed
    left = {each: managed.without(gone) for each, managed in managers.items()}
    return {each: managed for each, managed in left.items() if managed.fields}


def _prune(merged: Any, managers: Managers, last: FieldSet, field: Field) -> Any:
    """Remove what the manager applied last time and does not apply now, unless another manager has it."""
    pruned = remove(merged, with_named_fields(last, field), field)
    merged_fields = with_named_fields(field_set(merged, field), field)
    managed = with_named_fields(frozenset().union(*(each.fields for each in managers.values())), field)
    pruned_fields = with_named_fields(field_set(pruned, field), field)
    pruned = remove(merged, merged_fields - (pruned_fields | managed), field)
    # A field without a manager is not this one's to remove.
    pruned_fields = with_named_fields(field_set(pruned, field), field)
    return remove(merged, (merged_fields - pruned_fields) & with_named_fields(last, field), field)
