"""The order in which pending pods are tried (QueueSort)."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.objects import Pod
from kschedcore.engine.framework import Framework


def in_queue_order(pods: Iterable[Pod], framework: Framework) -> list[Pod]:
    """Return pods in the order of the QueueSort plugin; equal pods keep the given order."""
    return sorted(pods, key=framework.queue_sort.sort_key)
