"""Phases of a pod (``PodStatus.phase``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["FINISHED", "has_ended"]

FINISHED: Final = frozenset({"Succeeded", "Failed"})
"""The phases of pods that have terminated and do not use resources any more."""


def has_ended(pod: Mapping[str, Any]) -> bool:
    """Return whether a stored pod has terminated."""
    return pod.get("status", {}).get("phase") in FINISHED
