"""The specs of pods from manifests: completed as by an API server, and typed.

A manifest's pod has not passed an API server. Its spec is defaulted when it is loaded, and gets the fields of its
PriorityClass and RuntimeClass once all classes are known. Replicas have equal specs, so each distinct one is completed
and decoded once, and all its pods share one view.
"""

from __future__ import annotations

from typing import Final

from kschedcore.api.machinery.frozen import FrozenDict, plain
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.api.machinery.types import ReadOnlyObject
from kschedcore.api.objects import PodSpec, decode
from kschedcore.rules.admission.limit_range import pod_problems, with_limit_defaults
from kschedcore.rules.admission.priority import default_class, priority_of, with_priority
from kschedcore.rules.admission.runtime_class import with_runtime_class
from kschedcore.rules.admission.tolerations import with_default_tolerations
from kschedcore.rules.defaults.pod_resources import default_pod_resources, may_lack_pod_resources

__all__ = ["Admission", "PodSpecs", "restored_spec", "view_of"]


@remembered
def view_of(spec: FrozenDict) -> PodSpec:
    """Return a spec as a typed view, cached by the spec.

    Raises:
        ManifestError: A field has the wrong type.
    """
    return decode(PodSpec, spec)


def restored_spec(spec: ReadOnlyObject) -> FrozenDict | None:
    """Return the spec of an existing pod with requests defaulted from limits; None if it has them.

    Decoding defaults these for all objects; pods from an API server have them.
    """
    if not may_lack_pod_resources(spec):
        return None
    changed = plain(spec)
    default_pod_resources(changed)
    return None if changed == spec else shared(changed)


class PodSpecs:
    """The specs of typed views, by the identity of the view.

    A cached view is kept alive, so that its id is not reused.
    """

    def __init__(self) -> None:
        self._raw: Final[dict[int, tuple[PodSpec, FrozenDict]]] = {}
        self._admitted: Final[dict[int, tuple[PodSpec, FrozenDict]]] = {}

    def view(self, spec: FrozenDict) -> PodSpec:
        """Return the view of a spec before admission, and cache the spec."""
        view = view_of(spec)
        self.add(view, spec)
        return view

    def add(self, view: PodSpec, spec: FrozenDict) -> None:
        """Cache the spec of a view before admission."""
        self._raw[id(view)] = view, spec

    def raw(self, view: PodSpec) -> FrozenDict | None:
        """Return the spec of a view before admission; None for a view that is complete."""
        known = self._raw.get(id(view))
        return None if known is None else known[1]

    def admit(self, view: PodSpec, spec: FrozenDict) -> None:
        """Cache the spec of a view after admission."""
        self._admitted[id(view)] = view, spec

    def admitted(self, view: PodSpec) -> FrozenDict | None:
        """Return the spec of a view after admission; None for other views."""
        known = self._admitted.get(id(view))
        return None if known is None else known[1]


class Admission:
    """Admission of pods from manifests: LimitRanger, RuntimeClass, Priority, DefaultTolerationSeconds.

    Args:
        priority_classes: Complete PriorityClasses.
        runtime_classes: Complete RuntimeClasses.
        limit_ranges: Complete, defaulted LimitRanges.
    """

    def __init__(
        self,
        priority_classes: list[ReadOnlyObject],
        runtime_classes: list[ReadOnlyObject],
        limit_ranges: list[ReadOnlyObject],
    ) -> None:
        self._limits: Final[dict[str, list[FrozenDict]]] = {}
        for each in limit_ranges:
            items = (each.get("spec") or {}).get("limits") or ()
            namespace = each["metadata"].get("namespace") or "default"
            self._limits.setdefault(namespace, []).extend(map(shared, items))
        self._priorities: Final = {each["metadata"]["name"]: each for each in priority_classes}
        self._default: Final = default_class(priority_classes)
        self._runtimes: Final = {each["metadata"]["name"]: each for each in runtime_classes}

    def limits(self, namespace: str) -> list[FrozenDict]:
        """Return the items of the limit ranges of a namespace."""
        return self._limits.get(namespace, [])

    def refusal(self, spec: FrozenDict, namespace: str) -> str:
        """Return LimitRanger's message for an admitted spec that it refuses; else empty."""
        problems = [text for item in self._limits.get(namespace, ()) for text in pod_problems(spec, item)]
        distinct = list(dict.fromkeys(problems))
        return distinct[0] if len(distinct) == 1 else f"[{', '.join(distinct)}]" if distinct else ""

    def admit(self, spec: FrozenDict, namespace: str) -> FrozenDict:
        """Return the admitted spec; classes that do not exist are ignored."""
        for item in self._limits.get(namespace, ()):
            if item.get("type") == "Container":
                spec, _ = with_limit_defaults(spec, item)
        spec = with_default_tolerations(spec)
        runtime = self._runtimes.get(spec.get("runtimeClassName") or "")
        if runtime is not None:
            spec = with_runtime_class(spec, runtime)
        if spec.get("priority") is not None:
            return spec
        found = priority_of(spec.get("priorityClassName"), self._priorities.get, lambda: self._default)
        if found is None or not found.name:
            return spec
        own = spec.get("preemptionPolicy")
        return with_priority(spec, found.name, found.value, own or found.policy)
