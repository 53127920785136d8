"""The name of a pod in output. Separate from the engine's ``key_of``: printing help imports no engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod

__all__ = ["key_of"]


def key_of(pod: Pod) -> tuple[str, str]:
    """Return the pod's namespace and name."""
    return pod.metadata.namespace or "default", pod.metadata.name
