"""The in-tree plugins that place pods, by name."""

from collections.abc import Callable

from tests.model.framework import Plugin
from tests.model.labels import Json
from tests.model.plugins.default_preemption import DefaultPreemption
from tests.model.plugins.image_locality import ImageLocality
from tests.model.plugins.inter_pod_affinity import InterPodAffinity
from tests.model.plugins.node_affinity import NodeAffinity
from tests.model.plugins.node_name import NodeName
from tests.model.plugins.node_ports import NodePorts
from tests.model.plugins.node_resources_balanced_allocation import NodeResourcesBalancedAllocation
from tests.model.plugins.node_resources_fit import NodeResourcesFit
from tests.model.plugins.node_volume_limits import NodeVolumeLimits
from tests.model.plugins.pod_topology_spread import PodTopologySpread
from tests.model.plugins.scheduling_gates import SchedulingGates
from tests.model.plugins.taint_toleration import NodeUnschedulable, TaintToleration
from tests.model.plugins.volume_binding import VolumeBinding
from tests.model.plugins.volume_restrictions import VolumeRestrictions
from tests.model.plugins.volume_zone import VolumeZone

REGISTRY: dict[str, Callable[[Json], Plugin]] = {
    "SchedulingGates": lambda args: SchedulingGates(),
    "NodeUnschedulable": lambda args: NodeUnschedulable(),
    "NodeName": lambda args: NodeName(),
    "TaintToleration": lambda args: TaintToleration(),
    "NodeAffinity": NodeAffinity,
    "NodePorts": lambda args: NodePorts(),
    "NodeResourcesFit": NodeResourcesFit,
    "VolumeRestrictions": lambda args: VolumeRestrictions(),
    "NodeVolumeLimits": lambda args: NodeVolumeLimits(),
    "VolumeBinding": lambda args: VolumeBinding(),
    "VolumeZone": lambda args: VolumeZone(),
    "PodTopologySpread": PodTopologySpread,
    "InterPodAffinity": InterPodAffinity,
    "DefaultPreemption": lambda args: DefaultPreemption(),
    "NodeResourcesBalancedAllocation": NodeResourcesBalancedAllocation,
    "ImageLocality": lambda args: ImageLocality(),
}
