"""The in-tree plugins by name. A new plugin is one file and one line here."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.arguments import several
from kschedcore.engine.plugin import Plugin, Registry
from kschedcore.engine.plugins.default_binder import DefaultBinder
from kschedcore.engine.plugins.default_preemption import DefaultPreemption
from kschedcore.engine.plugins.image_locality import ImageLocality
from kschedcore.engine.plugins.inter_pod_affinity import InterPodAffinity
from kschedcore.engine.plugins.node_affinity import NodeAffinity
from kschedcore.engine.plugins.node_name import NodeName
from kschedcore.engine.plugins.node_ports import NodePorts
from kschedcore.engine.plugins.node_resources_balanced_allocation import NodeResourcesBalancedAllocation
from kschedcore.engine.plugins.node_resources_fit import NodeResourcesFit
from kschedcore.engine.plugins.node_unschedulable import NodeUnschedulable
from kschedcore.engine.plugins.node_volume_limits import NodeVolumeLimits
from kschedcore.engine.plugins.pod_topology_spread import PodTopologySpread
from kschedcore.engine.plugins.priority_sort import PrioritySort
from kschedcore.engine.plugins.scheduling_gates import SchedulingGates
from kschedcore.engine.plugins.taint_toleration import TaintToleration
from kschedcore.engine.plugins.volume_binding import VolumeBinding
from kschedcore.engine.plugins.volume_restrictions import VolumeRestrictions
from kschedcore.engine.plugins.volume_zone import VolumeZone
from kschedcore.errors import ConfigError, UsageError

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
