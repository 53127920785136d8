"""Small nodes and pods for tests that tell a story."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def node(name: str, *, cpu: str = "4", memory: str = "16Gi", pods: int = 110, **more: Any) -> Json:
    """A node; ``labels``, ``taints`` and ``unschedulable`` as in the manifest."""
    labels = {"kubernetes.io/hostname": name, **more.pop("labels", {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": more,
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": str(pods)}},
    }


def pod(
    name: str,
    *,
    cpu: str = "1",
    memory: str = "1Gi",
    labels: Json | None = None,
    namespace: str = "default",
    meta: Json | None = None,
    status: Json | None = None,
    **spec: Any,
) -> Json:
    """A pod with one container; everything else as in ``spec``."""
    requests = {"cpu": cpu, "memory": memory}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}, **(meta or {})},
        "spec": {
            "containers": [{"name": "main", "image": "app", "resources": {"requests": requests}}],
            **spec,
        },
        "status": status or {},
    }


def spread(key: str, selector: Json, *, when: str = "DoNotSchedule", skew: int = 1, **more: Any) -> Json:
    """A topology spread constraint."""
    return {
        "maxSkew": skew,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": selector},
        **more,
    }


def anti_affinity(selector: Json, key: str = "kubernetes.io/hostname") -> Json:
    """Required anti-affinity to pods with some labels."""
    term = {"topologyKey": key, "labelSelector": {"matchLabels": selector}}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
