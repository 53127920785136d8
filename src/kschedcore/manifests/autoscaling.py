"""Replicas within the bounds of horizontal pod autoscalers, regardless of metrics."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.types import ReadOnlyObject

__all__ = ["autoscaled"]


def autoscaled(
    workloads: Iterable[ReadOnlyObject], autoscalers: Iterable[ReadOnlyObject]
) -> list[ReadOnlyObject]:
    """Return the workloads with replicas between the ``minReplicas`` and ``maxReplicas`` of their autoscalers.

    A workload with no replicas is not autoscaled, see "Implicit maintenance-mode deactivation" in the reference.

    Args:
        workloads: Whole workload objects.
        autoscalers: HorizontalPodAutoscalers of any version.
    """
    bounds = dict(map(_bounds, autoscalers))
    return [_within(each, bounds.get(_key(each))) for each in workloads] if bounds else list(workloads)


def _key(workload: ReadOnlyObject) -> tuple[str, str, str]:
    metadata = workload["metadata"]
    return workload["kind"], metadata.get("namespace") or "default", metadata["name"]


def _bounds(autoscaler: ReadOnlyObject) -> tuple[tuple[str, str, str], tuple[int, int]]:
    spec = autoscaler.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    namespace = autoscaler["metadata"].get("namespace") or "default"
    least = spec.get("minReplicas")
    least = 1 if least is None else least
    return (target.get("kind", ""), namespace, target.get("name", "")), (
        least,
        spec.get("maxReplicas") or least,
    )


def _within(workload: ReadOnlyObject, bounds: tuple[int, int] | None) -> ReadOnlyObject:
    spec = workload.get("spec") or {}
    replicas = spec.get("replicas")
    replicas = 1 if replicas is None else replicas
    if bounds is None or not isinstance(replicas, int) or replicas <= 0:
        return workload
    wanted = max(bounds[0], min(replicas, bounds[1]))
    return workload if wanted == replicas else {**workload, "spec": {**spec, "replicas": wanted}}
