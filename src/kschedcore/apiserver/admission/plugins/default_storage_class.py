"""DefaultStorageClass: sets the default class of claims without one."""

from __future__ import annotations

from kschedcore.api.volumes import IS_DEFAULT_CLASS
from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation
from kschedcore.rules.admission.default_classes import default_class

__all__ = ["DefaultStorageClass"]

_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"


class DefaultStorageClass(BasePlugin):
    """Sets an absent ``storageClassName``; an empty one means "no class" and is kept."""

    kinds = ("PersistentVolumeClaim",)
    operations = changing = (Operation.CREATE,)

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def admit(self, request: AdmissionRequest) -> None:
        """Fill a new claim's ``storageClassName``."""
        claim = creates(request, "PersistentVolumeClaim")
        if claim is None or claim["spec"].get("storageClassName") is not None:
            return
        if _BETA_CLASS in claim["metadata"].get("annotations", {}):
            return
        name = default_class(list(self._reader.list("storageclasses.storage.k8s.io")), IS_DEFAULT_CLASS)
        if name is not None:
            claim["spec"]["storageClassName"] = name
