"""Strategies of resources: status, generated fields, allocation.

``prepare`` runs before validation (``PrepareForCreate`` and ``PrepareForUpdate`` of the registries),
``complete`` after it, for valid objects only.
"""

from __future__ import annotations

from typing import Any

from kschedcore.api.schema import schema_for
from kschedcore.api.schema.decode import decode_object
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation
from kschedcore.apiserver.strategies import pods, services
from kschedcore.rules.defaults import default
from kschedcore.rules.preparation import PREPARE_CREATE, PREPARE_SELDOM, PREPARE_UPDATE, jobs

__all__ = ["complete", "may_change", "prepare"]

# A node may be created with a status; a pod's status is computed from its spec.
_STATUS_OF_ITS_OWN = {"Node", "Pod"}


def prepare(request: AdmissionRequest) -> None:
    """Keep, reset or generate fields that the client does not control, in place."""
    obj, old, kind = request.object, request.old_object, request.resource.kind
    if obj is None:
        return
    if request.operation is Operation.CREATE:
        if "status" in obj and kind not in _STATUS_OF_ITS_OWN:
            _reset_status(request, obj)
        if kind in PREPARE_CREATE:
            PREPARE_CREATE[kind](obj)
    elif old is not None and request.subresource == "status":
        _keep_all_but_status(kind, obj, old)
    elif old is not None and request.subresource == "resize":
        pods.keep_all_but_resources(obj, old)
    elif old is not None:
        if "status" in old:
            obj["status"] = old["status"]
        if kind in PREPARE_UPDATE and not request.subresource:
            PREPARE_UPDATE[kind](obj, old)


def may_change(request: AdmissionRequest) -> bool:
    """Return whether a written object may be changed here, except for its status."""
    kind = request.resource.kind
    steps = PREPARE_CREATE if request.operation is Operation.CREATE else PREPARE_UPDATE
    if request.subresource:
        return False
    if kind not in steps:
        return _may_complete(request)
    seldom = PREPARE_SELDOM.get(kind)
    return seldom is None or request.object is None or seldom(request.object)


def _may_complete(request: AdmissionRequest) -> bool:
    kind, obj = request.resource.kind, request.object
    return kind == "Service" or (kind == "Job" and obj is not None and jobs.is_incomplete(obj))


def _reset_status(request: AdmissionRequest, obj: dict[str, Any]) -> None:
    schema = schema_for(request.resource.api_version, request.resource.kind)
    if schema is not None:
        obj["status"], _ = decode_object(schema.fields["status"].object, {})
        default(request.resource.kind, obj)


def _keep_all_but_status(kind: str, obj: dict[str, Any], old: dict[str, Any]) -> None:
    status, metadata = obj.get("status"), obj["metadata"]
    obj.clear()
    obj.update(old, metadata=metadata, status=status)
    if kind == "Pod":
        pods.keep_status(obj, old)
    if kind == "Deployment":
        obj["metadata"].pop("labels", None)
        if "labels" in old["metadata"]:
            obj["metadata"]["labels"] = old["metadata"]["labels"]


def complete(request: AdmissionRequest, reader: ObjectReader) -> None:
    """Allocate addresses and ports of a valid object (422 if they are not available)."""
    if request.object is None or request.subresource:
        return
    if request.resource.kind == "Service":
        services.allocate(request, reader)
    elif request.resource.kind == "Job":
        jobs.complete(request.object)
