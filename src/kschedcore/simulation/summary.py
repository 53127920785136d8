"""What a simulation came to, as one JSON-shaped document."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from kschedcore.simulation.recorder import PodRow, Recorder, SampleRow

__all__ = ["percentiles", "summary"]

_PERCENTILES = (50, 90, 99, 100)


def summary(recorder: Recorder, now: datetime) -> dict[str, Any]:
    """Sum up what was recorded up to now.

    Returns:
        ``pods``: how many were created, scheduled, are pending, failed, were disrupted; ``pendingSeconds``:
        from creation to binding, of those that were bound; ``disruptions``: pods by reason of their condition
        ``DisruptionTarget``; ``quotaRefusals``; ``zones``: per zone and resource the mean over time and the
        most of ``requested`` and the mean of ``stranded``, as parts of what was allocatable; ``apps``: per app
        seconds in which pods were missing that had been there.
    """
    pods = list(recorder.pods.values())
    waits = [(pod.scheduled - pod.created).total_seconds() for pod in pods if pod.scheduled is not None]
    return {
        "pods": _counts(pods),
        "pendingSeconds": percentiles(waits),
        "disruptions": dict(sorted(Counter(pod.disruption for pod in pods if pod.disruption).items())),
        "quotaRefusals": recorder.quota_refusals,
        "zones": _zones(recorder.samples, now),
        "apps": _apps(recorder),
    }


def _counts(pods: Sequence[PodRow]) -> dict[str, int]:
    return {
        "created": len(pods),
        "scheduled": sum(pod.scheduled is not None for pod in pods),
        "pending": sum(pod.scheduled is None and pod.ended is None for pod in pods),
        "running": sum(pod.phase == "Running" and pod.ended is None for pod in pods),
        "succeeded": sum(pod.phase == "Succeeded" for pod in pods),
        "failed": sum(pod.phase == "Failed" for pod in pods),
        "disrupted": sum(bool(pod.disruption) for pod in pods),
    }


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """The percentiles 50, 90, 99 and 100 (nearest rank: each is one of the values); empty without values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {f"p{each}": ordered[max(0, -(-len(ordered) * each // 100) - 1)] for each in _PERCENTILES}


def _zones(samples: Sequence[SampleRow], now: datetime) -> dict[str, dict[str, dict[str, float]]]:
    """Per zone and resource, every sample weighed by how long it held."""
    series: dict[tuple[str, str], list[SampleRow]] = defaultdict(list)
    for sample in samples:
        series[sample.zone, sample.resource].append(sample)
    zones: dict[str, dict[str, dict[str, float]]] = {}
    for (zone, resource), rows in sorted(series.items()):
        if any(row.requested for row in rows):
            zones.setdefault(zone, {})[resource] = _over_time(rows, now)
    return zones


def _over_time(rows: Sequence[SampleRow], now: datetime) -> dict[str, float]:
    ends = [*(row.time for row in rows[1:]), now]
    spans = [(end - row.time).total_seconds() for row, end in zip(rows, ends, strict=True)]
    allocatable = sum(row.allocatable * span for row, span in zip(rows, spans, strict=True))
    requested = sum(row.requested * span for row, span in zip(rows, spans, strict=True))
    stranded = sum(row.stranded * span for row, span in zip(rows, spans, strict=True))
    return {
        "requestedMean": _part(requested, allocatable),
        "requestedMax": max(_part(row.requested, row.allocatable) for row in rows),
        "strandedMean": _part(stranded, allocatable),
    }


def _part(amount: float, whole: float) -> float:
    return round(amount / whole, 4) if whole else 0.0


def _apps(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return {
        f"{namespace}/{name}": {
            "desired": app.desired,
            "mostMissing": app.most_missing,
            "unavailableSeconds": round(app.unavailable.total_seconds(), 3),
            "missingPodSeconds": round(app.missing_seconds, 3),
            "disruptions": dict(sorted(app.disruptions.items())),
        }
        for (namespace, name), app in sorted(recorder.apps.items())
        if app.desired is not None or app.disruptions
    }
