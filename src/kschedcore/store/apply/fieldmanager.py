"""``metadata.managedFields``: reading it, keeping it true through every write, writing it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from kschedcore.api.schema import Field, ObjectType
from kschedcore.store.admission_types import Object, StatusError
from kschedcore.store.apply.configuration import problems, summary
from kschedcore.store.apply.paths import FieldSet, Path, display, from_fields_v1, to_fields_v1
from kschedcore.store.apply.typed import compare, root
from kschedcore.store.apply.updater import ApplyConflict, Managed, Manager, Managers, apply, update

__all__ = ["FieldManager", "manager_name"]

_NAME_LIMIT = 128
_MAX_UPDATERS = 10
_BEFORE_FIRST_APPLY = "before-first-apply"
_CLAIMS_REMEMBERED = 4096
_ANCIENT = "ancient-changes"


def _paths(*names: str) -> FieldSet:
    return frozenset(tuple(f"f:{part}" for part in name.split(".")) for name in names)


_NEVER_MANAGED = _paths(
    "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace", "metadata.creationTimestamp",
    "metadata.selfLink", "metadata.uid", "metadata.generation", "metadata.managedFields",
    "metadata.resourceVersion",
)  # fmt: skip


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
        self._claimed: dict[bytes, Object] = {}

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
            left[me] = replace(left[me], time=now)
        _write(new, _capped(_without_system_fields(left)))

    def _create(self, new: Object, empty: Object, name: str, now: str) -> None:
        """What ``update`` does for a new object, whose parts are mostly those of objects before it."""
        tree: Object = {}
        for key, value in new.items():
            if key not in ("apiVersion", "kind"):
                tree.update(self._claims(key, _claimable(value) if key == "metadata" else value, empty))
        if tree:
            me = Manager(name, "Update", self._api_version, self._subresource)
            new["metadata"]["managedFields"] = [_entry(me, tree, self._api_version, now)]

    def _claims(self, key: str, value: Any, empty: Object) -> Object:
        """The ``fieldsV1`` of one top-level field of a new object."""
        encoded = msgspec.json.encode((key, value))
        found = self._claimed.get(encoded)
        if found is None:
            if len(self._claimed) >= _CLAIMS_REMEMBERED:
                self._claimed.clear()
            before = {key: empty[key]} if key in empty else {}
            changed = compare(before, {key: value}, self._root).outside(self._ignored)
            fields = (changed.added | changed.modified) - _NEVER_MANAGED
            found = self._claimed[encoded] = to_fields_v1(fields)
        return found

    def apply(
        self, live: Object | None, config: Object, empty: Object, name: str, now: str, *, force: bool
    ) -> Object | None:
        """``live`` as ``config`` by ``name`` wants it, with managedFields; None when not even those change.

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
            left[me] = replace(left[me], time=now)
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


def _claimable(metadata: Object) -> Object:
    """Metadata without what nobody manages."""
    return {key: value for key, value in metadata.items() if ("f:metadata", f"f:{key}") not in _NEVER_MANAGED}


def _stripped(obj: Object) -> Object:
    """The object without managedFields."""
    if "managedFields" not in obj["metadata"]:
        return obj
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def _without_system_fields(managers: Managers) -> Managers:
    left = {
        each: replace(managed, fields=managed.fields - _NEVER_MANAGED) for each, managed in managers.items()
    }
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
    managers: Managers = {}
    for entry in entries or ():
        operation, version = entry.get("operation"), entry.get("apiVersion", "")
        if operation not in ("Apply", "Update") or entry.get("fieldsType", "FieldsV1") != "FieldsV1":
            return {}
        identity = Manager(
            entry.get("manager", ""), operation, version if operation == "Update" else "",
            entry.get("subresource", ""),
        )  # fmt: skip
        managers[identity] = Managed(from_fields_v1(entry.get("fieldsV1") or {}), version, entry.get("time"))
    return managers


def _write(obj: Object, managers: Mapping[Manager, Managed]) -> None:
    obj["metadata"].pop("managedFields", None)
    entries = [
        _entry(each, to_fields_v1(managers[each].fields), managers[each].api_version, managers[each].time)
        for each in _sorted(managers)
    ]
    if entries:
        obj["metadata"]["managedFields"] = entries


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
