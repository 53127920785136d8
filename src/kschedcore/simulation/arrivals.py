"""Arrivals of pods and Jobs over time, from a distribution or a trace."""

from __future__ import annotations

import copy
import itertools
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from kschedcore.api.durations import duration
from kschedcore.errors import ManifestError
from kschedcore.nodes.runtimes.behaviours import ANNOTATION
from kschedcore.simulation.scenario import Arrivals, Distribution
from kschedcore.simulation.traces import Row, read_trace

__all__ = ["Arrival", "arrivals_of", "draw"]


_FOR_EVER = timedelta(days=73_050)
"""Run time of pods without a lifetime: twice the maximum length of a simulation."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object and its arrival time, from the beginning of the simulation."""

    after: timedelta
    object: dict[str, Any]


def draw(spans: Distribution, source: random.Random) -> timedelta:
    """Draw a span of time, at most that of the longest simulation."""
    try:
        if spans.exponential is not None:
            drawn = duration(spans.exponential) * source.expovariate(1.0)
        elif spans.lognormal is not None:
            drawn = duration(spans.lognormal.median) * math.exp(source.gauss(0.0, spans.lognormal.sigma))
        else:
            drawn = duration(spans.constant or 0)
    except OverflowError:
        return _FOR_EVER
    return min(drawn, _FOR_EVER)


def arrivals_of(arrivals: Arrivals, seed: int, folder: Path) -> Iterator[Arrival]:
    """Yield arrivals, in order of time; random by the seed and the arrivals' name only.

    Args:
        arrivals: The arrivals of the scenario.
        seed: The simulation's seed.
        folder: The folder of relative file names.

    Raises:
        NotFoundError: The trace does not exist.
        ManifestError: A trace cannot be read.
    """
    source = random.Random(f"{seed}/arrivals/{arrivals.name}")
    rows = (
        _drawn(arrivals.every, source)
        if arrivals.every is not None
        else read_trace(arrivals.trace, folder)
        if arrivals.trace is not None
        else ()
    )
    begin = duration(arrivals.from_)
    end = None if arrivals.until is None else duration(arrivals.until)
    return _made(arrivals, itertools.islice(rows, arrivals.count), source, begin, end)


def _drawn(every: Distribution, source: random.Random) -> Iterator[Row]:
    after = timedelta()
    while True:
        after += draw(every, source)
        yield Row(after)


def _made(
    arrivals: Arrivals,
    rows: Iterator[Row],
    source: random.Random,
    begin: timedelta,
    end: timedelta | None,
) -> Iterator[Arrival]:
    for number, row in enumerate(rows, 1):
        after = begin + row.after
        if end is not None and after > end:
            return
        lifetime = row.lifetime
        if lifetime is None and arrivals.lifetime is not None:
            lifetime = draw(arrivals.lifetime, source)
        elif lifetime is None and arrivals.trace is not None and arrivals.trace.columns.has_ends:
            lifetime = _FOR_EVER
        yield Arrival(after, _object(arrivals, row, number, lifetime))


def _object(arrivals: Arrivals, row: Row, number: int, lifetime: timedelta | None) -> dict[str, Any]:
    made = copy.deepcopy(arrivals.template)
    made.setdefault("metadata", {})["name"] = row.name or f"{arrivals.name}-{number}"
    is_job = made["kind"] == "Job"
    template = made.setdefault("spec", {}).setdefault("template", {}) if is_job else made
    spec = template.setdefault("spec", {})
    spec.setdefault("restartPolicy", "Never")
    if lifetime is not None:
        if spec["restartPolicy"] == "Always":
            problem = "found 'Always', expected Never or OnFailure of what has a lifetime"
            raise ManifestError(problem, subject=f"arrivals {arrivals.name}", path="spec.restartPolicy")
        behaviour = {"runs": [{"seconds": round(lifetime.total_seconds(), 3)}]}
        annotations = template.setdefault("metadata", {}).setdefault("annotations", {})
        annotations.setdefault(ANNOTATION, json.dumps(behaviour))
    if row.labels:
        template.setdefault("metadata", {}).setdefault("labels", {}).update(row.labels)
    if row.requests and spec.get("containers"):
        resources = spec["containers"][0].setdefault("resources", {})
        resources.setdefault("requests", {}).update(row.requests)
        for extended in (name for name in row.requests if "/" in name):
            # Extended resources need a limit: the API refuses requests without one.
            resources.setdefault("limits", {})[extended] = row.requests[extended]
    return made
