"""Builders of plain manifests. `tests/model` and `tests/fuzz` have their own, as they must not share code."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def node(
    name: str,
    cpu: str = "4",
    *,
    memory: str = "16Gi",
    pods: int = 110,
    labels: Json | None = None,
    annotations: Json | None = None,
    extended: Json | None = None,
    **spec: Any,
) -> Json:
    """A node with a hostname label; ``extended`` are further allocatable resources, ``spec`` as in the manifest."""
    metadata: Json = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
    if annotations:
        metadata["annotations"] = annotations
    allocatable = {"cpu": cpu, "memory": memory, "pods": str(pods), **(extended or {})}
    status = {"allocatable": allocatable, "capacity": allocatable}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status}


def container(
    name: str = "main", image: str = "app:1", *, limits: Json | None = None, **requests: str
) -> Json:
    """A container with requests by resource."""
    resources = {"requests": requests, **({"limits": limits} if limits else {})}
    return {"name": name, "image": image, "resources": resources}


def pod(
    name: str,
    cpu: str = "1",
    *,
    memory: str = "1Gi",
    labels: Json | None = None,
    namespace: str = "default",
    meta: Json | None = None,
    status: Json | None = None,
    **spec: Any,
) -> Json:
    """A pod with one container; further metadata in ``meta``, everything else as in ``spec``."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}, **(meta or {})},
        "spec": {"containers": [container(cpu=cpu, memory=memory)], **spec},
        "status": status or {},
    }


def workload(
    kind: str, name: str, replicas: int = 1, *, cpu: str = "1", image: str = "app:1", **spec: Any
) -> Json:
    """A workload of apps/v1 with pods of the label ``app``; ``spec`` is that of its pods."""
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container(image=image, cpu=cpu)], **spec},
    }
    body = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": body}


def deployment(name: str, replicas: int = 1, **more: Any) -> Json:
    """A Deployment, see :func:`workload`."""
    return workload("Deployment", name, replicas, **more)


def job(name: str, completions: int = 1, *, parallelism: int = 1, cpu: str = "1", **spec: Any) -> Json:
    """A Job whose pods are not restarted; ``spec`` is that of its pods."""
    template = {"spec": {"restartPolicy": "Never", "containers": [container(cpu=cpu)], **spec}}
    body = {"completions": completions, "parallelism": parallelism, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": body}
