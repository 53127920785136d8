"""PrioritySort: the order in which pending pods are tried."""

from __future__ import annotations

from kschedcore.api.objects import Pod
from kschedcore.engine.plugin import Plugin


class PrioritySort(Plugin):
    """Tries pods of higher priority first; pods of the same priority keep the order in which they came."""

    name = "PrioritySort"
    points = frozenset({"queueSort"})

    def sort_key(self, pod: Pod) -> int:
        """Descending priority."""
        return -(pod.spec.priority or 0)
