"""NamespaceLifecycle: no creates in missing or terminating namespaces; system namespaces cannot be deleted."""

from __future__ import annotations

from kschedcore.api.machinery.resources import Resource
from kschedcore.api.machinery.status import forbidden, not_found
from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.apiserver.admission.plugins.base import BasePlugin, refused
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation

__all__ = ["NamespaceLifecycle"]

_IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
_NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)


class NamespaceLifecycle(BasePlugin):
    """Refuses writes in a missing namespace with 404, and creates in a terminating one with 403."""

    operations = tuple(Operation)
    subresources = None
    changing = ()

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def admit(self, request: AdmissionRequest) -> None:
        """Check the namespace of a write, or that a namespace may be deleted."""
        if request.resource.kind == "Namespace" and not request.resource.group:
            if request.operation is Operation.DELETE and request.name in _IMMORTAL:
                raise forbidden(_NAMESPACES, request.name, "this namespace may not be deleted")
            return
        if not request.namespace or request.operation is Operation.DELETE:
            return
        namespace = self._reader.get("namespaces", CLUSTER_SCOPE, request.namespace)
        if namespace is None:
            raise not_found(_NAMESPACES, request.namespace)
        if request.operation is Operation.CREATE and namespace["status"].get("phase") == "Terminating":
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {request.namespace} is being terminated",
                "field": "metadata.namespace",
            }
            where = f"namespace {request.namespace}"
            why = f"unable to create new content in {where} because it is being terminated"
            raise refused(request, why, [cause])
