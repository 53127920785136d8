"""A new pod's status, and the selectors that its own labels complete."""

from __future__ import annotations

from typing import Any

from kschedcore.admission.pod_specs import examine

__all__ = ["CREATE"]

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "lastProbeTime": None,
    "lastTransitionTime": None,
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


def _create(pod: dict[str, Any]) -> None:
    spec = pod["spec"]
    labels = pod["metadata"].get("labels", {})
    for key in ("podAffinity", "podAntiAffinity"):
        terms = spec.get("affinity", {}).get(key, {})
        for term in terms.get(_REQUIRED, ()):
            _complete(term, labels)
        for weighted in terms.get(_PREFERRED, ()):
            _complete(weighted["podAffinityTerm"], labels)
    examined = examine(spec)
    # From here on the spec is shared with every pod of the same template.
    pod["spec"] = examined.spec
    pod["status"] = {"phase": "Pending", "qosClass": examined.qos_class}
    if spec.get("schedulingGates"):
        pod["status"]["conditions"] = [dict(_GATED)]


def _complete(term: dict[str, Any], labels: dict[str, str]) -> None:
    """Add the pod's own values of ``matchLabelKeys`` and ``mismatchLabelKeys`` to the selector (KEP-3633)."""
    selector = term.get("labelSelector")
    if selector is None:
        return
    added = [
        {"key": key, "operator": operator, "values": [labels[key]]}
        for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn"))
        for key in term.get(field, ())
        if key in labels
    ]
    if added:
        selector["matchExpressions"] = [*selector.get("matchExpressions", ()), *added]


CREATE = {"Pod": _create}
