"""Preparation of Namespaces (finalizer) and DaemonSets (template generation annotation)."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["CREATE", "TEMPLATE_GENERATION", "UPDATE", "is_integer"]

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""The annotation with the generation of a DaemonSet's template."""

_INTEGER = re.compile("[+-]?[0-9]{1,18}")


def _create_namespace(namespace: dict[str, Any]) -> None:
    finalizers = namespace["spec"].get("finalizers", [])
    if "kubernetes" not in finalizers:
        namespace["spec"]["finalizers"] = [*finalizers, "kubernetes"]


def _update_namespace(namespace: dict[str, Any], old: dict[str, Any]) -> None:
    # Only the finalize subresource removes these.
    if "finalizers" in old["spec"]:
        namespace["spec"]["finalizers"] = old["spec"]["finalizers"]


def _create_daemon_set(daemon_set: dict[str, Any]) -> None:
    daemon_set["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = "1"


def is_integer(text: str) -> bool:
    """Return whether the annotation is an integer."""
    return _INTEGER.fullmatch(text) is not None


def _template_generation(daemon_set: dict[str, Any]) -> int:
    text = daemon_set["metadata"].get("annotations", {}).get(TEMPLATE_GENERATION, "0")
    return int(text) if is_integer(text) else 0


def _update_daemon_set(daemon_set: dict[str, Any], old: dict[str, Any]) -> None:
    before = _template_generation(old)
    changed = daemon_set["spec"]["template"] != old["spec"]["template"]
    annotations = daemon_set["metadata"].setdefault("annotations", {})
    annotations[TEMPLATE_GENERATION] = str(before + changed)


CREATE = {"Namespace": _create_namespace, "DaemonSet": _create_daemon_set}
UPDATE = {"Namespace": _update_namespace, "DaemonSet": _update_daemon_set}
