"""What an update of a pod's status keeps of the status before (``podStatusStrategy.PrepareForUpdate``)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

__all__ = ["keep_status"]


def keep_status(pod: dict[str, Any], old: dict[str, Any]) -> None:
    """Put back what an old kubelet leaves out: owners, the QoS class, and observed generations (KEP-5067)."""
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
    """The conditions with the generations observed before where they have none; None when that changes nothing."""
    observed: dict[str, list[int]] = defaultdict(list)
    for each in before:
        observed[each.get("type", "")].append(each.get("observedGeneration", 0))
    if not any(map(any, observed.values())):
        return None
    completed = []
    for each in conditions:
        generations = observed[each.get("type", "")]
        generation = generations.pop(0) if generations else 0
        missing = generation and not each.get("observedGeneration")
        completed.append({**each, "observedGeneration": generation} if missing else each)
    return completed
