"""``metadata.managedFields``: reading it, keeping it true through every write, writing it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from kschedcore.api.schema import Field, ObjectType
from kschedcore.store.admission_types import Object, StatusError
from kschedcore.store.apply.configuration import problems, summary
from kschedcore.store.apply.paths import FieldSet, Path, display, from_fields_v1, to_fields_v1
from kschedcore.store.apply.typed import compare, root
from kschedcore.store.apply.updater import ApplyConflict, Managed, Manager, Managers, apply, update
from kschedcore.store.objects import FrozenDict, FrozenList, freeze
from kschedcore.store.remembered import remembered, shared

__all__ = ["FieldManager", "manager_name"]

_NAME_LIMIT = 128
_MAX_UPDATERS = 10
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


@lru_cache(maxsize=1024)
def manager_name(given: str, user_agent: str) -> str:
    """The manager of a request: what it says, or the first part of its user agent."""
    if given:
        return given
    prefix = user_agent.split("/")[0]
    return "".join(char for char in prefix if char.isprintable())[:_NAME_LIMIT]


class FieldManager:
    """Who manages the fields of one kind of object, or of one of its subresources.

    Args:
        kind: The objects' type.
        api_version: In which version they are written.
        subresource: ``status``, ``scale`` or ``""``.
        ignored: Fields that writes here do not change, as ``status`` of the main resource
            (``GetResetFields`` of the registries).
    """

    def __init__(
        self, kind: ObjectType, api_version: str, subresource: str = "", ignored: Iterable[str] = ()
    ) -> None:
        self._root: Field = root(kind)
        self._api_version = api_version
        self._subresource = subresource
        self._ignored = _paths(*ignored)

    def update(self, live: Object | None, new: Object, empty: Object, name: str, now: str) -> None:
        """Set ``new``'s managedFields for a create (``live`` is None), update or patch by ``name``."""
        if live is None and "managedFields" not in new["metadata"]:
            self._create(new, empty, name, now)
            return
        old = empty if live is None else live
        reset, managers = self._managers_of(live, new)
        if live is not None and not managers and not reset:
            # Nobody has ever been recorded: tracking begins with the first apply.
            new["metadata"].pop("managedFields", None)
            return
        me = Manager(name, "Update", self._api_version, self._subresource)
        left, took = update(_stripped(old), _stripped(new), self._root, managers, me, self._ignored)
        if took:
            left[me] = left[me]._replace(time=now)
        _write(new, _capped(_without_system_fields(left)))

    def _create(self, new: Object, empty: Object, name: str, now: str) -> None:
        """What ``update`` does for a new object, whose parts are mostly those of objects before it."""
        metadata = [(key, shared(new["metadata"][key])) for key in new["metadata"] if key not in _UNMANAGED]
        specs = [(key, shared(new[key])) for key in _IN_COMMON if key in new]
        tree = self._claims_in_common(tuple(metadata), tuple(specs), empty)
        others = [key for key in new if key not in _MOSTLY]
        if others:
            # What a config map holds is nobody else's, and may be long.
            more: Object = {}
            for key in others:
                more |= self._claims(key, new[key], empty)
            tree = freeze({**tree, **more})
        if tree:
            new["metadata"]["managedFields"] = self._first_entries(tree, name, now)

    @remembered
    def _claims_in_common(self, metadata: _Parts, specs: _Parts, empty: Object) -> FrozenDict:
        """The ``fieldsV1`` of what is in a new object's metadata, and of its spec and status."""
        tree = self._claims("metadata", dict(metadata), empty)
        for key, value in specs:
            tree |= self._remembered_claims(key, value, empty)
        return shared(tree)

    @remembered
    def _first_entries(self, tree: FrozenDict, name: str, now: str) -> FrozenList:
        me = Manager(name, "Update", self._api_version, self._subresource)
        entries: FrozenList = freeze([_entry(me, tree, self._api_version, now)])
        return entries

    @remembered
    def _remembered_claims(self, key: str, value: Any, empty: Object) -> Object:
        return shared(self._claims(key, value, empty))

    def _claims(self, key: str, value: Any, empty: Object) -> Object:
        """The ``fieldsV1`` of one top-level field of a new object."""
        before = {key: empty[key]} if key in empty else {}
        changed = compare(before, {key: value}, self._root).outside(self._ignored)
        return to_fields_v1((changed.added | changed.modified) - _NEVER_MANAGED)

    def apply(
        self, live: Object | None, config: Object, empty: Object, name: str, now: str, *, force: bool
    ) -> Object:
        """``live`` as ``config`` by ``name`` wants it, with managedFields; it shares parts with both.

        Raises:
            StatusError: 409 with every conflict.
            ValueError: ``config`` does not fit the schema.
        """
        if found := problems(config, self._root):
            raise ValueError(summary(found))
        old = empty if live is None else live
        managers = _read(old["metadata"].get("managedFields"))
        if live is not None and not managers:
            first = Manager(_BEFORE_FIRST_APPLY, "Update", self._api_version, "")
            managers, _ = update(_stripped(empty), _stripped(live), self._root, {}, first, self._ignored)
        me = Manager(name, "Apply", "", self._subresource)
        try:
            merged, left = apply(
                _stripped(old), _stripped(config), self._root, managers, me, self._api_version,
                ignored=self._ignored, force=force,
            )  # fmt: skip
        except ApplyConflict as conflicts:
            raise _refusal(conflicts) from None
        left = _without_system_fields(left)
        if merged is not None and me in left:
            left[me] = left[me]._replace(time=now)
        result = dict(_stripped(old) if merged is None else merged)
        result["metadata"] = dict(result["metadata"])
        _write(result, _capped(left))
        return result

    def _managers_of(self, live: Object | None, new: Object) -> tuple[bool, Managers]:
        """What the writer sent, if it can be read, else what was there; an empty entry forgets everything."""
        before = None if live is None else live["metadata"].get("managedFields")
        sent = new["metadata"].get("managedFields")
        if not self._subresource and sent is not None:
            if sent == [{}]:
                return True, {}
            managers = _read(sent)
            if managers:
                return False, managers
        return False, _read(before)


