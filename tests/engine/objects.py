"""Constraints of pods."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def spread(key: str, selector: Json, *, when: str = "DoNotSchedule", skew: int = 1, **more: Any) -> Json:
    """A topology spread constraint."""
    return {
        "maxSkew": skew,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": selector},
        **more,
    }


def anti_affinity(selector: Json, key: str = "kubernetes.io/hostname") -> Json:
    """Required anti-affinity to pods with some labels."""
    term = {"topologyKey": key, "labelSelector": {"matchLabels": selector}}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
