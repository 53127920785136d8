"""Arguments of the in-tree plugins (kubescheduler.config.k8s.io/v1), with Kubernetes' defaults."""

from __future__ import annotations

from typing import Literal

import msgspec

from kschedcore.api.objects import NodeAffinity, TopologySpreadConstraint


class Args(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Base of plugin arguments."""


class NoArgs(Args, frozen=True):
    """Arguments of a plugin that takes none."""


class ResourceSpec(msgspec.Struct, frozen=True):
    """A resource and its weight in a scoring strategy, 1 to 100."""

    name: str
    weight: int = 1


class UtilizationShapePoint(msgspec.Struct, frozen=True):
    """A point of RequestedToCapacityRatio's function: utilisation 0 to 100, score 0 to 10."""

    utilization: int
    score: int


class RequestedToCapacityRatioParam(msgspec.Struct, frozen=True):
    """The function of RequestedToCapacityRatio, as points of ascending utilisation."""

    shape: tuple[UtilizationShapePoint, ...] = ()


CPU_AND_MEMORY = (ResourceSpec("cpu", 1), ResourceSpec("memory", 1))


class ScoringStrategy(msgspec.Struct, frozen=True, rename="camel"):
    """How NodeResourcesFit scores a node's utilisation."""

    type: Literal["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"] = "LeastAllocated"
    resources: tuple[ResourceSpec, ...] = CPU_AND_MEMORY
    requested_to_capacity_ratio: RequestedToCapacityRatioParam | None = None


class NodeResourcesFitArgs(Args, frozen=True):
    """Arguments of NodeResourcesFit."""

    ignored_resources: tuple[str, ...] = ()
    ignored_resource_groups: tuple[str, ...] = ()
    scoring_strategy: ScoringStrategy = ScoringStrategy()


class NodeResourcesBalancedAllocationArgs(Args, frozen=True):
    """Arguments of NodeResourcesBalancedAllocation."""

    resources: tuple[ResourceSpec, ...] = CPU_AND_MEMORY


class NodeAffinityArgs(Args, frozen=True):
    """Arguments of NodeAffinity: affinity added to every pod of the profile."""

    added_affinity: NodeAffinity | None = None


class InterPodAffinityArgs(Args, frozen=True):
    """Arguments of InterPodAffinity; the weight is 0 to 100."""

    hard_pod_affinity_weight: int = 1
    ignore_preferred_terms_of_existing_pods: bool = False


class PodTopologySpreadArgs(Args, frozen=True):
    """Arguments of PodTopologySpread: constraints for pods that have none of their own."""

    default_constraints: tuple[TopologySpreadConstraint, ...] = ()
    defaulting_type: Literal["System", "List"] = "System"


class VolumeBindingArgs(Args, frozen=True):
    """Arguments of VolumeBinding."""

    bind_timeout_seconds: int = 600
    shape: tuple[UtilizationShapePoint, ...] = ()


class DefaultPreemptionArgs(Args, frozen=True):
    """Arguments of DefaultPreemption: how many candidate nodes a dry run looks for."""

    min_candidate_nodes_percentage: int = 10
    min_candidate_nodes_absolute: int = 100
