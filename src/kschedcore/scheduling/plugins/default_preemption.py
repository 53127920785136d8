"""DefaultPreemption: make room by evicting less important pods."""

from __future__ import annotations

from kschedcore.scheduling.args import DefaultPreemptionArgs
from kschedcore.scheduling.plugin import Plugin


class DefaultPreemption(Plugin):
    """Lets :class:`kschedcore.scheduling.preemption.PreemptionFinder` look for victims when no node is feasible."""

    name = "DefaultPreemption"
    points = frozenset({"preEnqueue", "postFilter"})
    args: DefaultPreemptionArgs
