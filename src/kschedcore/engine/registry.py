"""The in-tree plugins, in kube-scheduler's default order and with its default weights.

To add a plugin, add a file in ``engine/plugins`` and a line here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kschedcore.api.arguments import several
from kschedcore.api.versions import Release
from kschedcore.engine.config.args import Args
from kschedcore.engine.config.types import EnabledPlugin
from kschedcore.engine.plugin import Plugin, Registry, registration_problems
from kschedcore.engine.plugins.default_binder import DefaultBinder
from kschedcore.engine.plugins.default_preemption import DefaultPreemption
from kschedcore.engine.plugins.dynamic_resources import DynamicResources
from kschedcore.engine.plugins.image_locality import ImageLocality
from kschedcore.engine.plugins.inter_pod_affinity import InterPodAffinity
from kschedcore.engine.plugins.node_affinity import NodeAffinity
from kschedcore.engine.plugins.node_declared_features import NodeDeclaredFeatures
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

_DEFAULTS: tuple[tuple[type[Plugin], int, str], ...] = (
    (SchedulingGates, 0, ""),
    (PrioritySort, 0, ""),
    (NodeUnschedulable, 0, ""),
    (NodeName, 0, ""),
    (TaintToleration, 3, ""),
    (NodeAffinity, 2, ""),
    (NodePorts, 0, ""),
    (NodeResourcesFit, 1, ""),
    (VolumeRestrictions, 0, ""),
    (NodeVolumeLimits, 0, ""),
    (VolumeBinding, 0, ""),
    (VolumeZone, 0, ""),
    (PodTopologySpread, 2, ""),
    (InterPodAffinity, 2, ""),
    (DynamicResources, 2, "DynamicResourceAllocation"),
    (DefaultPreemption, 0, ""),
    (NodeResourcesBalancedAllocation, 1, ""),
    (ImageLocality, 1, ""),
    (DefaultBinder, 0, ""),
    (NodeDeclaredFeatures, 0, "NodeDeclaredFeatures"),
)
"""kube-scheduler's ``multiPoint`` list: (plugin, weight or 0, feature gate or empty)."""

IN_TREE: Registry = {plugin.name: plugin for plugin, _, _ in _DEFAULTS}

DEFAULT_ARGS: Mapping[str, Args] = {plugin.name: plugin.args_type() for plugin, _, _ in _DEFAULTS}
"""In-tree plugin -> its default arguments."""


def defaults(release: Release) -> list[EnabledPlugin]:
    """Return the ``multiPoint`` list of a version."""
    return [
        EnabledPlugin(plugin.name, weight)
        for plugin, weight, gate in _DEFAULTS
        if not gate or release.enabled(gate)
    ]


def with_plugins(plugins: Iterable[type[Plugin]]) -> Registry:
    """Return the in-tree plugins and custom ones.

    Raises:
        ConfigError: Two plugins have the same name, or one declares an extension point at which it is not called.
        UsageError: An item is not a plugin class.
    """
    registry = dict(IN_TREE)
    for plugin in several("plugins", plugins, "subclasses of Plugin"):
        if not (isinstance(plugin, type) and issubclass(plugin, Plugin)):
            raise UsageError(f"plugins holds {plugin!r}; expected subclasses of Plugin")
        if plugin.name in registry:
            raise ConfigError(f"a plugin named {plugin.name} already exists")
        for problem in registration_problems(plugin):
            raise ConfigError(f"plugin {plugin.name}: {problem}")
        registry[plugin.name] = plugin
    return registry
