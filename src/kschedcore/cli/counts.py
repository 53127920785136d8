"""Reject workloads with more pods than one command can place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kschedcore.errors import UsageError

__all__ = ["MAX_PODS", "check_counts"]

MAX_PODS = 1_000_000
"""Maximum number of pods of the workloads of one command line."""

_COUNTS = {
    "Deployment": "replicas",
    "ReplicaSet": "replicas",
    "StatefulSet": "replicas",
    "ReplicationController": "replicas",
    "Job": "parallelism",
}
"""Kind -> the field of its spec with the number of pods."""


def check_counts(objects: Iterable[Any]) -> None:
    """Check the number of pods of workloads.

    Args:
        objects: Whole objects of any kind, or lists of them.

    Raises:
        UsageError: It is more than ``MAX_PODS``.
    """
    total = 0
    for item in _flat(objects):
        field = _COUNTS.get(item.get("kind", "")) if isinstance(item.get("kind"), str) else None
        spec = item.get("spec")
        count = spec.get(field) if field and isinstance(spec, Mapping) else None
        if not isinstance(count, int):
            continue
        total += max(count, 0)
        if total > MAX_PODS:
            metadata = item.get("metadata")
            name = metadata.get("name", "") if isinstance(metadata, Mapping) else ""
            raise UsageError(
                f"{item['kind']} {name}: spec.{field} is {count}: the workloads have more than {MAX_PODS:,} pods"
            )


def _flat(objects: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    for item in objects:
        if isinstance(item, Mapping):
            yield item
            items = item.get("items")
            if isinstance(items, list):
                yield from (each for each in items if isinstance(each, Mapping))
