"""A pod's overhead, node selector and tolerations from its RuntimeClass (KEP-688)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import shared

__all__ = ["OVERHEAD_MISMATCH", "runtime_conflict", "with_runtime_class"]

OVERHEAD_MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"


def with_runtime_class(spec: Mapping[str, Any], runtime: Mapping[str, Any]) -> FrozenDict:
    """Return a pod's spec with the fields of its RuntimeClass; the pod's own values are kept."""
    changed = dict(spec)
    if runtime.get("overhead") and not spec.get("overhead"):
        changed["overhead"] = runtime["overhead"].get("podFixed") or {}
    scheduling = runtime.get("scheduling") or {}
    selector = {**(scheduling.get("nodeSelector") or {}), **(spec.get("nodeSelector") or {})}
    if selector:
        changed["nodeSelector"] = selector
    own = list(spec.get("tolerations") or ())
    added = [each for each in scheduling.get("tolerations") or () if each not in own]
    if added:
        changed["tolerations"] = [*own, *added]
    return shared(changed)


def runtime_conflict(spec: Mapping[str, Any], runtime: Mapping[str, Any]) -> str | None:
    """Return why admission refuses a pod because of its RuntimeClass; None if it does not."""
    overhead = runtime.get("overhead")
    if overhead is not None and spec.get("overhead") not in (None, overhead.get("podFixed", {})):
        return OVERHEAD_MISMATCH
    own = spec.get("nodeSelector") or {}
    for key, value in ((runtime.get("scheduling") or {}).get("nodeSelector") or {}).items():
        if own.get(key, value) != value:
            return (
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {own[key]}"
            )
    return None
