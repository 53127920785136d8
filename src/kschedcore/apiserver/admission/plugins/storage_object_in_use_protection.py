"""StorageObjectInUseProtection: adds finalizers so that claims and volumes in use are not deleted."""

from __future__ import annotations

from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates
from kschedcore.apiserver.admission.types import AdmissionRequest, Operation

__all__ = ["StorageObjectInUseProtection"]

_FINALIZERS = {
    "PersistentVolumeClaim": "kubernetes.io/pvc-protection",
    "PersistentVolume": "kubernetes.io/pv-protection",
}


class StorageObjectInUseProtection(BasePlugin):
    """Adds the protection finalizer to a new claim or volume."""

    kinds = tuple(_FINALIZERS)
    operations = changing = (Operation.CREATE,)

    def admit(self, request: AdmissionRequest) -> None:
        """Add the finalizer, unless the object has it."""
        finalizer = _FINALIZERS.get(request.resource.kind)
        obj = creates(request, request.resource.kind)
        if finalizer is None or obj is None:
            return
        present = obj["metadata"].get("finalizers", [])
        if finalizer not in present:
            obj["metadata"]["finalizers"] = [*present, finalizer]
