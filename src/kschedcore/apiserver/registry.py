"""The generic registry: creates, updates and deletes objects in the store.

The order of the steps is the API server's (``registry/generic/registry/store.go``): managed fields,
mutating admission, the resource's strategy, validation, validating admission, storage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice

import msgspec

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.frozen import FROZEN, StoredObject, freeze
from kschedcore.api.machinery.kinds import Generation, Kind, versions_of
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import already_exists, bad_request, conflict, invalid, not_found
from kschedcore.api.machinery.times import timestamp
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.api.schema.decode import Known, decode_object
from kschedcore.api.versions import DEFAULT, Release
from kschedcore.apiserver.admission.types import Admission, AdmissionRequest, Operation
from kschedcore.apiserver.apply.fieldmanager import FORGET, FieldManager
from kschedcore.apiserver.apply.record import Record, entries_of
from kschedcore.apiserver.deletion import Deletion, check_preconditions, deletion_of, ends_by_update
from kschedcore.apiserver.metadata import MetaSource
from kschedcore.apiserver.options import DeleteOptions, WriteOptions
from kschedcore.rules.defaults.devices import default_taint_times
from kschedcore.rules.preparation.volumes import phase_changed
from kschedcore.rules.warnings import warnings_of, warnings_of_update
from kschedcore.store.store import MODIFIED, Store

__all__ = ["Registry", "Write", "empty_object", "field_manager"]

_NAME_ATTEMPTS = 8
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


class Write(msgspec.Struct, frozen=True):
    """A write request: its target, field manager and options.

    Attributes:
        kind: The kind of object.
        namespace: ``""`` for cluster-scoped kinds.
        name: ``""`` to take it from the object.
        subresource: ``status``, ``scale``, … or ``""``.
        manager: The field manager of the changed fields.
        options: The request's options.
        warnings: Collects warnings for the client.
        version: The kind in the version of the request, where that is not the stored one.
    """

    kind: Kind
    namespace: Namespace
    name: str
    subresource: str
    manager: str
    options: WriteOptions
    warnings: list[str]
    version: Kind | None = None

    @property
    def served(self) -> Kind:
        """The kind in the version of the request."""
        return self.kind if self.version is None else self.version


@cache
def empty_object(kind: Kind) -> Object:
    """Return an object of the kind without fields, the base that new objects are compared with."""
    obj, _ = decode_object(kind.schema, {})
    empty: Object = freeze({**obj, "apiVersion": kind.resource.api_version, "kind": kind.resource.kind})
    return empty


@cache
def field_manager(kind: Kind, subresource: str) -> FieldManager:
    """Return the field manager for writes of a kind through the main resource or a subresource."""
    if subresource == "status":
        ignored = ["spec", *(["metadata.labels"] if kind.resource.kind == "Deployment" else [])]
    else:
        ignored = ["status"] if "status" in kind.subresources else []
    others = {
        each.resource.api_version: (
            each.schema,
            None if each.conversion is None else each.conversion.from_stored,
        )
        for each in versions_of(kind)
    }
    return FieldManager(
        kind.schema,
        kind.resource.api_version,
        subresource,
        ignored,
        conversion=kind.conversion,
        others=others,
    )


class Registry:
    """Writes objects.

    Args:
        store: The store.
        admission: The admission chain.
        meta: The source of uids, names and times.
        release: The Kubernetes version and feature gates to follow.
    """

    def __init__(
        self, store: Store, admission: Admission, meta: MetaSource, release: Release = DEFAULT
    ) -> None:
        self.store = store
        self.admission = admission
        self.meta = meta
        self.release = release

    def live(self, write: Write) -> StoredObject:
        """Return the stored object; 404 if it does not exist."""
        found = self.store.get(write.kind.resource.qualified, write.namespace, write.name)
        if found is None:
            raise not_found(write.kind.resource, write.name)
        return found

    def create(self, write: Write, obj: Object, record: Record | None = None) -> StoredObject:
        """Create ``obj``, which has been decoded and defaulted.

        Args:
            write: The write.
            obj: The object.
            record: The managed-fields record; None to compute it from the object.

        Raises:
            StatusError: 400, 403, 409 or 422, as in the API server.
        """
        resource = write.kind.resource
        metadata = obj["metadata"]
        _set_namespace(metadata, write.namespace)
        request = AdmissionRequest(
            Operation.CREATE, resource, write.namespace, metadata.get("name", ""), obj,
            dry_run=write.options.dry_run,
        )  # fmt: skip
        if write.version is not None:
            request.version = write.version.resource.api_version
        if record is None:
            record = self._creation(write, request, obj)
        self.admission.admit(request)
        self.meta.fill(metadata)
        if write.kind.generation is not None and write.kind.generation.first:
            metadata["generation"] = write.kind.generation.first
        request.name = self._name(write, metadata)
        self.admission.prepare(request)
        self.admission.validate(request)
        write.warnings.extend(warnings_of(resource.kind, obj))
        self.admission.review(request)
        if write.options.dry_run:
            if self.store.get(resource.qualified, write.namespace, request.name) is not None:
                raise already_exists(resource, request.name)
            return StoredObject.of(obj, record)
        return self.store.create(resource, obj, record)

    def restore(self, resource: Resource, obj: Object) -> StoredObject:
        """Store an object that exists elsewhere with its identity and status, without admission and validation.

        Raises:
            StatusError: 409 if there is an object of its name.
        """
        self.meta.complete(obj["metadata"])
        return self.store.create(resource, obj)

    def _creation(self, write: Write, request: AdmissionRequest, obj: Object) -> Record:
        """Return the managed-fields record of a creation; ``obj`` is the object of the request."""
        now, empty = self.meta.now(), empty_object(write.served)
        manager = field_manager(write.served, write.subresource)
        sent = obj["metadata"].pop("managedFields", None)
        if sent is not None:
            given = manager.sent(sent) or FORGET
            return Record.known(manager.updated(empty, obj, given, write.manager, now))
        if self.admission.may_change(request):
            return Record.known(manager.created(obj, empty, write.manager, now))
        return Record.of_creation(manager, empty, write.manager, now)

    def _change(self, write: Write, request: AdmissionRequest, live: StoredObject, obj: Object) -> Record:
        """Return the managed-fields record of an update of ``live``; ``obj`` is the object of the request."""
        now = self.meta.now()
        manager = field_manager(write.served, write.subresource)
        given = manager.sent(obj["metadata"].pop("managedFields", None))
        if given is None and not self.admission.may_change(request):
            return Record.of_update(manager, live, write.manager, now)
        recorded = entries_of(live) if given is None else given
        return Record.known(manager.updated(live, obj, recorded, write.manager, now))

    def _name(self, write: Write, metadata: Object) -> str:
        """Return the object's name, or an unused name generated from ``generateName``."""
        if not metadata.get("name") and metadata.get("generateName"):
            qualified = write.kind.resource.qualified
            for name in islice(self.meta.names(metadata["generateName"]), _NAME_ATTEMPTS):
                metadata["name"] = name
                if self.store.get(qualified, write.namespace, name) is None:
                    break
        return str(metadata.get("name", ""))

    def update(
        self, write: Write, live: StoredObject, obj: Object, record: Record | None = None
    ) -> StoredObject:
        """Replace ``live`` by ``obj``, which has been decoded and defaulted.

        Args:
            write: The write.
            live: The stored object.
            obj: The new object.
            record: Its managed-fields record; None to compute it from ``live`` and ``obj``.

        Raises:
            StatusError: 403, 409 or 422, as in the API server.
        """
        resource = write.kind.resource
        metadata = obj["metadata"]
        _set_namespace(metadata, write.namespace)
        _check_version(write.kind, live, metadata)
        _keep_system_fields(live["metadata"], metadata)
        request = AdmissionRequest(
            Operation.UPDATE, resource, write.namespace, write.name, obj, live, write.subresource,
            write.options.dry_run,
        )  # fmt: skip
        if write.version is not None:
            request.version = write.version.resource.api_version
        if record is None:
            record = self._change(write, request, live, obj)
        self.admission.admit(request)
        self.admission.prepare(request)
        if resource.kind == "PersistentVolume" and write.subresource == "status":
            phase_changed(obj, live, self.meta.now())
        # A status update never changes the generation, even if it also writes annotations.
        counted = None if write.subresource == "status" else write.kind.generation
        if counted is not None and _counts(counted, obj, live):
            metadata["generation"] = live["metadata"].get("generation", 0) + 1
        self.admission.validate(request)
        if not write.subresource:
            write.warnings.extend(warnings_of_update(resource.kind, obj, live))
        self.admission.review(request)
        return self._replace(write, live, obj, record)

    def _replace(
        self, write: Write, live: StoredObject, obj: Object, record: Record | None = None
    ) -> StoredObject:
        version = live["metadata"]["resourceVersion"]
        obj["metadata"]["resourceVersion"] = version
        if write.options.dry_run:
            return StoredObject.of(obj, live.carried_record() if record is None else record)
        # A write without changes may still change managed fields.
        if obj == live and (record is None or record.is_that_of(live)):
            return live
        if ends_by_update(write.kind, obj, live):
            return self.store.delete(write.kind.resource, obj, version)
        # The back end refuses a write over another version than ``live``, so the record of ``live`` is the carried one.
        return self.store.update(
            write.kind.resource, obj, version, live.carried_record() if record is None else record
        )

    def store_directly(self, write: Write, live: StoredObject, obj: Object) -> StoredObject:
        """Store the result of a subresource of another kind, without admission and validation."""
        return self._replace(write, live, obj)

    def delete(self, write: Write, options: DeleteOptions) -> tuple[StoredObject, bool]:
        """Delete the object, or begin to.

        Returns:
            The object, and whether it was deleted immediately.

        Raises:
            StatusError: 403, 404 or 409, as in the API server.
        """
        resource = write.kind.resource
        live = self.store.get(resource.qualified, write.namespace, write.name)
        request = AdmissionRequest(
            Operation.DELETE, resource, write.namespace, write.name, None, live,
            dry_run=options.dry_run,
        )  # fmt: skip
        self.admission.admit(request)
        if live is None:
            raise not_found(resource, write.name)
        check_preconditions(resource, live, options.uid, options.version)
        self.admission.review(request)
        if resource.kind == "Namespace":
            deletion = _namespace_deletion(live, timestamp(self.meta.time()))
        else:
            propagation = options.propagation
            if options.orphan_dependents is not None:
                propagation = "Orphan" if options.orphan_dependents else "Background"
            deletion = deletion_of(
                write.kind, live, self.meta.time(),
                grace_seconds=options.grace_seconds, propagation=propagation,
            )  # fmt: skip
        return self._carry_out(write.kind, live, deletion, options.dry_run), deletion.now

    def _carry_out(self, kind: Kind, live: StoredObject, deletion: Deletion, dry_run: bool) -> StoredObject:
        version = live["metadata"]["resourceVersion"]
        if dry_run or not (deletion.now or deletion.changed):
            return StoredObject.of(deletion.object, live.carried_record())
        if deletion.now:
            return self.store.delete(kind.resource, deletion.object, version)
        return self.store.update(kind.resource, deletion.object, version)

    def read(self, write: Write, body: Object, live: Object | None = None) -> Object:
        """Decode a body as the write's kind and fill in defaults; 400 with the decoder's message.

        Args:
            write: The write.
            body: Its body.
            live: The stored object; its parts that are also in the body have been decoded before.
        """
        if write.version is not None:
            return self._read_version(write, write.version, body)
        resource = write.kind.resource
        if live is not None:
            body = _recognised(write.kind, body, live)
        decoded = self.admission.decode(resource, body, write.options.validation)
        obj = decoded.object
        write.warnings.extend(decoded.warnings)
        if live is None or not write.kind.templated or obj["spec"] is not live["spec"]:
            self.admission.default(resource, obj)
        if resource.kind == "ResourceSlice":
            default_taint_times(obj, self.meta.now())
        return obj

    def _read_version(self, write: Write, version: Kind, body: Object) -> Object:
        """Read a body in another version than the stored one and convert it."""
        assert version.conversion is not None
        decoded = self.admission.decode(version.resource, body, write.options.validation)
        write.warnings.extend(decoded.warnings)
        self.admission.default(version.resource, decoded.object)
        obj = version.conversion.to_stored(decoded.object)
        self.admission.default(write.kind.resource, obj)
        return obj

    def replace(self, write: Write, body: Object) -> tuple[StoredObject, bool]:
        """Handle a PUT: update, or create if the kind allows it.

        Returns:
            The object, and whether it is new.
        """
        live = self.store.get(write.kind.resource.qualified, write.namespace, write.name)
        obj = self.read(write, body, live)
        _check_name(write, obj["metadata"])
        if live is None:
            if not write.kind.create_on_update or write.subresource:
                raise not_found(write.kind.resource, write.name)
            return self.create(write, obj), True
        return self.update(write, live, obj), False

    def patch(self, write: Write, change: Callable[[StoredObject], Object]) -> StoredObject:
        """Handle a PATCH: update to the result of ``change``, which does not change its argument."""
        live = self.live(write)
        obj = change(live)
        _check_name(write, obj["metadata"])
        return self.update(write, live, obj)


