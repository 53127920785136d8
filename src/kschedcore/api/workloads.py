"""The pods that a workload asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["WORKLOAD_KINDS", "pods_of"]

WORKLOAD_KINDS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "Job", "ReplicationController"})
"""Kinds whose pods are made from a template, so many at a time."""


def pods_of(workload: Mapping[str, Any], replicas: int | None = None) -> list[dict[str, Any]]:
    """The pods of a workload, as its controller would make them: ``NAME-0``, ``NAME-1`` and so on.

    All share the template's spec object.

    Args:
        workload: A whole workload object.
        replicas: How many, instead of what the workload says.
    """
    spec = workload.get("spec") or {}
    template = spec.get("template") or {}
    name = workload["metadata"]["name"]
    namespace = workload["metadata"].get("namespace") or "default"
    metadata = {k: v for k, v in (template.get("metadata") or {}).items() if k in ("labels", "annotations")}
    owner = {
        "apiVersion": workload.get("apiVersion", ""), "kind": workload["kind"], "name": name, "controller": True
    }
    count = _replicas(workload["kind"], spec) if replicas is None else replicas
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**metadata, "name": f"{name}-{i}", "namespace": namespace, "ownerReferences": [owner]},
            "spec": template.get("spec") or {},
        }
        for i in range(count)
    ]


def _replicas(kind: str, spec: Mapping[str, Any]) -> int:
    if kind == "Job":
        parallelism = spec.get("parallelism")
        completions = spec.get("completions")
        parallelism = 1 if parallelism is None else parallelism
        return int(parallelism if completions is None else min(parallelism, completions))
    replicas = spec.get("replicas")
    return 1 if replicas is None else int(replicas)
