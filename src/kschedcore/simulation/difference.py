"""Comparison of two runs: their summaries, and the apps and pods that differ most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kschedcore.simulation.rundirectory import Run

__all__ = ["Change", "Difference"]

MOST = 10
"""Number of apps and pods that are listed."""

_COMPARED = ("simulatedSeconds", "pods", "pendingSeconds", "disruptions", "quotaRefusals")


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in both runs; None where a run has none."""

    name: str
    before: float | None
    after: float | None

    @property
    def by(self) -> float:
        """The second run's figure minus the first's; a missing one counts as 0."""
        return round((self.after or 0) - (self.before or 0), 6)


@dataclass(frozen=True)
class Difference:
    """The differences between two runs.

    Attributes:
        figures: All figures of the summaries.
        zones: Mean fractions of each zone's resources that were requested and stranded.
        apps: Apps whose missing pod seconds differ, the most different first.
        pods: Pods of the same namespace and name that waited for different times, likewise, in seconds.
        moved: Number of pods of the same namespace and name that are on another node.
        same_inputs: Whether both runs have the same documents.
    """

    figures: list[Change]
    zones: list[Change]
    apps: list[Change]
    pods: list[Change]
    moved: int
    same_inputs: bool

    @classmethod
    def between(cls, before: Run, after: Run) -> Difference:
        """Compare two runs."""
        waits = (_waits(before), _waits(after))
        common = [name for name in waits[0] if name in waits[1]]
        places = [(waits[0][name], waits[1][name]) for name in common]
        return cls(
            figures=_compared(_figures(before), _figures(after)),
            zones=_compared(dict(_zones(before)), dict(_zones(after))),
            apps=_most(_compared(_missing(before), _missing(after))),
            pods=_most([Change(name, waits[0][name][1], waits[1][name][1]) for name in common]),
            moved=sum(one[0] != other[0] for one, other in places),
            same_inputs=before.summary.get("inputs") == after.summary.get("inputs"),
        )


def _compared(before: Mapping[str, float], after: Mapping[str, float]) -> list[Change]:
    return [Change(name, before.get(name), after.get(name)) for name in dict.fromkeys([*before, *after])]


def _most(changes: list[Change]) -> list[Change]:
    changed = [each for each in changes if each.by]
    return sorted(changed, key=lambda each: (-abs(each.by), each.name))[:MOST]


def _figures(run: Run) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in _COMPARED:
        value = run.summary.get(name, {})
        if isinstance(value, Mapping):
            found |= {f"{name}.{each}": amount for each, amount in value.items()}
        else:
            found[name] = value
    return found


def _zones(run: Run) -> Iterator[tuple[str, float]]:
    for zone, resources in run.summary.get("zones", {}).items():
        for resource, figures in resources.items():
            for figure in ("requestedMean", "strandedMean"):
                yield f"{zone or '-'} {resource} {figure}", figures[figure]


def _missing(run: Run) -> dict[str, float]:
    apps: Mapping[str, Any] = run.summary.get("apps", {})
    return {name: app["missingPodSeconds"] for name, app in apps.items()}


def _waits(run: Run) -> dict[str, tuple[str, float | None]]:
    """Return node and waiting seconds by pod name; None for a pod that was never bound."""
    names = ("namespace", "name", "node", "created", "scheduled")
    columns = [run.pods.column(name).to_pylist() for name in names]
    return {
        f"{namespace}/{name}": (
            node,
            None if scheduled is None else (scheduled - created).total_seconds(),
        )
        for namespace, name, node, created, scheduled in zip(*columns, strict=True)
    }
