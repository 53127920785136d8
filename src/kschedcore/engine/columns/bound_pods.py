"""Pods on nodes as an Arrow table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kschedcore.rules.amounts import pod_requests

if TYPE_CHECKING:
    from kschedcore.engine.binding import BoundPods

__all__ = ["BOUND_POD_SCHEMA", "bound_pod_table"]

BOUND_POD_SCHEMA = pa.schema(
    [
        ("namespace", pa.string()),
        ("pod", pa.string()),
        ("node", pa.string()),
        ("priority", pa.int32()),
        ("cpu", pa.int64()),
        ("memory", pa.int64()),
    ]
)
"""Schema of :func:`bound_pod_table`: ``cpu`` in thousandths of a core and ``memory`` in bytes, as requested."""


def bound_pod_table(bound: BoundPods) -> pa.Table:
    """Return a row for each pod on a node, by namespace and name."""
    rows = []
    for (namespace, name), each in bound.all():
        requests = pod_requests(each.pod.spec)
        rows.append(
            {
                "namespace": namespace,
                "pod": name,
                "node": each.node,
                "priority": each.info.priority,
                "cpu": requests.get("cpu", 0),
                "memory": requests.get("memory", 0),
            }
        )
    return pa.Table.from_pylist(rows, BOUND_POD_SCHEMA)
