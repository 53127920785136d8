"""PATCH requests with the four patch types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from kschedcore.api.machinery.confidential import masked
from kschedcore.api.machinery.field_errors import invalid as invalid_field
from kschedcore.api.machinery.frozen import StoredObject
from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.status import StatusError, bad_request, too_large
from kschedcore.api.machinery.types import Object
from kschedcore.apiserver.apply.fieldmanager import NO_MANAGERS
from kschedcore.apiserver.apply.record import Record, entries_of
from kschedcore.apiserver.bodies import (
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC,
    read_json,
    read_yaml,
)
from kschedcore.apiserver.gojson import JSONProblem
from kschedcore.apiserver.patches import (
    PatchConflict,
    PatchError,
    apply_json_patch,
    apply_merge_patch,
    apply_strategic_merge_patch,
)
from kschedcore.apiserver.registry import Registry, Write, empty_object, field_manager
from kschedcore.client.transport import Body

__all__ = ["apply_patch", "patch_object", "patcher", "unsupported_patch"]

_MAX_OPERATIONS = 10_000
Patcher = Callable[[Object], Any]


def unsupported_patch() -> StatusError:
    """Return the error 415: not a supported patch type."""
    return StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def patcher(body: Body, content_type: str, kind: Kind | None) -> Patcher:
    """Return a function that returns an object with the patch in ``body`` applied, without changing the object.

    Args:
        body: The patch.
        content_type: The content type of the patch.
        kind: The kind with the merge keys for strategic merge patch; None for kinds without any.

    Raises:
        StatusError: 415 for another content type, 400 for an invalid patch.
    """
    if content_type == JSON_PATCH:
        return _json_patcher(_read(body, ""))
    if content_type == MERGE_PATCH:
        patch = _an_object(_read(body, "error decoding patch: "))
        return lambda obj: apply_merge_patch(_under(patch, obj), patch)
    if content_type == STRATEGIC:
        patch = _an_object(_read(body, ""))
        return _strategic_patcher(patch, kind)
    raise unsupported_patch()


def _read(body: Body, prefix: str) -> Any:
    try:
        return read_json(body)
    except JSONProblem as fault:
        raise bad_request(f"{prefix}{fault}") from None


def _an_object(patch: Any) -> dict[str, Any]:
    if not isinstance(patch, dict):
        raise bad_request("json: cannot unmarshal array into Go value of type map[string]interface {}")
    return patch


def _json_patcher(operations: Any) -> Patcher:
    if not isinstance(operations, list) or not all(isinstance(each, Mapping) for each in operations):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    if len(operations) > _MAX_OPERATIONS:
        raise too_large(
            f"The allowed maximum operations in a JSON patch is {_MAX_OPERATIONS}, got {len(operations)}"
        )

    about_managers = any(_is_about_managers(each) for each in operations)

    def patch(obj: Object) -> Any:
        try:
            return apply_json_patch(_completed(obj) if about_managers else obj, operations)
        except PatchConflict as fault:
            message = f"the server rejected our request due to an error in our request: {fault}"
            raise StatusError(422, "Invalid", message, {}) from None

    return patch


def _strategic_patcher(patch: dict[str, Any], kind: Kind | None) -> Patcher:
    if kind is None:
        return lambda obj: apply_merge_patch(obj, patch)

    def merge(obj: Object) -> Any:
        try:
            return apply_strategic_merge_patch(_under(patch, obj), patch, kind.schema)
        except PatchConflict as fault:
            raise StatusError(500, "", str(fault)) from None
        except PatchError as fault:
            raise bad_request(str(fault)) from None

    return merge


def _completed(obj: Object) -> Object:
    """Return the object with ``managedFields``, for a patch that changes them."""
    return obj.completed() if isinstance(obj, StoredObject) else obj


def _under(patch: Object, obj: Object) -> Object:
    """Return the object to which a merge patch is applied."""
    metadata = patch.get("metadata")
    return _completed(obj) if isinstance(metadata, dict) and "managedFields" in metadata else obj


def _is_about_managers(operation: Mapping[str, Any]) -> bool:
    """Return whether an operation of a JSON patch concerns ``managedFields`` or a parent of it."""
    pointers = (operation.get("path"), operation.get("from"))
    return any(
        pointer in ("", "/metadata") or str(pointer).startswith("/metadata/managedFields")
        for pointer in pointers
    )


def patch_object(registry: Registry, write: Write, change: Patcher) -> StoredObject:
    """Handle a PATCH other than apply."""

    def changed(live: StoredObject) -> Object:
        version = write.version
        patched = change(live if version is None else _in_version(live, version))
        try:
            return registry.read(write, _an_object(patched), live)
        except StatusError as refusal:
            raise _unreadable(write.kind.resource.kind, patched, refusal) from None

    return registry.patch(write, changed)


def _in_version(live: StoredObject, version: Kind) -> Object:
    assert version.conversion is not None
    return version.conversion.from_stored(live.completed())


def _unreadable(kind: str, patched: Any, refusal: StatusError) -> StatusError:
    """Return the error 422: the patched object cannot be decoded."""
    shown = msgspec.json.encode(masked(patched, kind)).decode()
    error = invalid_field("patch", shown, refusal.message)
    causes = [{"reason": error.type.value, "message": error.message, "field": error.field}]
    return StatusError(422, "Invalid", f' "" is invalid: {error}', {"causes": causes})


def apply_patch(registry: Registry, write: Write, body: Body) -> tuple[StoredObject, bool]:
    """Handle a server-side apply.

    Returns:
        The object, and whether it is new.

    Raises:
        StatusError: 409 with the conflicts, 422 as for every write, 400 and 500 for invalid configurations.
    """
    config = read_yaml(body)
    _check_configuration(config, write)
    kind = write.served
    found = registry.store.get(write.kind.resource.qualified, write.namespace, write.name)
    if found is None and write.subresource:
        registry.live(write)
    empty = _named(empty_object(kind), write)
    manager = field_manager(kind, write.subresource)
    try:
        recorded = NO_MANAGERS if found is None else entries_of(found)
        merged, entries = manager.apply(
            found, recorded, config, empty, write.manager, registry.meta.now(), force=write.options.force
        )
    except ValueError as fault:
        subject = f"{write.namespace}/{write.name}; {kind.resource.api_version}, Kind={kind.resource.kind}"
        raise StatusError(500, "", f"failed to create typed patch object ({subject}): {fault}") from None
    obj = registry.read(write, merged, found)
    record = Record.known(entries)
    if found is None:
        return registry.create(write, obj, record), True
    return registry.update(write, found, obj, record), False


def _named(obj: Object, write: Write) -> Object:
    metadata = {**obj["metadata"], "name": write.name}
    if write.namespace:
        metadata["namespace"] = write.namespace
    return {**obj, "metadata": metadata}


def _check_configuration(config: Object, write: Write) -> None:
    resource = write.served.resource
    metadata = config.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise bad_request("json: cannot unmarshal metadata into Go struct field ObjectMeta")
    expected = f"{resource.api_version}, Kind={resource.kind}"
    if config.get("apiVersion") != resource.api_version or config.get("kind") != resource.kind:
        given = f"{config.get('apiVersion', '')}, Kind={config.get('kind', '')}"
        raise bad_request(
            f"Incorrect version specified in apply patch. Specified patch version: {given}, "
            f"expected: {expected}"
        )
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    name = metadata.setdefault("name", write.name)
    if name != write.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({write.name})"
        )
    namespace = metadata.get("namespace", write.namespace)
    if namespace != write.namespace:
        raise bad_request(
            f"the namespace of the object ({namespace}) does not match the namespace on the request "
            f"({write.namespace})"
        )
