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
    """A field manager: name, ``Apply`` or ``Update``, the API version of an update, the subresource."""

    name: str
    operation: str
    api_version: str
    subresource: str


class Managed(NamedTuple):
    """The fields of one manager, their API version, and the time (None: it never changed a field)."""

    fields: FieldSet
    api_version: str
    time: str | None = None

    def without(self, gone: FieldSet) -> Managed:
        """Return a copy without some fields; the same object if it has none of them."""
        return self if self.fields.isdisjoint(gone) else self._replace(fields=self.fields - gone)


Managers = dict[Manager, Managed]


class ApplyConflict(KschedcoreError):  # noqa: N818 - Kubernetes' word
    """An apply would change fields of other managers.

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
    """Return the managed fields after ``manager`` changed ``live`` to ``new``.

    Returns:
        The managed fields by manager, and whether ``manager`` gained any field.
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
    allowed: FieldSet,
    force: bool,
) -> tuple[Any | None, Managers]:
    """Merge ``config``, the complete configuration of ``manager``, into ``live``.

    Fields in ``allowed`` may change although others manage them.

    Returns:
        The new object, None if unchanged, and the managed fields by manager.

    Raises:
        ApplyConflict: Another manager has a field that would change and is not allowed to, and ``force`` is not set.
    """
    merged = merge(live, config, field)
    last = managers.get(manager)
    claimed = outside(field_set(config, field), ignored)
    current = dict(managers)
    current[manager] = Managed(claimed, api_version, last.time if last else None)
    applied_before = frozenset() if last is None else outside(last.fields, ignored)
    # A manager whose field set did not shrink has nothing to remove.
    if not applied_before <= claimed:
        merged = _prune(merged, current, applied_before, field)
    difference = compare(live, merged, field).outside(ignored)
    others = {each: managed for each, managed in current.items() if each != manager}
    changed = difference.added | difference.modified
    refused = changed - allowed
    conflicts = [(each, path) for each in sorted(others) for path in sorted(others[each].fields & refused)]
    if conflicts and not force:
        raise ApplyConflict(conflicts)
    left = _yield_fields(others, difference, changed)
    if claimed:
        left[manager] = current[manager]
    return (None if difference.same else merged), left


def _yield_fields(managers: Mapping[Manager, Managed], difference: Comparison, changed: FieldSet) -> Managers:
    """Remove changed and removed fields from other managers; managers without fields are dropped."""
    gone = changed | difference.removed
    left = {each: managed.without(gone) for each, managed in managers.items()}
    return {each: managed for each, managed in left.items() if managed.fields}


def _prune(merged: Any, managers: Managers, last: FieldSet, field: Field) -> Any:
    """Remove fields that the manager applied last time and not now, unless another manager has them."""
    pruned = remove(merged, with_named_fields(last, field), field)
    merged_fields = with_named_fields(field_set(merged, field), field)
    managed = with_named_fields(frozenset().union(*(each.fields for each in managers.values())), field)
    pruned_fields = with_named_fields(field_set(pruned, field), field)
    pruned = remove(merged, merged_fields - (pruned_fields | managed), field)
    # Fields without a manager are kept.
    pruned_fields = with_named_fields(field_set(pruned, field), field)
    return remove(merged, (merged_fields - pruned_fields) & with_named_fields(last, field), field)
