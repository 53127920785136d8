"""``metadata.managedFields``: decoding, updating with each write, and encoding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kschedcore.api.machinery.conversions import Conversion, Converter
from kschedcore.api.machinery.frozen import FrozenDict, FrozenList, freeze
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.api.schema import Field, ObjectType
from kschedcore.apiserver.apply.configuration import problems, summary
from kschedcore.apiserver.apply.last_applied import KUBECTL, still_as_applied, with_last_applied
from kschedcore.apiserver.apply.paths import FieldSet, Path, display, from_fields_v1, to_fields_v1
from kschedcore.apiserver.apply.typed import Comparison, compare, root
from kschedcore.apiserver.apply.updater import ApplyConflict, Managed, Manager, Managers, apply, update

__all__ = ["FORGET", "NO_MANAGERS", "FieldManager", "manager_name"]

_NAME_LIMIT = 128
_MAX_UPDATERS = 10
_NO_FIELDS: FieldSet = frozenset()
_BEFORE_FIRST_APPLY = "before-first-apply"
_ANCIENT = "ancient-changes"


def _paths(*names: str) -> FieldSet:
    return frozenset(tuple(f"f:{part}" for part in name.split(".")) for name in names)


_NEVER_MANAGED = _paths(
    "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace", "metadata.creationTimestamp",
    "metadata.selfLink", "metadata.uid", "metadata.generation", "metadata.managedFields",
    "metadata.resourceVersion",
)  # fmt: skip
_UNMANAGED = frozenset(path[1][2:] for path in _NEVER_MANAGED if len(path) > 1)
_IN_COMMON = ("spec", "status")
_MOSTLY = frozenset({"apiVersion", "kind", "metadata", *_IN_COMMON})
_Parts = tuple[tuple[str, Any], ...]

NO_MANAGERS = FrozenList()
"""The entries of an object without recorded managers."""
FORGET = FrozenList([FrozenDict()])
"""Sentinel instead of entries: drop all recorded managers and start tracking with this write."""


@remembered
def manager_name(given: str, user_agent: str) -> str:
    """Return the field manager of a request: its ``fieldManager``, or the first part of its user agent."""
    if given:
        return given
    prefix = user_agent.split("/")[0]
    return "".join(char for char in prefix if char.isprintable())[:_NAME_LIMIT]


class FieldManager:
    """Tracks field managers for one kind of object, or for one of its subresources.

    Works on the entries of ``metadata.managedFields``. Returned entries are interned.

    Args:
        kind: The objects' type.
        api_version: The API version of the writes.
        subresource: ``status``, ``scale`` or ``""``.
        ignored: Fields that such writes do not change, such as ``status`` of the main resource
            (``GetResetFields`` of the registries).
        conversion: How stored objects become objects of this version; None when they are stored as they are.
        others: API version -> type and conversion from the stored version, of the kind's other versions.
    """

    def __init__(
        self,
        kind: ObjectType,
        api_version: str,
        subresource: str = "",
        ignored: Iterable[str] = (),
        *,
        conversion: Conversion | None = None,
        others: Mapping[str, tuple[ObjectType, Converter | None]] | None = None,
    ) -> None:
        self._root: Field = root(kind)
        self._api_version = api_version
        self._subresource = subresource
        self._ignored = _paths(*ignored)
        self._conversion = conversion
        self._others = {
            version: (root(other), convert) for version, (other, convert) in (others or {}).items()
        }

    def created(self, new: Object, empty: Object, name: str, now: str) -> FrozenList:
        """Return the entries of an object created by ``name``; field sets of equal parts are interned."""
        if self._conversion is not None:
            new = self._conversion.from_stored(new)
        metadata = [(key, shared(new["metadata"][key])) for key in new["metadata"] if key not in _UNMANAGED]
        specs = [(key, shared(new[key])) for key in _IN_COMMON if key in new]
        tree = self._claims_in_common(tuple(metadata), tuple(specs), empty)
        others = [key for key in new if key not in _MOSTLY]
        if others:
            # The data of a ConfigMap is not shared with other objects, and may be large.
            more: Object = {}
            for key in others:
                more |= self._claims(key, new[key], empty)
            tree = freeze({**tree, **more})
        return self._first_entries(tree, name, now) if tree else NO_MANAGERS

    def updated(self, live: Object, new: Object, entries: FrozenList, name: str, now: str) -> FrozenList:
        """Return the entries after ``name`` updated or patched ``live`` to ``new``.

        Args:
            live: The object before, without managedFields.
            new: The object after, likewise.
            entries: The recorded entries, or :data:`FORGET`.
            name: The field manager of the write.
            now: The time.
        """
        managers = _managers(entries)
        if not managers and entries is not FORGET:
            # No manager is recorded: tracking begins with the first apply.
            return NO_MANAGERS
        me = Manager(name, "Update", self._api_version, self._subresource)
        others: Managers = {}
        if self._others:
            managers, others = self._by_version(managers)
            others = self._kept(others, live, new)
            if self._conversion is not None:
                live, new = self._conversion.from_stored(live), self._conversion.from_stored(new)
        left, took = update(_own(live), _own(new), self._root, managers, me, self._ignored)
        if took:
            left[me] = left[me]._replace(time=now)
        return _written(_capped(_without_system_fields({**left, **others})))

    def _by_version(self, managers: Managers) -> tuple[Managers, Managers]:
        """Split managers into those of this version and those of the kind's other versions."""
        others = {each: managed for each, managed in managers.items() if managed.api_version in self._others}
        return {each: managed for each, managed in managers.items() if each not in others}, others

    def _changed(self, version: str, live: Object, new: Object) -> Comparison:
        """Compare two stored objects in another version of the kind."""
        kind, convert = self._others[version]
        before, after = (live, new) if convert is None else (convert(live), convert(new))
        return compare(_own(before), _own(after), kind).outside(self._ignored)

    def _kept(self, others: Managers, live: Object, new: Object) -> Managers:
        """Return what managers of other versions keep when ``live`` becomes ``new``, both stored objects."""
        left: Managers = {}
        for each, managed in others.items():
            changed = self._changed(managed.api_version, live, new)
            kept = managed.without(changed.added | changed.modified | changed.removed)
            if kept.fields:
                left[each] = kept
        return left

    def sent(self, entries: Any) -> FrozenList | None:
        """Return the entries in a request's ``managedFields``; None without any, or when they are invalid.

        A list of one empty entry means :data:`FORGET`.
        """
        if self._subresource or not entries:
            return None
        if entries == FORGET:
            return FORGET
        given = shared(entries)
        return given if _managers(given) else None

    @remembered
    def _claims_in_common(self, metadata: _Parts, specs: _Parts, empty: Object) -> FrozenDict:
        """Return the ``fieldsV1`` of a new object's metadata, spec and status."""
        tree = self._claims("metadata", dict(metadata), empty)
        for key, value in specs:
            tree |= self._remembered_claims(key, value, empty)
        return shared(tree)

    @remembered
    def _first_entries(self, tree: FrozenDict, name: str, now: str) -> FrozenList:
        me = Manager(name, "Update", self._api_version, self._subresource)
        return FrozenList([_entry(me, tree, self._api_version, now)])

    @remembered
    def _remembered_claims(self, key: str, value: Any, empty: Object) -> Object:
        return shared(self._claims(key, value, empty))

    def _claims(self, key: str, value: Any, empty: Object) -> Object:
        """Return the ``fieldsV1`` of one top-level field of a new object."""
        before = {key: empty[key]} if key in empty else {}
        changed = compare(before, {key: value}, self._root).outside(self._ignored)
        return to_fields_v1((changed.added | changed.modified) - _NEVER_MANAGED)

    def apply(
        self,
        live: Object | None,
        entries: FrozenList,
        config: Object,
        empty: Object,
        name: str,
        now: str,
        *,
        force: bool,
    ) -> tuple[Object, FrozenList]:
        """Return ``live`` after ``name`` applied ``config``, sharing parts with both, and the new entries.

        Args:
            live: The object, without managedFields; None if it does not exist.
            entries: The recorded entries.
            config: The applied configuration.
            empty: An object of the kind without fields.
            name: The field manager.
            now: The time.
            force: Whether to take fields that others manage.

        Raises:
            StatusError: 409 with every conflict.
            ValueError: ``config`` does not conform to the schema.
        """
        if found := problems(config, self._root):
            raise ValueError(summary(found))
        stored = live
        if live is not None and self._conversion is not None:
            live = self._conversion.from_stored(live)
        old = empty if live is None else live
        managers = _managers(entries)
        others: Managers = {}
        if self._others:
            managers, others = self._by_version(managers)
        if live is not None and not managers and not others:
            first = Manager(_BEFORE_FIRST_APPLY, "Update", self._api_version, "")
            managers, _ = update(empty, live, self._root, {}, first, self._ignored)
        me = Manager(name, "Apply", "", self._subresource)
        allowed = still_as_applied(live, self._root) if live is not None and name == KUBECTL else _NO_FIELDS
        try:
            merged, left = apply(
                old, config, self._root, managers, me, self._api_version,
                ignored=self._ignored, allowed=allowed, force=force,
            )  # fmt: skip
            if others and merged is not None and stored is not None:
                left = {**left, **self._yielded(others, stored, merged, force=force)}
            else:
                left = {**left, **others}
        except ApplyConflict as conflicts:
            raise _refusal(conflicts) from None
        left = _without_system_fields(left)
        if merged is not None and me in left:
            left[me] = left[me]._replace(time=now)
        result = dict(old if merged is None else merged)
        if name == KUBECTL:
            result = with_last_applied(result, config)
        result["metadata"] = dict(result["metadata"])
        return result, _written(_capped(left))

    def _yielded(self, others: Managers, stored: Object, merged: Object, *, force: bool) -> Managers:
        """Return what managers of other versions keep when an apply makes the stored object ``merged``.

        Raises:
            ApplyConflict: One of them has a field that changes, and ``force`` is not set.
        """
        new = merged if self._conversion is None else self._conversion.to_stored(merged)
        conflicts: list[tuple[Manager, Path]] = []
        for each in sorted(others):
            changed = self._changed(others[each].api_version, stored, new)
            conflicts += [
                (each, path) for path in sorted(others[each].fields & (changed.added | changed.modified))
            ]
        if conflicts and not force:
            raise ApplyConflict(conflicts)
        return self._kept(others, stored, new)