def _recognised(kind: Kind, body: Object, live: Object) -> Object:
    """Return the body with the parts shared with the live object marked as decoded.

    For most kinds there are none, since later steps may change them in place.
    """
    if not kind.templated:
        return body
    marked = _marked(body, live, ("spec",))
    for key in ("metadata", "status"):
        part, before = body.get(key), live.get(key)
        if isinstance(part, dict) and before is not None:
            marked[key] = _marked(part, before, part)
    return marked


def _marked(parts: Object, live: Object, keys: Iterable[str]) -> Object:
    """Return a copy of ``parts`` in which those under ``keys`` that are the live ones are marked as decoded."""
    known = {
        key: Known(part) for key in keys if type(part := parts.get(key)) in FROZEN and part is live.get(key)
    }
    return {**parts, **known}


def _set_namespace(metadata: Object, namespace: Namespace) -> None:
    given = metadata.get("namespace", "")
    if not namespace:
        metadata.pop("namespace", None)
    elif not given:
        metadata["namespace"] = namespace
    elif given != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _check_name(write: Write, metadata: Object) -> None:
    name, namespace = metadata.get("name", ""), metadata.get("namespace", "")
    if not name:
        raise bad_request(
            f"the name of the object ({write.name} based on URL) was undeterminable: name must be provided"
        )
    if name != write.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({write.name})"
        )
    if write.namespace and namespace and namespace != write.namespace:
        raise bad_request(
            f"the namespace of the object ({namespace}) does not match the namespace on the request "
            f"({write.namespace})"
        )


