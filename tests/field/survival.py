"""Clusters with objects whose fields are at their edges: what goes wrong with the rest of the cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.field.schema_edges import Path, with_value

import kschedcore as ks
from kschedcore.api.machinery.kinds import Kind
from kschedcore.api.machinery.types import CLUSTER_SCOPE, DEFAULT_NAMESPACE
from kschedcore.client.transport import path_of
from kschedcore.cluster.initial import plain_node
from kschedcore.errors import ManifestError

__all__ = ["Field", "created", "problem", "restored"]

Object = dict[str, Any]
Field = tuple[Path, Any]
"""The path of a field, and its value."""

_MERGE = "application/merge-patch+json"
_LARGE = {"cpu": "8k", "memory": "32Ti", "pods": "1k"}
_LATE_NODE: Object = {
    "apiVersion": "v1", "kind": "Node", "metadata": {"name": "late"},
    "status": {"capacity": _LARGE, "allocatable": _LARGE},
}  # fmt: skip
_GOOD: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "good", "namespace": "kube-system"},
    "spec": {
        "selector": {"matchLabels": {"app": "good"}},
        "template": {
            "metadata": {"labels": {"app": "good"}},
            "spec": {"containers": [{"name": "c", "image": "web:1"}]},
        },
    },
}


def created(kind: Kind, fields: Iterable[Field]) -> ks.Cluster:
    """Return a cluster in which objects with these fields were created, or got them in their status."""
    cluster = ks.Cluster.simulated(nodes=2, seed=1)
    resource = kind.resource
    path = path_of(
        resource.api_version, resource.plural, DEFAULT_NAMESPACE if resource.namespaced else CLUSTER_SCOPE
    )
    for number, (field, value) in enumerate(fields):
        name = f"edge{number}"
        obj = with_value(kind, field, value, name)
        status = {"status": obj.pop("status")} if field[0] == "status" else None
        code, answer = cluster.request("POST", path, obj)
        if status is not None:
            code, answer = cluster.request("PATCH", f"{path}/{name}/status", status, _MERGE)
        assert code < 500, (field, value, answer)
    return cluster


def restored(kind: Kind, fields: Iterable[Field]) -> ks.Cluster | None:
    """Return a cluster in which objects with these fields were restored; None if one cannot be read."""
    resource = kind.resource
    objects = []
    for number, (field, value) in enumerate(fields):
        obj = with_value(kind, field, value, f"edge{number}")
        obj |= {"apiVersion": resource.api_version, "kind": resource.kind}
        obj["metadata"] |= {
            "uid": f"uid-{number}",
            **({"namespace": "default"} if resource.namespaced else {}),
        }
        objects.append(obj)
    try:
        return ks.Cluster.simulated(nodes=[plain_node(1), plain_node(2), *objects], seed=1)
    except ManifestError:
        return None


def problem(cluster: ks.Cluster) -> str:
    """Let a cluster run, and return what is wrong: what a component logs, or that it does not run a Deployment."""
    with cluster, _logged_errors() as records:
        cluster.run_for("3m")
        cluster.apply(_LATE_NODE)
        cluster.run_for("6m")
        cluster.apply(_GOOD)
        cluster.run_for("3m")
        pods = cluster.list("pods", namespace="kube-system")
        phases = [pod["status"]["phase"] for pod in pods if pod["metadata"]["labels"].get("app") == "good"]
        for record in records:
            return f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}"
    return "" if phases == ["Running"] else f"the pods of a Deployment are {phases}"


class _Errors(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def _logged_errors() -> Iterator[list[logging.LogRecord]]:
    handler = _Errors(logging.ERROR)
    logger = logging.getLogger("kschedcore")
    logger.addHandler(handler)
    try:
        yield handler.records
    finally:
        logger.removeHandler(handler)
