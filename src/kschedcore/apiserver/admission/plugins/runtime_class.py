"""RuntimeClass: the overhead of pods, and the nodes that support their runtime (KEP-688)."""

from __future__ import annotations

from typing import Any

from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates, refused
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation
from kschedcore.rules.admission.runtime_class import (
    OVERHEAD_MISMATCH,
    runtime_conflict,
    with_runtime_class,
)

__all__ = ["RuntimeClass"]


class RuntimeClass(BasePlugin):
    """Copies the class's overhead, node selector and tolerations into a new pod."""

    kinds = ("Pod",)
    operations = changing = (Operation.CREATE,)

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def admit(self, request: AdmissionRequest) -> None:
        """Apply the class; 403 if it is unknown or in conflict with the pod."""
        pod = creates(request, "Pod")
        runtime = self._class_of(request, pod)
        if pod is None or runtime is None:
            return
        conflict = runtime_conflict(pod["spec"], runtime)
        if conflict is not None:
            raise refused(request, conflict)
        pod["spec"] = with_runtime_class(pod["spec"], runtime)

    def review(self, request: AdmissionRequest) -> None:
        """Refuse overhead without a class that defines it."""
        pod = creates(request, "Pod")
        if pod is None or not pod["spec"].get("overhead"):
            return
        runtime = self._class_of(request, pod)
        if runtime is None or "overhead" not in runtime:
            why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise refused(request, why)
        if pod["spec"]["overhead"] != runtime["overhead"].get("podFixed", {}):
            raise refused(request, OVERHEAD_MISMATCH)

    def _class_of(self, request: AdmissionRequest, pod: dict[str, Any] | None) -> dict[str, Any] | None:
        name = pod["spec"].get("runtimeClassName") if pod is not None else None
        if name is None:
            return None
        runtime = self._reader.get("runtimeclasses.node.k8s.io", CLUSTER_SCOPE, name)
        if runtime is None:
            raise refused(request, f'pod rejected: RuntimeClass "{name}" not found')
        return runtime
