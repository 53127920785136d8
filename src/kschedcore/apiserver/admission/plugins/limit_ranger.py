"""LimitRanger: default, minimum and maximum amounts of the containers, pods and claims of a namespace."""

from __future__ import annotations

from kschedcore.api.machinery.remembered import shared
from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates, refused, resizes, writes
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader, Operation
from kschedcore.rules.admission.limit_range import claim_problems, pod_problems, with_limit_defaults

__all__ = ["LimitRanger"]

_ANNOTATION = "kubernetes.io/limit-ranger"


class LimitRanger(BasePlugin):
    """Fills defaults of new pods, and enforces the LimitRanges of the namespace on pods and claims."""

    kinds = ("Pod", "PersistentVolumeClaim")
    subresources = ("", "resize")
    changing = (Operation.CREATE,)

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def admit(self, request: AdmissionRequest) -> None:
        """Fill the default limits and requests of a new pod's containers."""
        limit_ranges = self._reader.list("limitranges", request.namespace)
        if not limit_ranges or (pod := creates(request, "Pod")) is None:
            return
        for limit_range in limit_ranges:
            for item in limit_range["spec"].get("limits") or ():
                if item.get("type") == "Container":
                    pod["spec"], note = with_limit_defaults(pod["spec"], shared(item))
                    if note:
                        annotations = pod["metadata"].get("annotations", {})
                        pod["metadata"]["annotations"] = {**annotations, _ANNOTATION: note}

    def review(self, request: AdmissionRequest) -> None:
        """Refuse (403) with all violated constraints of the first LimitRange that has one."""
        limit_ranges = self._reader.list("limitranges", request.namespace)
        if not limit_ranges:
            return
        pod, claim = creates(request, "Pod") or resizes(request), writes(request, "PersistentVolumeClaim")
        if pod is None and claim is None:
            return
        for limit_range in limit_ranges:
            items = limit_range["spec"].get("limits") or ()
            if pod is not None:
                spec = pod["spec"]
                problems = [problem for item in items for problem in pod_problems(spec, shared(item))]
            else:
                problems = list(claim_problems(claim, items))
            if problems:
                distinct = list(dict.fromkeys(problems))
                why = distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]"
                raise refused(request, why)
