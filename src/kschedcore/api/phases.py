"""Phases of a pod (``PodStatus.phase``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["FINISHED", "has_ended"]

FINISHED: Final = frozenset({"Succeeded", "Failed"})
"""The phases of pods that take nothing of their node any more."""


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Whether a pod, as stored, has run for the last time."""
    return pod.get("status", {}).get("phase") in FINISHED
