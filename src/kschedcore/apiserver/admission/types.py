"""The interface between the registry and admission: requests, the reader of objects, and the steps of the chain.

The order is the API server's own. For every write the registry calls, with the same :class:`AdmissionRequest`::

    decode -> default -> admit (mutating plugins) -> prepare -> validate -> review (validating plugins)

and stores ``request.object`` if none of them raised. ``decode`` builds a new object, so later steps may change
``request.object`` in place; ``request.old_object`` belongs to the store and must not be changed. The parts of a pod are
shared with other pods: its spec, its status and the parts of its metadata are frozen, and have to be replaced to be
changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, Protocol

import msgspec

from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.types import Namespace, Object

__all__ = ["Admission", "AdmissionRequest", "Decoded", "FieldValidation", "ObjectReader", "Operation"]  # fmt: skip

FieldValidation = Literal["Strict", "Warn", "Ignore"]
"""The query parameter ``fieldValidation``; the server's default is ``Warn``."""


class Operation(StrEnum):
    """The operation of a request, as in admission."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"

    # Members are keys of look-ups made for every write; Enum's own hash is computed in Python.
    __hash__ = str.__hash__


class AdmissionRequest(msgspec.Struct):
    """One write.

    Attributes:
        operation: The operation.
        resource: The resource.
        namespace: ``""`` for cluster-scoped resources.
        name: ``""`` if the server generates it.
        object: The new object, which may be changed; None on delete.
        old_object: The stored object on update and delete; must not be changed.
        subresource: ``status``, ``scale``, ``binding``, ``eviction`` or ``""``.
        dry_run: Whether nothing is stored, so that plugins do not charge quotas.
        options: Query parameters and delete options as sent.
        version: The API version of the request, where that is not the stored one.
    """

    operation: Operation
    resource: Resource
    namespace: Namespace
    name: str
    object: Object | None = None
    old_object: Object | None = None
    subresource: str = ""
    dry_run: bool = False
    options: Mapping[str, Any] = {}
    version: str = ""


class ObjectReader(Protocol):
    """Read access to the store for admission. Returned objects must not be changed.

    ``resource`` is the qualified plural, ``pods`` or ``deployments.apps``.
    """

    def get(self, resource: str, namespace: Namespace, name: str) -> Object | None:
        """Return the object, or None."""

    def list(self, resource: str, namespace: Namespace | None = None) -> Sequence[Object]:
        """Return the objects of the resource, in one namespace or all, in order of namespace and name."""

    def replace_status(self, resource: str, obj: Object) -> bool:
        """Replace an object by its resourceVersion; return False if it has another version."""


class Decoded(msgspec.Struct, frozen=True):
    """A decoded object, and warnings for unknown fields (``unknown field …``)."""

    object: Object
    warnings: tuple[str, ...] = ()


class Admission(Protocol):
    """The steps of a write, in the order in which the registry calls them. Each may raise :class:`StatusError`."""

    def decode(self, resource: Resource, body: Object, validation: FieldValidation) -> Decoded:
        """Decode ``body`` as ``resource`` (400): types checked, zeros normalised, unknown fields dropped."""

    def default(self, resource: Resource, obj: Object) -> None:
        """Fill in API defaults, in place."""

    def may_change(self, request: AdmissionRequest) -> bool:
        """Return whether the following steps may change the written object.

        Fields that these steps add have no manager, so managed fields are then computed before them. Fields that
        are never managed, and a status that is not written through its subresource, do not count.
        """

    def admit(self, request: AdmissionRequest) -> None:
        """Run the mutating plugins (403)."""

    def prepare(self, request: AdmissionRequest) -> None:
        """Apply the resource's strategy: keep, reset or generate fields that the client does not control.

        The registry has set the object's uid, name and timestamps by then. Afterwards parts of the object may be
        shared with other objects and must not be changed in place.
        """

    def validate(self, request: AdmissionRequest) -> None:
        """Validate a create or an update (422)."""

    def review(self, request: AdmissionRequest) -> None:
        """Run the validating plugins (403, 429); quota is charged here unless ``dry_run``."""
