"""RuntimeClass: what a pod costs beside its containers, and which nodes have its runtime (KEP-688)."""

from __future__ import annotations

from typing import Any

from kschedcore.api.machinery.remembered import shared
from kschedcore.api.machinery.status import StatusError
from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates, refused
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation

__all__ = ["RuntimeClass"]


class RuntimeClass(BasePlugin):
    """Copies the class's overhead, node selector and tolerations into a new pod."""

    kinds = ("Pod",)
    changing = (Operation.CREATE,)

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def admit(self, request: AdmissionRequest) -> None:
        """Apply the class; 403 when it is unknown or the pod contradicts it."""
        pod = creates(request, "Pod")
        runtime = self._class_of(request, pod)
        if pod is None or runtime is None:
            return
        spec = dict(pod["spec"])
        overhead = runtime.get("overhead")
        if overhead is not None:
            fixed = overhead.get("podFixed", {})
            if spec.get("overhead") not in (None, fixed):
                raise _mismatch(request)
            spec["overhead"] = fixed
        scheduling = runtime.get("scheduling", {})
        _select_nodes(request, spec, scheduling.get("nodeSelector", {}))
        for toleration in scheduling.get("tolerations", ()):
            if toleration not in spec.get("tolerations", ()):
                spec["tolerations"] = [*spec.get("tolerations", ()), toleration]
        pod["spec"] = shared(spec)

    def review(self, request: AdmissionRequest) -> None:
        """Refuse overhead that no class defines."""
        pod = creates(request, "Pod")
        if pod is None or not pod["spec"].get("overhead"):
            return
        runtime = self._class_of(request, pod)
        if runtime is None or "overhead" not in runtime:
            why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise refused(request, why)
        if pod["spec"]["overhead"] != runtime["overhead"].get("podFixed", {}):
            raise _mismatch(request)

    def _class_of(self, request: AdmissionRequest, pod: dict[str, Any] | None) -> dict[str, Any] | None:
        name = pod["spec"].get("runtimeClassName") if pod is not None else None
        if name is None:
            return None
        runtime = self._reader.get("runtimeclasses.node.k8s.io", "", name)
        if runtime is None:
            raise refused(request, f'pod rejected: RuntimeClass "{name}" not found')
        return runtime


def _mismatch(request: AdmissionRequest) -> StatusError:
    why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
    return refused(request, why)


def _select_nodes(request: AdmissionRequest, spec: dict[str, Any], selector: dict[str, str]) -> None:
    merged = dict(spec.get("nodeSelector", {}))
    for key, value in selector.items():
        if merged.setdefault(key, value) != value:
            why = (
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {merged[key]}"
            )
            raise refused(request, why)
    if merged:
        spec["nodeSelector"] = merged