def _own(obj: Object) -> Object:
    """Return the object without the fields that the server sets, which have no manager."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _UNMANAGED}
    return {**obj, "metadata": metadata}


def _without_system_fields(managers: Managers) -> Managers:
    left = {each: managed.without(_NEVER_MANAGED) for each, managed in managers.items()}
    return {each: managed for each, managed in left.items() if managed.fields}


def _capped(managers: Managers) -> Managers:
    """Merge the oldest updaters beyond the tenth into one."""
    updaters = [each for each in managers if each.operation == "Update"]
    if len(updaters) <= _MAX_UPDATERS:
        return managers
    updaters.sort(key=lambda each: (managers[each].time or "", each))
    merged = dict(managers)
    for each in updaters[: len(updaters) - _MAX_UPDATERS + 1]:
        managed = merged.pop(each)
        bucket = Manager(_ANCIENT, "Update", managed.api_version, "")
        before = merged.get(bucket)
        fields = managed.fields | before.fields if before else managed.fields
        merged[bucket] = Managed(fields, managed.api_version, managed.time)
    return merged


@remembered
def _managers(entries: FrozenList) -> Managers:
    """Return the managers of a list of entries; none if it is invalid. The result must not be changed."""
    found = [_read_entry(shared(entry)) for entry in entries]
    return {} if None in found else dict(each for each in found if each is not None)


@remembered
def _read_entry(entry: FrozenDict) -> tuple[Manager, Managed] | None:
    operation, version = entry.get("operation"), entry.get("apiVersion", "")
    if operation not in ("Apply", "Update") or entry.get("fieldsType", "FieldsV1") != "FieldsV1":
        return None
    try:
        fields = _field_set(entry.get("fieldsV1"))
    except ValueError:
        return None
    identity = Manager(
        entry.get("manager", ""), operation, version if operation == "Update" else "",
        entry.get("subresource", ""),
    )  # fmt: skip
    return identity, Managed(fields, version, entry.get("time"))


@remembered
def _field_set(fields_v1: Any) -> FieldSet:
    if not isinstance(fields_v1, dict | None):
        raise ValueError("fieldsV1 is no object")
    return from_fields_v1(fields_v1 or {})


def _written(managers: Mapping[Manager, Managed]) -> FrozenList:
    return _entries(tuple((each, managers[each]) for each in _sorted(managers))) if managers else NO_MANAGERS


@remembered
def _entries(managers: tuple[tuple[Manager, Managed], ...]) -> FrozenList:
    return FrozenList(
        [
            _entry(each, _fields_v1(managed.fields), managed.api_version, managed.time)
            for each, managed in managers
        ]
    )


@remembered
def _fields_v1(fields: FieldSet) -> FrozenDict:
    return shared(to_fields_v1(fields))


def _sorted(managers: Mapping[Manager, Managed]) -> list[Manager]:
    return sorted(
        managers,
        key=lambda m: (m.operation, managers[m].time or "", m.name, managers[m].api_version, m.subresource),
    )


def _entry(manager: Manager, fields_v1: FrozenDict, api_version: str, time: str | None) -> FrozenDict:
    entry: Object = {"manager": manager.name, "operation": manager.operation, "apiVersion": api_version}
    if time is not None:
        entry["time"] = time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = fields_v1
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return FrozenDict(entry)


def _refusal(conflicts: ApplyConflict) -> StatusError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {_named(manager)}",
            "field": display(path),
        }
        for manager, path in conflicts.fields
    ]
    return StatusError(409, "Conflict", _conflict_message(conflicts.fields), {"causes": causes})


def _conflict_message(fields: list[tuple[Manager, Path]]) -> str:
    if len(fields) == 1:
        manager, path = fields[0]
        return f"Apply failed with 1 conflict: conflict with {_named(manager)}: {display(path)}"
    lines: list[str] = []
    for manager in dict.fromkeys(manager for manager, _ in fields):
        lines.append(f"conflicts with {_named(manager)}:")
        lines += [f"- {display(path)}" for each, path in fields if each == manager]
    return f"Apply failed with {len(fields)} conflicts: " + "\n".join(lines)


def _named(manager: Manager) -> str:
    name = f'"{manager.name}"'
    if manager.subresource:
        name = f'{name} with subresource "{manager.subresource}"'
    return f"{name} using {manager.api_version}" if manager.operation == "Update" else name
