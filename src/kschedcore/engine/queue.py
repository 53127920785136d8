"""The order in which pending pods are tried (QueueSort)."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.objects import Pod
from kschedcore.engine.framework import Framework


def in_queue_order(pods: Iterable[Pod], framework: Framework) -> list[Pod]:
    """As the QueueSort plugin has it, arrival standing for queue time: of equals the one given first."""
    return sorted(pods, key=framework.queue_sort.sort_key)
