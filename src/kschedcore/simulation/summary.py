"""The summary of a simulation, as a JSON-shaped document."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kschedcore.simulation.recorder import Recorder

__all__ = ["summary"]


def summary(recorder: Recorder, now: datetime) -> dict[str, Any]:
    """Return the summary of the records up to now.

    Returns:
        ``pods``: numbers of created, scheduled, pending, failed and disrupted pods; ``pendingSeconds``: from creation
        to binding, of bound pods, to the millisecond and to four digits;
        ``disruptions``: pods by reason of their condition ``DisruptionTarget``; ``quotaRefusals``; ``zones``:
        per zone and resource the mean over time and the most of ``requested`` and the mean of ``stranded``, as
        parts of what was allocatable; ``apps``: per app seconds in which pods were missing that had been there.
    """
    totals = recorder.totals
    return {
        "pods": totals.pods(recorder.live.values()),
        "pendingSeconds": totals.waits.percentiles(),
        "disruptions": dict(sorted(totals.disruptions.items())),
        "quotaRefusals": totals.quota_refusals,
        "zones": totals.zones(now),
        "apps": _apps(recorder),
    }


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
