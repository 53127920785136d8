"""The in-tree plugins by name. A new plugin is one file and one line here."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.arguments import several
from kschedcore.errors import ConfigError, UsageError
from kschedcore.scheduling.plugin import Plugin, Registry
from kschedcore.scheduling.plugins.default_binder import DefaultBinder
from kschedcore.scheduling.plugins.default_preemption import DefaultPreemption
from kschedcore.scheduling.plugins.image_locality import ImageLocality
from kschedcore.scheduling.plugins.inter_pod_affinity import InterPodAffinity
from kschedcore.scheduling.plugins.node_affinity import NodeAffinity
from kschedcore.scheduling.plugins.node_name import NodeName
from kschedcore.scheduling.plugins.node_ports import NodePorts
from kschedcore.scheduling.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation,
)
from kschedcore.scheduling.plugins.node_resources_fit import NodeResourcesFit
from kschedcore.scheduling.plugins.node_unschedulable import NodeUnschedulable
from kschedcore.scheduling.plugins.node_volume_limits import NodeVolumeLimits
from kschedcore.scheduling.plugins.pod_topology_spread import PodTopologySpread
from kschedcore.scheduling.plugins.priority_sort import PrioritySort
from kschedcore.scheduling.plugins.scheduling_gates import SchedulingGates
from kschedcore.scheduling.plugins.taint_toleration import TaintToleration
from kschedcore.scheduling.plugins.volume_binding import VolumeBinding
from kschedcore.scheduling.plugins.volume_restrictions import VolumeRestrictions
from kschedcore.scheduling.plugins.volume_zone import VolumeZone

_PLUGINS: tuple[type[Plugin], ...] = (
    SchedulingGates,
    PrioritySort,
    NodeUnschedulable,
    NodeName,
    TaintToleration,
    NodeAffinity,
    NodePorts,
    NodeResourcesFit,
    VolumeRestrictions,
    NodeVolumeLimits,
    VolumeBinding,
    VolumeZone,
    PodTopologySpread,
    InterPodAffinity,
    DefaultPreemption,
    NodeResourcesBalancedAllocation,
    ImageLocality,
    DefaultBinder,
)

IN_TREE: Registry = {plugin.name: plugin for plugin in _PLUGINS}


def with_plugins(plugins: Iterable[type[Plugin]]) -> Registry:
    """The in-tree plugins and some more.

    Raises:
        ConfigError: Two plugins share a name.
        UsageError: Something is no plugin class.
    """
    registry = dict(IN_TREE)
    for plugin in several("plugins", plugins, "subclasses of Plugin"):
        if not (isinstance(plugin, type) and issubclass(plugin, Plugin)):
            raise UsageError(f"plugins holds {plugin!r}; expected subclasses of Plugin")
        if plugin.name in registry:
            raise ConfigError(f"a plugin named {plugin.name} already exists")
        registry[plugin.name] = plugin
    return registry
