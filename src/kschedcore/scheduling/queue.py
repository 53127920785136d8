"""The order in which pending pods are tried (QueueSort)."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.objects import Pod


def in_queue_order(pods: Iterable[Pod]) -> list[Pod]:
    """Higher priority first, then in the order given: plugin PrioritySort, arrival standing for queue time."""
    return sorted(pods, key=lambda pod: -(pod.spec.priority or 0))
