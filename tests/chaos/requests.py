"""Requests of users: paths, and pods that fit small nodes."""

from __future__ import annotations

from typing import Any

from tests import builders

from kschedcore.api.machinery.types import Object
from kschedcore.chaos.histories import Request, Step

NODES, PODS = "/api/v1/nodes", "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
QUOTAS = "/api/v1/namespaces/default/resourcequotas"
SIZE = {"cpu": "2", "memory": "4Gi", "pods": "8"}


def spec(cpu: str = "500m", **fields: Any) -> Object:
    return {"containers": [builders.container("c", cpu=cpu)], "terminationGracePeriodSeconds": 1, **fields}


def pod(name: str, cpu: str = "500m", **fields: Any) -> Step:
    metadata = {"name": name, "labels": {"app": "web"}}
    return Request("POST", PODS, {"metadata": metadata, "spec": spec(cpu, **fields)})
