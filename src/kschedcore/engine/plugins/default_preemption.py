"""DefaultPreemption: make room by evicting less important pods."""

from __future__ import annotations

from kschedcore.engine.config.args import DefaultPreemptionArgs
from kschedcore.engine.plugin import Plugin


class DefaultPreemption(Plugin):
    """Lets :class:`kschedcore.engine.preemption.PreemptionFinder` look for victims when no node is feasible."""

    name = "DefaultPreemption"
    points = frozenset({"preEnqueue", "postFilter"})
    args: DefaultPreemptionArgs
