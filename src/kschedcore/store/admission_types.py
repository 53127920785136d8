"""What the door and admission say to each other: field errors, refusals, requests and the chain's steps.

The order is the API server's own. For every write the door calls, with the same :class:`AdmissionRequest`::

    decode -> default -> admit (mutating plugins) -> prepare -> validate -> review (validating plugins)

and stores ``request.object`` when none of them raised. ``decode`` builds a fresh object, so every later step
may change ``request.object`` in place; ``request.old_object`` belongs to the store and is never changed.
The parts of a pod are shared with other pods: its spec, its status and what is in its metadata are frozen,
and a step that wants another one puts it in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Protocol

import msgspec

from kschedcore.errors import KschedcoreError
from kschedcore.store.field_errors import FieldError

__all__ = [
    "Admission",
    "AdmissionRequest",
    "Decoded",
    "FieldError", "FieldValidation",
    "Object",
    "ObjectReader",
    "Operation",
    "Resource",
    "StatusError",
    "already_exists",
    "bad_request",
    "conflict",
    "forbidden",
    "invalid",
    "not_found",
]  # fmt: skip

Object = dict[str, Any]
"""A JSON-shaped API object."""


FieldValidation = Literal["Strict", "Warn", "Ignore"]
"""The query parameter ``fieldValidation``; the server's default is ``Warn``."""


class Operation(StrEnum):
    """What a request does, as admission names it."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"


@dataclass(frozen=True)
class Resource:
    """A served resource: ``Resource("apps", "v1", "Deployment", "deployments")``; core is ``""``."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @cached_property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def qualified(self) -> str:
        """``deployments.apps``, or ``pods`` for the core group, as error messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class StatusError(KschedcoreError):
    """A request that the API server answers with a ``Status`` of failure.

    Attributes:
        code: HTTP status code.
        reason: ``metav1.StatusReason``, ``Forbidden``.
        message: What a person reads.
        details: ``metav1.StatusDetails``, or None.
    """

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        super().__init__(message)

    def status(self) -> Object:
        """The ``Status`` object of the answer."""
        answer: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        answer["message"] = self.message
        if self.reason:
            answer["reason"] = self.reason
        if self.details is not None:
            answer["details"] = dict(self.details)
        answer["code"] = self.code
        return answer


def _details(name: str, group: str, kind: str, causes: list[Object] | None = None) -> Object:
    parts = {"name": name, "group": group, "kind": kind, "causes": causes}
    return {key: value for key, value in parts.items() if value}


def not_found(resource: Resource, name: str) -> StatusError:
    """404: no such object."""
    message = f'{resource.qualified} "{name}" not found'
    return StatusError(404, "NotFound", message, _details(name, resource.group, resource.plural))


def already_exists(resource: Resource, name: str) -> StatusError:
    """409: an object of that name exists."""
    message = f'{resource.qualified} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _details(name, resource.group, resource.plural))


def conflict(resource: Resource, name: str, why: str) -> StatusError:
    """409: the write was made against another version, or a precondition failed."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(name, resource.group, resource.plural))


def forbidden(resource: Resource, name: str, why: str, causes: list[Object] | None = None) -> StatusError:
    """403: an admission plugin refuses."""
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    details = _details(name, resource.group, resource.plural, causes)
    return StatusError(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def bad_request(message: str) -> StatusError:
    """400: the request cannot be read."""
    return StatusError(400, "BadRequest", message)


def invalid(resource: Resource, name: str, errors: Iterable[FieldError]) -> StatusError:
    """422: the object breaks validation; every error is a cause, and the message lists them."""
    found = list(errors)
    causes = [{"reason": e.type.value, "message": e.message, "field": e.field} for e in found]
    texts = list(dict.fromkeys(str(error) for error in found))
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    subject = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = _details(name, resource.group, resource.kind, causes)
    return StatusError(422, "Invalid", f'{subject} "{name}" is invalid: {listed}', details)


class AdmissionRequest(msgspec.Struct):
    """One write on its way to the store.

    Attributes:
        operation: What it does.
        resource: On which resource.
        namespace: ``""`` for cluster-scoped resources.
        name: ``""`` when the server is to generate it.
        object: The new object, free to be changed; None on delete.
        old_object: The stored object on update and delete; never changed.
        subresource: ``status``, ``scale``, ``binding``, ``eviction`` or ``""``.
        dry_run: Nothing is kept, so plugins charge nothing.
        options: Query parameters and delete options as sent.
    """

    operation: Operation
    resource: Resource
    namespace: str
    name: str
    object: Object | None = None
    old_object: Object | None = None
    subresource: str = ""
    dry_run: bool = False
    options: Mapping[str, Any] = {}


class ObjectReader(Protocol):
    """What admission may ask of the store. Objects it returns are the store's and never changed.

    ``resource`` is the qualified plural, ``pods`` or ``deployments.apps``.
    """

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """The object, or None."""

    def list(self, resource: str, namespace: str | None = None) -> Iterable[Object]:
        """Every object of the resource, in one namespace or all of them, in order of namespace and name."""

    def replace_status(self, resource: str, obj: Object) -> bool:
        """Store ``obj`` over its older version, by its resourceVersion; False when that has moved on."""


class Decoded(msgspec.Struct, frozen=True):
    """An object as the server reads it, and what it says of fields it does not know (``unknown field …``)."""

    object: Object
    warnings: tuple[str, ...] = ()


class Admission(Protocol):
    """The steps of a write, in the order in which the door takes them. Each raises :class:`StatusError`."""

    def decode(self, resource: Resource, body: Object, validation: FieldValidation) -> Decoded:
        """Read ``body`` as ``resource`` (400): types checked, zeros normalised, unknown fields dropped."""

    def default(self, resource: Resource, obj: Object) -> None:
        """Fill in API defaults, in place."""

    def may_change(self, request: AdmissionRequest) -> bool:
        """Whether the steps to come may change what was written.

        Nobody manages what they add, so who manages what is then worked out before them. Fields that nobody
        manages in any case, and a status that is not written by itself, do not count.
        """

    def admit(self, request: AdmissionRequest) -> None:
        """Run the mutating plugins (403)."""

    def prepare(self, request: AdmissionRequest) -> None:
        """Do what the resource's strategy does: keep, reset or generate what is not the author's.

        The door has given the object its uid, name and times by then. Afterwards parts of the object may be
        shared with others, so nobody changes them in place any more.
        """

    def validate(self, request: AdmissionRequest) -> None:
        """Validate a create or an update (422)."""

    def review(self, request: AdmissionRequest) -> None:
        """Run the validating plugins (403, 429); quota is charged here unless ``dry_run``."""
