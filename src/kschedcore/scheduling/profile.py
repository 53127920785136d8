"""A profile: which plugins a scheduler runs at each extension point, in which order and with what weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kschedcore.scheduling.args import (
    Args,
    DefaultPreemptionArgs,
    InterPodAffinityArgs,
    NodeAffinityArgs,
    NodeResourcesBalancedAllocationArgs,
    NodeResourcesFitArgs,
    NoArgs,
    PodTopologySpreadArgs,
    VolumeBindingArgs,
)

DEFAULT_SCHEDULER_NAME = "default-scheduler"

EXTENSION_POINTS = (
    "preEnqueue",
    "queueSort",
    "preFilter",
    "filter",
    "postFilter",
    "preScore",
    "score",
    "reserve",
    "permit",
    "preBind",
    "bind",
    "postBind",
)
"""Names as KubeSchedulerConfiguration spells them, in the order of a scheduling cycle."""

DEFAULT_PLUGINS: tuple[tuple[str, int], ...] = (
    ("SchedulingGates", 0),
    ("PrioritySort", 0),
    ("NodeUnschedulable", 0),
    ("NodeName", 0),
    ("TaintToleration", 3),
    ("NodeAffinity", 2),
    ("NodePorts", 0),
    ("NodeResourcesFit", 1),
    ("VolumeRestrictions", 0),
    ("NodeVolumeLimits", 0),
    ("VolumeBinding", 0),
    ("VolumeZone", 0),
    ("PodTopologySpread", 2),
    ("InterPodAffinity", 2),
    ("DefaultPreemption", 0),
    ("NodeResourcesBalancedAllocation", 1),
    ("ImageLocality", 1),
    ("DefaultBinder", 0),
)
"""kube-scheduler v1.34's ``multiPoint`` list: plugin and score weight, in order."""

DEFAULT_ARGS: Mapping[str, Args] = {
    "DefaultPreemption": DefaultPreemptionArgs(),
    "InterPodAffinity": InterPodAffinityArgs(),
    "NodeAffinity": NodeAffinityArgs(),
    "NodeResourcesBalancedAllocation": NodeResourcesBalancedAllocationArgs(),
    "NodeResourcesFit": NodeResourcesFitArgs(),
    "PodTopologySpread": PodTopologySpreadArgs(),
    "VolumeBinding": VolumeBindingArgs(),
}


@dataclass(frozen=True)
class EnabledPlugin:
    """A plugin at an extension point; the weight counts at ``score`` only."""

    name: str
    weight: int = 0


@dataclass(frozen=True)
class Profile:
    """What one scheduler name stands for.

    Attributes:
        scheduler_name: Pods with this ``spec.schedulerName`` are scheduled by this profile.
        points: Extension point -> the plugins that run there, in order.
        args: Plugin name -> its arguments; a plugin that is absent takes none.
        percentage_of_nodes_to_score: 0 lets kube-scheduler's formula decide, 100 looks at every node.
    """

    scheduler_name: str = DEFAULT_SCHEDULER_NAME
    points: Mapping[str, tuple[EnabledPlugin, ...]] = field(default_factory=dict)
    args: Mapping[str, Args] = field(default_factory=lambda: dict(DEFAULT_ARGS))
    percentage_of_nodes_to_score: int = 100

    def at(self, point: str) -> tuple[EnabledPlugin, ...]:
        """The plugins at an extension point, in order."""
        return self.points.get(point, ())

    def args_of(self, name: str) -> Args:
        """The arguments of a plugin."""
        return self.args.get(name, NoArgs())


def default_profile() -> Profile:
    """kube-scheduler's profile when no configuration is given: every in-tree plugin wherever it runs."""
    from kschedcore.scheduling.registry import IN_TREE

    points = {
        point: tuple(
            EnabledPlugin(name, weight if point == "score" else 0)
            for name, weight in DEFAULT_PLUGINS
            if name in IN_TREE and point in IN_TREE[name].points
        )
        for point in EXTENSION_POINTS
    }
    return Profile(points=points)