def _stripped(obj: Object) -> Object:
    """The object without managedFields."""
    if "managedFields" not in obj["metadata"]:
        return obj
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def _without_system_fields(managers: Managers) -> Managers:
    left = {each: managed.without(_NEVER_MANAGED) for each, managed in managers.items()}
    return {each: managed for each, managed in left.items() if managed.fields}


def _capped(managers: Managers) -> Managers:
    """At most ten updaters are told apart; the oldest others become one."""
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


def _read(entries: Any) -> Managers:
    """The managers that a list of entries tells of; none when it cannot be read."""
    found = [_read_entry(shared(entry)) for entry in entries or ()]
    return {} if None in found else dict(each for each in found if each is not None)


@remembered
def _read_entry(entry: FrozenDict) -> tuple[Manager, Managed] | None:
    operation, version = entry.get("operation"), entry.get("apiVersion", "")
    if operation not in ("Apply", "Update") or entry.get("fieldsType", "FieldsV1") != "FieldsV1":
        return None
    identity = Manager(
        entry.get("manager", ""), operation, version if operation == "Update" else "",
        entry.get("subresource", ""),
    )  # fmt: skip
    return identity, Managed(_field_set(entry.get("fieldsV1")), version, entry.get("time"))


@remembered
def _field_set(fields_v1: FrozenDict | None) -> FieldSet:
    return from_fields_v1(fields_v1 or {})


def _write(obj: Object, managers: Mapping[Manager, Managed]) -> None:
    obj["metadata"].pop("managedFields", None)
    if managers:
        obj["metadata"]["managedFields"] = _entries(
            tuple((each, managers[each]) for each in _sorted(managers))
        )


@remembered
def _entries(managers: tuple[tuple[Manager, Managed], ...]) -> FrozenList:
    entries = [
        _entry(each, _fields_v1(managed.fields), managed.api_version, managed.time)
        for each, managed in managers
    ]
    found: FrozenList = freeze(entries)
    return found


@remembered
def _fields_v1(fields: FieldSet) -> FrozenDict:
    return shared(to_fields_v1(fields))


def _sorted(managers: Mapping[Manager, Managed]) -> list[Manager]:
    return sorted(
        managers,
        key=lambda m: (m.operation, managers[m].time or "", m.name, managers[m].api_version, m.subresource),
    )


def _entry(manager: Manager, fields_v1: Object, api_version: str, time: str | None) -> Object:
    entry: Object = {"manager": manager.name, "operation": manager.operation, "apiVersion": api_version}
    if time is not None:
        entry["time"] = time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = fields_v1
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


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
