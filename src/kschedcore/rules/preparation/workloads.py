"""Namespaces' finalizer, and the DaemonSet generation that an annotation still carries."""

from __future__ import annotations

from typing import Any

__all__ = ["CREATE", "UPDATE"]

_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _create_namespace(namespace: dict[str, Any]) -> None:
    finalizers = namespace["spec"].get("finalizers", [])
    if "kubernetes" not in finalizers:
        namespace["spec"]["finalizers"] = [*finalizers, "kubernetes"]


def _update_namespace(namespace: dict[str, Any], old: dict[str, Any]) -> None:
    # Only the finalize subresource takes these away.
    if "finalizers" in old["spec"]:
        namespace["spec"]["finalizers"] = old["spec"]["finalizers"]


def _create_daemon_set(daemon_set: dict[str, Any]) -> None:
    daemon_set["metadata"].setdefault("annotations", {})[_TEMPLATE_GENERATION] = "1"


def _update_daemon_set(daemon_set: dict[str, Any], old: dict[str, Any]) -> None:
    before = int(old["metadata"].get("annotations", {}).get(_TEMPLATE_GENERATION, "0"))
    changed = daemon_set["spec"]["template"] != old["spec"]["template"]
    annotations = daemon_set["metadata"].setdefault("annotations", {})
    annotations[_TEMPLATE_GENERATION] = str(before + changed)


CREATE = {"Namespace": _create_namespace, "DaemonSet": _create_daemon_set}
UPDATE = {"Namespace": _update_namespace, "DaemonSet": _update_daemon_set}
