"""Preparation of pods: the status, and ``matchLabelKeys``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kschedcore.api.machinery.frozen import FrozenDict, plain
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.rules.amounts import qos_class

__all__ = ["CREATE"]

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "lastProbeTime": None,
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


def _create(pod: dict[str, Any]) -> None:
    spec, labels = pod["spec"], pod["metadata"].get("labels", {})
    keys = _label_keys(spec)
    if keys:
        selected = tuple(sorted((key, labels[key]) for key in keys if key in labels))
        spec = pod["spec"] = _completed(spec, selected)
    created = pod["metadata"].get("creationTimestamp") if spec.get("schedulingGates") else None
    pod["status"] = _first_status(spec, created)


@remembered
def _first_status(spec: FrozenDict, created: str | None) -> FrozenDict:
    status: dict[str, Any] = {"phase": "Pending", "qosClass": qos_class(spec)}
    if spec.get("schedulingGates"):
        status["conditions"] = [{**_GATED, "lastTransitionTime": created}]
    return shared(status)


def _pod_affinity_terms(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("podAffinity", "podAntiAffinity"):
        terms = spec.get("affinity", {}).get(key, {})
        yield from terms.get(_REQUIRED, ())
        yield from (weighted["podAffinityTerm"] for weighted in terms.get(_PREFERRED, ()))


@remembered
def _label_keys(spec: FrozenDict) -> frozenset[str]:
    """Return the labels of its own that a pod's affinity and spreading refer to."""
    fields = ("matchLabelKeys", "mismatchLabelKeys")
    return frozenset(key for term in _completable(spec) for field in fields for key in term.get(field, ()))


def _completable(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the selectors' holders whose selectors the pod's own labels complete."""
    yield from _pod_affinity_terms(spec)
    yield from spec.get("topologySpreadConstraints", ())


@remembered
def _completed(spec: FrozenDict, labels: tuple[tuple[str, str], ...]) -> FrozenDict:
    changed = plain(spec)
    for term in _completable(changed):
        _complete(term, dict(labels))
    return shared(changed)


def _complete(term: dict[str, Any], labels: dict[str, str]) -> None:
    """Add the pod's own values of ``matchLabelKeys`` and ``mismatchLabelKeys`` to the selector (KEP-3633, KEP-3243)."""
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
