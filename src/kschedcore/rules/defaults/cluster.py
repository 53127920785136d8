"""Defaults of administrators' kinds: namespaces, limit ranges, secrets, nodes, classes."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

__all__ = ["DEFAULTS"]


def _namespace(obj: dict[str, Any]) -> None:
    metadata = obj["metadata"]
    obj["status"].setdefault("phase", "Active")
    if metadata.get("name"):
        labels = metadata.setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = metadata["name"]


def _limit_range(obj: dict[str, Any]) -> None:
    """Default a container's limit to its maximum, and its request to that limit, else to the minimum."""
    for item in obj["spec"]["limits"] or ():
        if item["type"] != "Container":
            continue
        limits = {**item.get("max", {}), **item.get("default", {})}
        requests = {**item.get("min", {}), **limits, **item.get("defaultRequest", {})}
        if limits:
            item["default"] = limits
        if requests:
            item["defaultRequest"] = requests


def _secret(obj: dict[str, Any]) -> None:
    obj.setdefault("type", "Opaque")
    # stringData is write-only: it is merged into data.
    text = obj.pop("stringData", None)
    if text:
        encoded = {key: b64encode(value.encode()).decode() for key, value in text.items()}
        obj["data"] = {**obj.get("data", {}), **encoded}


def _node(obj: dict[str, Any]) -> None:
    status = obj["status"]
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def _priority_class(obj: dict[str, Any]) -> None:
    obj.setdefault("preemptionPolicy", "PreemptLowerPriority")


DEFAULTS = {
    "Namespace": _namespace,
    "LimitRange": _limit_range,
    "Secret": _secret,
    "Node": _node,
    "PriorityClass": _priority_class,
}