def _check_version(kind: Kind, live: Object, metadata: Object) -> None:
    resource, name = kind.resource, live["metadata"]["name"]
    uid = metadata.get("uid")
    if uid and uid != live["metadata"]["uid"]:
        why = (
            f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live['metadata']['uid']}"
        )
        raise conflict(resource, name, why)
    version = metadata.get("resourceVersion", "")
    if not version and not kind.unconditional_update:
        missing = fe.invalid(
            "metadata.resourceVersion", fe.Verbatim("0x0"), "must be specified for an update"
        )
        raise invalid(resource, name, [missing])
    if version and version != live["metadata"]["resourceVersion"]:
        raise conflict(resource, name, MODIFIED)


def _keep_system_fields(before: Object, metadata: Object) -> None:
    """Restore system fields that a client may omit but not remove."""
    for key in _KEPT:
        if not metadata.get(key) and key in before:
            metadata[key] = before[key]
    metadata["resourceVersion"] = before["resourceVersion"]
    metadata.pop("selfLink", None)
    metadata.pop("generation", None)
    if "generation" in before:
        metadata["generation"] = before["generation"]


def _counts(generation: Generation, obj: Object, live: Object) -> bool:
    """Return whether an update changes what the kind's generation counts."""
    new, old = obj["metadata"], live["metadata"]
    if any(new.get(part, {}) != old.get(part, {}) for part in generation.metadata):
        return True
    if not generation.changes:
        return False
    keys = (obj.keys() | live.keys()) - {"metadata", "status"}
    return any(obj.get(key) != live.get(key) for key in keys)


def _namespace_deletion(namespace: Object, now: str) -> Deletion:
    """Return the deletion of a namespace, which is only marked as terminating until it has no finalizers."""
    held = namespace.get("spec", {}).get("finalizers") or namespace["metadata"].get("finalizers")
    if "deletionTimestamp" in namespace["metadata"]:
        return Deletion(namespace, now=not held, changed=False)
    marked = {
        **namespace,
        "metadata": {**namespace["metadata"], "deletionTimestamp": now},
        "status": {**namespace.get("status", {}), "phase": "Terminating"},
    }
    return Deletion(marked, now=not held, changed=True)
