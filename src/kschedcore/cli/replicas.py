"""``--replicas``: override the replicas of workloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kschedcore.errors import UsageError

__all__ = ["parse_replicas", "with_replicas"]


def parse_replicas(options: Sequence[str] | None) -> dict[str | None, int]:
    """Read ``--replicas`` options: workload name, or None for every workload, to a number.

    Raises:
        UsageError: An option is neither ``N`` nor ``NAME=N``, or N is not a whole number from 0.
    """
    wanted: dict[str | None, int] = {}
    for option in options or ():
        name, equals, number = option.rpartition("=")
        if not (number.isascii() and number.isdigit()) or (equals and not name):
            raise UsageError(f"--replicas {option}: expected N or NAME=N, with N a whole number from 0")
        wanted[name or None] = int(number)
    return wanted


def with_replicas(
    workloads: Sequence[Mapping[str, Any]], wanted: Mapping[str | None, int]
) -> list[Mapping[str, Any]]:
    """Return the workloads with other numbers of replicas.

    Args:
        workloads: Whole objects.
        wanted: Name -> how many; the key None applies to every workload not named.

    Raises:
        UsageError: A workload that is named does not exist.
    """
    names = {workload["metadata"]["name"] for workload in workloads}
    for name in wanted:
        if name is not None and name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise UsageError(
                f"--replicas {name}={wanted[name]}: no workload of that name; there are: {known}"
            )
    return [
        workload if count is None else scaled(workload, count)
        for workload in workloads
        for count in [wanted.get(workload["metadata"]["name"], wanted.get(None))]
    ]


def scaled(workload: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return a workload with ``count`` replicas."""
    spec = dict(workload.get("spec") or {})
    if workload["kind"] == "Job":
        spec |= {"parallelism": count, "completions": count}
    else:
        spec["replicas"] = count
    return {**workload, "spec": spec}
