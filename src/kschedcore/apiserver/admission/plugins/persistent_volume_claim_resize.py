"""PersistentVolumeClaimResize: claims can only be expanded if their storage class allows it."""

from __future__ import annotations

from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.api.quantity import Quantity
from kschedcore.apiserver.admission.plugins.base import BasePlugin, refused, writes
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader

__all__ = ["PersistentVolumeClaimResize"]


class PersistentVolumeClaimResize(BasePlugin):
    """Refuses (403) a larger request of a bound claim whose class does not allow it."""

    kinds = ("PersistentVolumeClaim",)

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def review(self, request: AdmissionRequest) -> None:
        """Check the expansion of an updated claim."""
        claim, old = writes(request, "PersistentVolumeClaim"), request.old_object
        if claim is None or old is None:
            return
        new_size = claim["spec"]["resources"].get("requests", {}).get("storage", "0")
        old_size = old["spec"]["resources"].get("requests", {}).get("storage", "0")
        if Quantity.parse(new_size) <= Quantity.parse(old_size):
            return
        if old["status"].get("phase") != "Bound":
            raise refused(request, "Only bound persistent volume claims can be expanded")
        name = claim["spec"].get("storageClassName")
        storage = self._reader.get("storageclasses.storage.k8s.io", CLUSTER_SCOPE, name) if name else None
        if storage is None or not storage.get("allowVolumeExpansion"):
            why = (
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the "
                "pvc must support resize"
            )
            raise refused(request, why)
