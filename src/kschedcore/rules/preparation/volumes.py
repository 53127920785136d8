"""Preparation of volumes (the time of the last change of the phase, KEP-3762) and claims (data sources, KEP-1495)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["CREATE", "SELDOM", "UPDATE", "phase_changed"]

_TIME = "lastPhaseTransitionTime"
_SOURCE, _REFERENCE = "dataSource", "dataSourceRef"
_IN_SOURCE = ("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")
"""The groups and kinds that ``dataSource`` may name; others are for ``dataSourceRef``."""


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


def _normalise_sources(claim: dict[str, Any], old: dict[str, Any] | None = None) -> None:
    """Make ``dataSource`` and ``dataSourceRef`` the same reference, whichever was written.

    A kind that only ``dataSourceRef`` may name is dropped from ``dataSource``. References to other namespaces are
    dropped as well: their gate, ``CrossNamespaceVolumeDataSource``, is off (KEP-3294).
    """
    spec, before = claim["spec"], old["spec"] if old is not None else {}
    source, reference = spec.get(_SOURCE), spec.get(_REFERENCE)
    if source is None and reference is None:
        return
    if reference and reference.get("namespace") and not before.get(_REFERENCE):
        reference = None
    named = None if source is None else (source.get("apiGroup") or "", source.get("kind", ""))
    if reference is None and named not in _IN_SOURCE and not before.get(_SOURCE):
        source = None
    if reference is None and source is not None:
        reference = source
    elif source is None and reference is not None and not reference.get("namespace"):
        source = {key: value for key, value in reference.items() if key != "namespace"}
    found = {_SOURCE: source, _REFERENCE: reference}
    kept = {key: value for key, value in spec.items() if key not in found}
    claim["spec"] = {**kept, **{key: value for key, value in found.items() if value is not None}}


def _has_sources(claim: dict[str, Any]) -> bool:
    return _SOURCE in claim["spec"] or _REFERENCE in claim["spec"]


CREATE: dict[str, Callable[[dict[str, Any]], None]] = {
    "PersistentVolume": _create,
    "PersistentVolumeClaim": _normalise_sources,
}
UPDATE: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "PersistentVolumeClaim": _normalise_sources
}
SELDOM: dict[str, Callable[[dict[str, Any]], bool]] = {
    # A status that a creation sets has no manager.
    "PersistentVolume": lambda _: False,
    "PersistentVolumeClaim": _has_sources,
}
"""Whether preparation may change an object of a kind, beside its status."""
