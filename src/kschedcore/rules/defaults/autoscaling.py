"""Defaults of HorizontalPodAutoscaler (``autoscaling/v2``)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

__all__ = ["DEFAULTS"]

_CPU_METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_SCALE_UP: dict[str, Any] = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN: dict[str, Any] = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


def _autoscaler(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("minReplicas", 1)
    if obj.get("apiVersion") == "autoscaling/v1":
        return
    if not spec.get("metrics"):
        spec["metrics"] = [deepcopy(_CPU_METRIC)]
    behavior = spec.get("behavior")
    if behavior is not None:
        behavior["scaleUp"] = {**deepcopy(_SCALE_UP), **behavior.get("scaleUp", {})}
        behavior["scaleDown"] = {**deepcopy(_SCALE_DOWN), **behavior.get("scaleDown", {})}


DEFAULTS = {"HorizontalPodAutoscaler": _autoscaler}
