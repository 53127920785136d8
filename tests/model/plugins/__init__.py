"""The in-tree plugins that place pods, by name."""

from collections.abc import Callable

from tests.model.framework import Plugin
from tests.model.labels import Json
from tests.model.plugins.default_preemption import DefaultPreemption
from tests.model.plugins.dynamic_resources import DynamicResources
from tests.model.plugins.image_locality import ImageLocality
from tests.model.plugins.inter_pod_affinity import InterPodAffinity
from tests.model.plugins.node_affinity import NodeAffinity
from tests.model.plugins.node_declared_features import NodeDeclaredFeatures
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
from tests.model.versions import Kubernetes

REGISTRY: dict[str, Callable[[Json, Kubernetes], Plugin]] = {
    "SchedulingGates": lambda args, kubernetes: SchedulingGates(),
    "NodeUnschedulable": lambda args, kubernetes: NodeUnschedulable(),
    "NodeName": lambda args, kubernetes: NodeName(),
    "TaintToleration": lambda args, kubernetes: TaintToleration(kubernetes),
    "NodeAffinity": lambda args, kubernetes: NodeAffinity(args),
    "NodePorts": lambda args, kubernetes: NodePorts(),
    "NodeResourcesFit": lambda args, kubernetes: NodeResourcesFit(args, kubernetes),
    "VolumeRestrictions": lambda args, kubernetes: VolumeRestrictions(),
    "NodeVolumeLimits": lambda args, kubernetes: NodeVolumeLimits(),
    "VolumeBinding": lambda args, kubernetes: VolumeBinding(),
    "VolumeZone": lambda args, kubernetes: VolumeZone(),
    "PodTopologySpread": lambda args, kubernetes: PodTopologySpread(args),
    "InterPodAffinity": lambda args, kubernetes: InterPodAffinity(args),
    "DynamicResources": lambda args, kubernetes: DynamicResources(args, kubernetes),
    "DefaultPreemption": lambda args, kubernetes: DefaultPreemption(),
    "NodeResourcesBalancedAllocation": lambda args, kubernetes: NodeResourcesBalancedAllocation(
        args, kubernetes
    ),
    "ImageLocality": lambda args, kubernetes: ImageLocality(kubernetes),
    "NodeDeclaredFeatures": lambda args, kubernetes: NodeDeclaredFeatures(kubernetes),
}
