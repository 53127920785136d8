"""A run recounted from its rows alone, in the plainest way: what its summary must say."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from kschedcore.simulation import Run

Row = dict[str, Any]
Object = dict[str, Any]

PARTS = ("allocatable", "requested", "stranded")


def recounted(run: Run) -> Object:
    """``pods``, ``pendingSeconds``, ``disruptions`` and ``zones``, as events and samples have it."""
    events: list[Row] = run.events.to_pylist()
    lives = lives_of(events)
    return {
        "pods": counts(lives),
        "pendingSeconds": percentiles(lives),
        "disruptions": dict(sorted(Counter(e["reason"] for e in events if e["type"] == "Disrupted").items())),
        "zones": zones(run.samples.to_pylist(), end_of(run)),
    }


def end_of(run: Run) -> datetime:
    """The end of the run."""
    return datetime.fromisoformat("2026-01-01T00:00:00Z") + timedelta(seconds=run.summary["simulatedSeconds"])


def lives_of(events: list[Row]) -> list[dict[str, Row]]:
    """Each pod's events by type; one of a name that was created before is another one."""
    lives: list[dict[str, Row]] = []
    current: dict[tuple[str, str], dict[str, Row]] = {}
    for event in events:
        if event["object"].startswith("Pod/") and event["type"] != "QuotaRefused":
            key = event["namespace"], event["object"]
            if event["type"] == "Created":
                current[key] = {}
                lives.append(current[key])
            assert event["type"] not in current[key], f"recorded twice: {event}"
            current[key][event["type"]] = event
    return lives


def counts(lives: list[dict[str, Row]]) -> dict[str, int]:
    """The number of pods by what became of them; ``running`` cannot be computed from events."""
    ends = Counter(life["Ended"]["reason"] for life in lives if "Ended" in life)
    return {
        "created": len(lives),
        "scheduled": sum("Scheduled" in life for life in lives),
        "pending": sum("Scheduled" not in life and "Ended" not in life for life in lives),
        "succeeded": ends["Succeeded"],
        "failed": ends["Failed"],
        "disrupted": sum("Disrupted" in life for life in lives),
    }


def percentiles(lives: list[dict[str, Row]]) -> dict[str, float]:
    """Waiting times, each to the millisecond and to four digits, by nearest rank."""
    waits = sorted(
        float(
            f"{round((life['Scheduled']['time'] - life['Created']['time']) / timedelta(milliseconds=1)):.4g}"
        )
        for life in lives
        if "Scheduled" in life
    )
    if not waits:
        return {}
    return {f"p{p}": waits[max(0, -(-len(waits) * p // 100) - 1)] / 1000 for p in (50, 90, 99, 100)}


def zones(samples: list[Row], end: datetime) -> Object:
    """Each sample holds until the next one of its zone and resource."""
    found: Object = {}
    for zone, resource in sorted({(each["zone"], each["resource"]) for each in samples}):
        course = [each for each in samples if (each["zone"], each["resource"]) == (zone, resource)]
        if not any(each["requested"] for each in course):
            continue
        times = [each["time"] for each in course[1:]] + [end]
        spans = [(time - each["time"]).total_seconds() for each, time in zip(course, times, strict=True)]
        whole, requested, stranded = (
            sum(each[part] * span for each, span in zip(course, spans, strict=True)) for part in PARTS
        )
        found.setdefault(zone, {})[resource] = {
            "requestedMean": part_of(requested, whole),
            "requestedMax": max(part_of(each["requested"], each["allocatable"]) for each in course),
            "strandedMean": part_of(stranded, whole),
        }
    return found


def part_of(amount: float, whole: float) -> float:
    """Four places of a part; 0 of nothing."""
    return round(amount / whole, 4) if whole else 0.0


def requested_by(events: list[Row], until: datetime, cores: dict[str, int]) -> dict[str, int]:
    """Millicores bound on each node at a time, from the pods' apps and the requests of one pod of each."""
    on: Counter[str] = Counter()
    for life in lives_of([event for event in events if event["time"] <= until]):
        if "Scheduled" in life and "Ended" not in life:
            kind = life["Created"]["object"].partition("/")[2].partition("-")[0]
            on[life["Scheduled"]["node"]] += cores[kind]
    return dict(on)
