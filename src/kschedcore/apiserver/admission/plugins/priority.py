"""Priority: a pod's priority and preemption policy come from its PriorityClass."""

from __future__ import annotations

from typing import Any

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.apiserver.admission.plugins.base import BasePlugin, creates, refused, respecified, writes
from kschedcore.apiserver.admission.types import AdmissionRequest, ObjectReader
from kschedcore.rules.validation.cluster import SYSTEM_PRIORITIES

__all__ = ["Priority"]

_CLASSES = "priorityclasses.scheduling.k8s.io"
_PREEMPT = "PreemptLowerPriority"


class Priority(BasePlugin):
    """Resolves ``priorityClassName``; nobody sets ``priority`` by hand."""

    kinds = ("Pod", "PriorityClass")

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader

    def may_change(self, request: AdmissionRequest) -> bool:
        """Whether there is a spec that it has not seen."""
        return respecified(request)

    def admit(self, request: AdmissionRequest) -> None:
        """Fill a new pod's priority; 403 for an unknown class or a priority of the author's own."""
        updated = writes(request, "Pod")
        if updated is not None and request.old_object is not None:
            updated["spec"] = _kept(updated["spec"], request.old_object["spec"])
            return
        pod = creates(request, "Pod")
        if pod is None:
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
        pod["spec"] = _with_priority(spec, name, value, policy)

    def review(self, request: AdmissionRequest) -> None:
        """Only one PriorityClass may be the global default."""
        priority_class = writes(request, "PriorityClass")
        if priority_class is None or not priority_class.get("globalDefault"):
            return
        default = self._default_class()
        if default is not None and default["metadata"]["name"] != request.name:
            name = default["metadata"]["name"]
            why = f"PriorityClass {name} is already marked as default. Only one default can exist"
            raise refused(request, why)

    def _resolve(self, request: AdmissionRequest, spec: dict[str, Any]) -> tuple[str, int, str]:
        """The name of the pod's class, and the priority and preemption policy that it means."""
        name = spec.get("priorityClassName")
        if name:
            found = self._reader.get(_CLASSES, "", name)
            if found is None and name in SYSTEM_PRIORITIES:
                # The server makes these two when it starts; they are always known.
                return name, SYSTEM_PRIORITIES[name], _PREEMPT
            if found is None:
                raise refused(request, f"no PriorityClass with name {name} was found")
            return name, found.get("value", 0), found.get("preemptionPolicy", _PREEMPT)
        default = self._default_class()
        if default is None:
            return "", 0, _PREEMPT
        name = default["metadata"]["name"]
        return name, default.get("value", 0), default.get("preemptionPolicy", _PREEMPT)

    def _default_class(self) -> dict[str, Any] | None:
        """The global default; the lowest value when there are several."""
        return _default_of(tuple(map(shared, self._reader.list(_CLASSES))))


@remembered
def _default_of(classes: tuple[FrozenDict, ...]) -> FrozenDict | None:
    defaults = (each for each in classes if each.get("globalDefault"))
    return min(defaults, key=lambda each: each.get("value", 0), default=None)


@remembered
def _with_priority(spec: FrozenDict, name: str, value: int, policy: str) -> FrozenDict:
    named = {**spec, "priorityClassName": name} if name else spec
    return shared({**named, "priority": value, "preemptionPolicy": policy})


def _kept(spec: FrozenDict, was: dict[str, Any]) -> FrozenDict:
    """An update that leaves the computed fields out means to leave them alone."""
    left_out: dict[str, Any] = {
        key: was[key] for key in ("priority", "preemptionPolicy") if key not in spec and key in was
    }
    return shared({**spec, **left_out}) if left_out else spec
