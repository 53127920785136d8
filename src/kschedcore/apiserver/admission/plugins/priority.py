"""Priority: sets a pod's priority and preemption policy from its PriorityClass."""

from __future__ import annotations

from typing import Any

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import shared
from kschedcore.api.machinery.types import CLUSTER_SCOPE
from kschedcore.apiserver.admission.plugins.base import BasePlugin, refused, respecified, writes
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader
from kschedcore.rules.admission.priority import PodPriority, default_class, priority_of, with_priority

__all__ = ["Priority"]

_CLASSES = "priorityclasses.scheduling.k8s.io"


class Priority(BasePlugin):
    """Resolves ``priorityClassName``; rejects a ``priority`` that differs from the class."""

    kinds = ("Pod", "PriorityClass")

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def may_change(self, request: AdmissionRequest) -> bool:
        """Return whether the pod has a new spec."""
        return respecified(request)

    def admit(self, request: AdmissionRequest) -> None:
        """Fill a new pod's priority; 403 for an unknown class or another priority than the class's."""
        pod = writes(request, "Pod")
        if pod is None:
            return
        if request.old_object is not None:
            pod["spec"] = _kept(pod["spec"], request.old_object["spec"])
            return
        spec = pod["spec"]
        name, value, policy = self._resolve(request, spec)
        stated = spec.get("priority")
        if stated is not None and stated != value:
            raise refused(
                request,
                f"the integer value of priority ({stated}) must not be provided in pod spec; priority "
                f"admission controller computed {value} from the given PriorityClass name",
            )
        stated_policy = spec.get("preemptionPolicy")
        if stated_policy is not None and stated_policy != policy:
            raise refused(
                request,
                f"the string value of PreemptionPolicy ({stated_policy}) must not be provided in pod spec; "
                f"priority admission controller computed {policy} from the given PriorityClass name",
            )
        pod["spec"] = with_priority(spec, name, value, policy)

    def review(self, request: AdmissionRequest) -> None:
        """Refuse a second global default PriorityClass."""
        priority_class = writes(request, "PriorityClass")
        if priority_class is None or not priority_class.get("globalDefault"):
            return
        default = self._default_class()
        if default is not None and default["metadata"]["name"] != request.name:
            name = default["metadata"]["name"]
            why = f"PriorityClass {name} is already marked as default. Only one default can exist"
            raise refused(request, why)

    def _resolve(self, request: AdmissionRequest, spec: dict[str, Any]) -> PodPriority:
        name = spec.get("priorityClassName")
        found = priority_of(
            name, lambda name: self._reader.get(_CLASSES, CLUSTER_SCOPE, name), self._default_class
        )
        if found is None:
            raise refused(request, f"no PriorityClass with name {name} was found")
        return found

    def _default_class(self) -> dict[str, Any] | None:
        return default_class(self._reader.list(_CLASSES))


def _kept(spec: FrozenDict, was: dict[str, Any]) -> FrozenDict:
    """Restore computed fields that an update omits."""
    left_out: dict[str, Any] = {
        key: was[key] for key in ("priority", "preemptionPolicy") if key not in spec and key in was
    }
    return shared({**spec, **left_out}) if left_out else spec
