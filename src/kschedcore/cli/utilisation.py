"""Requested amounts of each resource, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kschedcore.cli.amounts import amount, share
from kschedcore.cli.output import columns

__all__ = ["Usage", "compare", "documents", "table"]

FIRST = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Usage:
    """One resource over all nodes, in the scheduler's units: millicores for cpu, bytes, counts."""

    resource: str
    allocatable: int
    before: int
    after: int


def compare(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> list[Usage]:
    """Return every requested resource, cpu and memory first.

    Args:
        before: Resource -> ``allocatable`` and ``requested``, as returned by ``Engine.utilisation``.
        after: The same, later.
    """
    names = sorted(after, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    # An extended resource that devices back is in no node's status: it is first known when a pod has it.
    requested = {name: before[name]["requested"] if name in before else 0 for name in names}
    return [
        Usage(name, after[name]["allocatable"], requested[name], after[name]["requested"])
        for name in names
        if requested[name] or after[name]["requested"]
    ]


def table(usages: list[Usage], *, show_headers: bool) -> str:
    """Return the summary for people."""
    rows = [
        [
            usage.resource,
            amount(usage.resource, usage.allocatable),
            f"{amount(usage.resource, usage.before)} ({share(usage.before, usage.allocatable)})",
            f"{amount(usage.resource, usage.after)} ({share(usage.after, usage.allocatable)})",
        ]
        for usage in usages
    ]
    return columns(["RESOURCE", "ALLOCATABLE", "BEFORE", "AFTER"], rows, show_headers=show_headers)


def documents(usages: list[Usage]) -> dict[str, dict[str, int]]:
    """Return the summary for programs."""
    return {
        usage.resource: {"allocatable": usage.allocatable, "before": usage.before, "after": usage.after}
        for usage in usages
    }
