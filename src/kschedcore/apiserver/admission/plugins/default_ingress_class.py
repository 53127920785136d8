"""DefaultIngressClass: sets the default class of Ingresses without one."""

from __future__ import annotations

from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation
from kschedcore.rules.admission.default_classes import default_class

__all__ = ["DefaultIngressClass"]

_IS_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_LEGACY_CLASS = "kubernetes.io/ingress.class"


class DefaultIngressClass(BasePlugin):
    """Fills ``ingressClassName`` of a new ingress."""

    kinds = ("Ingress",)
    operations = changing = (Operation.CREATE,)

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def admit(self, request: AdmissionRequest) -> None:
        """Set the default class if neither field nor annotation has one."""
        ingress = creates(request, "Ingress")
        if ingress is None or ingress["spec"].get("ingressClassName") is not None:
            return
        if _LEGACY_CLASS in ingress["metadata"].get("annotations", {}):
            return
        name = default_class(list(self._reader.list("ingressclasses.networking.k8s.io")), _IS_DEFAULT)
        if name is not None:
            ingress["spec"]["ingressClassName"] = name
