"""Updates of pods' subresources (``PrepareForUpdate`` of the pod strategies)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from kschedcore.api.machinery.remembered import shared

__all__ = ["keep_all_but_resources", "keep_status"]

_RESIZED = ("resources", "resizePolicy")


def keep_status(pod: dict[str, Any], old: dict[str, Any]) -> None:
    """Restore fields that old kubelets omit: owners, the QoS class, and observed generations (KEP-5067)."""
    metadata, before = pod["metadata"], old["metadata"]
    if metadata.get("ownerReferences") != before.get("ownerReferences"):
        metadata.pop("ownerReferences", None)
        if "ownerReferences" in before:
            metadata["ownerReferences"] = before["ownerReferences"]
    status, was = pod.get("status") or {}, old.get("status") or {}
    kept = {key: was[key] for key in ("qosClass", "observedGeneration") if key in was and not status.get(key)}
    conditions = _with_observed(status.get("conditions", ()), was.get("conditions", ()))
    if conditions is not None:
        kept["conditions"] = conditions
    if kept:
        pod["status"] = {**status, **kept}


def _with_observed(conditions: Any, before: Any) -> list[Any] | None:
    """Return the conditions with missing observed generations restored; None if unchanged."""
    if not any(each.get("observedGeneration") for each in before):
        return None
    observed: dict[str, list[int]] = defaultdict(list)
    for each in before:
        observed[each.get("type", "")].append(each.get("observedGeneration", 0))
    completed = []
    for each in conditions:
        generations = observed[each.get("type", "")]
        generation = generations.pop(0) if generations else 0
        missing = generation and not each.get("observedGeneration")
        completed.append({**each, "observedGeneration": generation} if missing else each)
    return completed


def keep_all_but_resources(pod: dict[str, Any], old: dict[str, Any]) -> None:
    """Drop all changes except those of resources, as ``pods/resize`` does (``dropNonResizeUpdates``).

    Added, removed, reordered or renamed containers are kept, so that validation refuses them.
    """
    spec, was = pod["spec"], old["spec"]
    kept = dict(was)
    for key in ("containers", "initContainers"):
        new, before = spec.get(key, []), was.get(key, [])
        if [each.get("name") for each in new] != [each.get("name") for each in before]:
            return
        if before:
            kept[key] = [_resized(each, other) for each, other in zip(new, before, strict=True)]
    kept.pop("resources", None)
    if "resources" in spec:
        kept["resources"] = spec["resources"]
    version = pod["metadata"].get("resourceVersion", "")
    pod["metadata"].clear()
    pod["metadata"].update(old["metadata"], resourceVersion=version)
    pod.update(spec=shared(kept) if kept != was else was, status=old["status"])


def _resized(container: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in before.items() if key not in _RESIZED}
    return {**kept, **{key: container[key] for key in _RESIZED if key in container}}
