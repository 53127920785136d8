"""PrioritySort: the order in which pending pods are scheduled."""

from __future__ import annotations

from kschedcore.api.objects import Pod
from kschedcore.engine.plugin import Plugin


class PrioritySort(Plugin):
    """Sorts pending pods by descending priority; pods of the same priority keep the order of arrival."""

    name = "PrioritySort"

    def sort_key(self, pod: Pod) -> int:
        """Return the negated priority."""
        return -(pod.spec.priority or 0)
