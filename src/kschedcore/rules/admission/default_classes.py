"""The default class among StorageClasses or IngressClasses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["default_class"]


def default_class(classes: Iterable[Mapping[str, Any]], annotation: str) -> str | None:
    """Return the name of the class marked as default: the newest, by name among equals; None without one."""
    marked = [
        each["metadata"]
        for each in classes
        if (each["metadata"].get("annotations") or {}).get(annotation) == "true"
    ]
    if not marked:
        return None
    newest = max(metadata.get("creationTimestamp") or "" for metadata in marked)
    return min(str(each["name"]) for each in marked if (each.get("creationTimestamp") or "") == newest)
