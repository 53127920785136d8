"""The base class and helpers of plugins."""

from __future__ import annotations

from typing import Any

from kschedcore.api.machinery.status import StatusError, forbidden
from kschedcore.apiserver.admission.types import AdmissionRequest, Operation

__all__ = ["BasePlugin", "creates", "refused", "resizes", "respecified", "writes"]


_WRITES = (Operation.CREATE, Operation.UPDATE)


class BasePlugin:
    """A plugin whose steps do nothing unless overridden.

    Attributes:
        kinds: The kinds of objects that the plugin handles; None for all.
        operations: The operations that concern it.
        subresources: The subresources whose writes concern it, the object itself being ``""``; None for all.
        changing: In which of the operations ``admit`` may change an object.
    """

    kinds: tuple[str, ...] | None = None
    operations: tuple[Operation, ...] = _WRITES
    subresources: tuple[str, ...] | None = ("",)
    changing: tuple[Operation, ...] = _WRITES

    def concerns(self, kind: str, operation: Operation, subresource: str) -> bool:
        """Whether the plugin does anything in such requests; others pass it by."""
        return (
            (self.kinds is None or kind in self.kinds)
            and operation in self.operations
            and (self.subresources is None or subresource in self.subresources)
        )

    def may_change(self, request: AdmissionRequest) -> bool:
        """Return whether ``admit`` may change the request's object."""
        return request.operation in self.changing

    def admit(self, request: AdmissionRequest) -> None:
        """Accept the request unchanged."""

    def review(self, request: AdmissionRequest) -> None:
        """Accept the request."""


def refused(request: AdmissionRequest, why: str, causes: list[dict[str, Any]] | None = None) -> StatusError:
    """Return the error 403 for an object, whose name may not be generated yet (``admission.NewForbidden``)."""
    prefix = request.object["metadata"].get("generateName") if request.object is not None else None
    return forbidden(request.resource, request.name or prefix or "Unknown", why, causes)


def creates(request: AdmissionRequest, kind: str) -> dict[str, Any] | None:
    """Return the new object if the request creates a ``kind`` itself (not a subresource), else None."""
    if request.operation is Operation.CREATE and request.resource.kind == kind and not request.subresource:
        return request.object
    return None


def writes(request: AdmissionRequest, kind: str) -> dict[str, Any] | None:
    """Return the new object if the request creates or updates a ``kind`` itself, else None."""
    if request.resource.kind == kind and not request.subresource and request.operation in _WRITES:
        return request.object
    return None


def resizes(request: AdmissionRequest) -> dict[str, Any] | None:
    """Return the pod if the request resizes it in place, else None."""
    return request.object if request.subresource == "resize" else None


def respecified(request: AdmissionRequest) -> bool:
    """Return whether a write of an object itself has another spec than the stored one."""
    obj, old = request.object, request.old_object
    return not request.subresource and (obj is None or old is None or obj.get("spec") is not old.get("spec"))
