"""API defaulting.

One module per group of kinds, each exporting ``DEFAULTS``: kind name -> a function that fills an object in place. The
object has been decoded by its schema, so structs that the API always writes exist. Rules: the API reference's defaults
and ``pkg/apis/*/v1/defaults.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kschedcore.rules.defaults import autoscaling, batch, cluster, devices, pods, services, storage, workloads

__all__ = ["default"]

_BY_KIND: dict[str, Callable[[dict[str, Any]], None]] = {
    **autoscaling.DEFAULTS,
    **batch.DEFAULTS,
    **cluster.DEFAULTS,
    **devices.DEFAULTS,
    **pods.DEFAULTS,
    **services.DEFAULTS,
    **storage.DEFAULTS,
    **workloads.DEFAULTS,
}


def default(kind: str, obj: dict[str, Any]) -> None:
    """Fill the defaults of ``kind`` (``Deployment``) into ``obj``; other kinds are unchanged."""
    fill = _BY_KIND.get(kind)
    if fill is not None:
        fill(obj)
