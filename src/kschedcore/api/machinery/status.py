"""Failure statuses (``metav1.Status``) of the API server, as exceptions."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.types import Object
from kschedcore.errors import StatusError

__all__ = [
    "StatusError",
    "already_exists",
    "bad_request",
    "conflict",
    "forbidden",
    "internal",
    "invalid",
    "not_found",
    "too_large",
]


def _details(name: str, group: str, kind: str, causes: list[Object] | None = None) -> Object:
    parts = {"name": name, "group": group, "kind": kind, "causes": causes}
    return {key: value for key, value in parts.items() if value}


def not_found(resource: Resource, name: str) -> StatusError:
    """Return the error 404: no such object."""
    message = f'{resource.qualified} "{name}" not found'
    return StatusError(404, "NotFound", message, _details(name, resource.group, resource.plural))


def already_exists(resource: Resource, name: str) -> StatusError:
    """Return the error 409: an object of that name exists."""
    message = f'{resource.qualified} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _details(name, resource.group, resource.plural))


def conflict(resource: Resource, name: str, why: str) -> StatusError:
    """Return the error 409: another resourceVersion, or a failed precondition."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(name, resource.group, resource.plural))


def forbidden(resource: Resource, name: str, why: str, causes: list[Object] | None = None) -> StatusError:
    """Return the error 403: refused by an admission plugin."""
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    details = _details(name, resource.group, resource.plural, causes)
    return StatusError(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def too_large(why: str) -> StatusError:
    """Return the error 413: the request is too large."""
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {why}")


def internal(why: str) -> StatusError:
    """Return the error 500: an internal error of the server."""
    details = {"causes": [{"message": why}]}
    return StatusError(500, "InternalError", f"Internal error occurred: {why}", details)


def bad_request(message: str) -> StatusError:
    """Return the error 400: an invalid request."""
    return StatusError(400, "BadRequest", message)


def invalid(resource: Resource, name: str, errors: Iterable[FieldError]) -> StatusError:
    """Return the error 422: an invalid object, with every field error as a cause."""
    found = list(errors)
    causes = [{"reason": e.type.value, "message": e.message, "field": e.field} for e in found]
    texts = list(dict.fromkeys(str(error) for error in found))
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    subject = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = _details(name, resource.group, resource.kind, causes)
    return StatusError(422, "Invalid", f'{subject} "{name}" is invalid: {listed}', details)
