"""Preparation of PersistentVolumes: the time of the last change of the phase (KEP-3762)."""

from __future__ import annotations

from typing import Any

__all__ = ["CREATE", "phase_changed"]

_TIME = "lastPhaseTransitionTime"


def _create(volume: dict[str, Any]) -> None:
    created = volume["metadata"].get("creationTimestamp")
    if created:
        volume["status"] = {**volume.get("status", {}), _TIME: created}


def phase_changed(volume: dict[str, Any], old: dict[str, Any], now: str) -> None:
    """Complete a volume whose status is written, in place: a new phase has the time ``now`` unless the writer gave one.

    Args:
        volume: The volume as written.
        old: The stored volume.
        now: The time, in RFC 3339.
    """
    status, before = volume.get("status") or {}, old.get("status") or {}
    written, was = status.get(_TIME), before.get(_TIME)
    if status.get("phase") != before.get("phase"):
        time = now if not written or written == was else written
    else:
        time = written or was
    if time and time != written:
        volume["status"] = {**status, _TIME: time}


CREATE = {"PersistentVolume": _create}
