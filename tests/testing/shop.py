"""The demo's shop, and small objects to build other clusters from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kschedcore.cli
from kschedcore.testing import Placements, place

DATA = Path(kschedcore.cli.__file__).parent / "data"
SHOP = [DATA / "cluster.yaml", DATA / "app.yaml"]


def shop() -> Placements:
    """The shop, placed."""
    return place(SHOP)


def node(name: str, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A node of 8 CPUs."""
    size = {"cpu": "8", "memory": "16Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": spec,
        "status": {"allocatable": size, "capacity": size},
    }


def pod(name: str, cpu: str = "1", labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod of one container."""
    container = {"name": "main", "image": "image", "resources": {"requests": {"cpu": cpu}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"containers": [container], **spec},
    }
