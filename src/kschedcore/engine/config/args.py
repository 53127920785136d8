"""Arguments of the in-tree plugins (kubescheduler.config.k8s.io/v1), with Kubernetes' defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

import msgspec

from kschedcore.api.objects import NodeAffinity, TopologySpreadConstraint

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""An integer that fits Kubernetes' int32 fields."""


class Fields(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of what a configuration file holds; a field that does not exist is an error."""


class Args(Fields, frozen=True, kw_only=True):
    """Base of plugin arguments. The arguments of a plugin of one's own are a subclass of it."""

    def defaulted(self) -> Self:
        """The same arguments with what is empty but may not be filled in."""
        return self


class NoArgs(Args, frozen=True):
    """Arguments of a plugin that takes none."""


class ResourceSpec(Fields, frozen=True):
    """A resource and its weight in a scoring strategy, 1 to 100; 0 stands for 1."""

    name: str = ""
    weight: Int32 = 0


class UtilizationShapePoint(Fields, frozen=True):
    """A point of RequestedToCapacityRatio's function: utilisation 0 to 100, score 0 to 10."""

    utilization: Int32 = 0
    score: Int32 = 0


class RequestedToCapacityRatioParam(Fields, frozen=True):
    """The function of RequestedToCapacityRatio, as points of ascending utilisation."""

    shape: tuple[UtilizationShapePoint, ...] = ()


CPU_AND_MEMORY = (ResourceSpec("cpu", 1), ResourceSpec("memory", 1))


def _weighted(resources: tuple[ResourceSpec, ...]) -> tuple[ResourceSpec, ...]:
    """Resources with their weights filled in; cpu and memory when there are none."""
    return tuple(ResourceSpec(each.name, each.weight or 1) for each in resources) or CPU_AND_MEMORY


class ScoringStrategy(Fields, frozen=True):
    """How NodeResourcesFit scores a node's utilisation.

    Attributes:
        type: ``LeastAllocated``, ``MostAllocated`` or ``RequestedToCapacityRatio``.
        resources: What is looked at.
        requested_to_capacity_ratio: The function of RequestedToCapacityRatio; None for the other types.
    """

    type: str = ""
    resources: tuple[ResourceSpec, ...] = CPU_AND_MEMORY
    requested_to_capacity_ratio: RequestedToCapacityRatioParam | None = None


class NodeResourcesFitArgs(Args, frozen=True):
    """Arguments of NodeResourcesFit."""

    ignored_resources: tuple[str, ...] = ()
    ignored_resource_groups: tuple[str, ...] = ()
    scoring_strategy: ScoringStrategy = ScoringStrategy("LeastAllocated")

    def defaulted(self) -> Self:
        """Weigh the strategy's resources."""
        strategy = self.scoring_strategy
        weighted = msgspec.structs.replace(strategy, resources=_weighted(strategy.resources))
        return msgspec.structs.replace(self, scoring_strategy=weighted)


class NodeResourcesBalancedAllocationArgs(Args, frozen=True):
    """Arguments of NodeResourcesBalancedAllocation; every weight is 1."""

    resources: tuple[ResourceSpec, ...] = CPU_AND_MEMORY

    def defaulted(self) -> Self:
        """Weigh the resources."""
        return msgspec.structs.replace(self, resources=_weighted(self.resources))


class NodeAffinityArgs(Args, frozen=True):
    """Arguments of NodeAffinity: affinity added to every pod of the profile."""

    added_affinity: NodeAffinity | None = None


class InterPodAffinityArgs(Args, frozen=True):
    """Arguments of InterPodAffinity; the weight is 0 to 100."""

    hard_pod_affinity_weight: Int32 = 1
    ignore_preferred_terms_of_existing_pods: bool = False


class PodTopologySpreadArgs(Args, frozen=True):
    """Arguments of PodTopologySpread: constraints for pods that have none of their own.

    Attributes:
        default_constraints: The constraints, without selectors; only with ``List``.
        defaulting_type: ``System`` for kube-scheduler's own list, or ``List``.
    """

    default_constraints: tuple[TopologySpreadConstraint, ...] = ()
    defaulting_type: str = "System"

    def defaulted(self) -> Self:
        """Read an empty type as ``System``."""
        return self if self.defaulting_type else msgspec.structs.replace(self, defaulting_type="System")


class VolumeBindingArgs(Args, frozen=True):
    """Arguments of VolumeBinding; ``shape`` belongs to a feature that v1.34 has switched off."""

    bind_timeout_seconds: int = 600
    shape: tuple[UtilizationShapePoint, ...] | None = None


class DefaultPreemptionArgs(Args, frozen=True):
    """Arguments of DefaultPreemption: how many candidate nodes a dry run looks for."""

    min_candidate_nodes_percentage: Int32 = 10
    min_candidate_nodes_absolute: Int32 = 100


DEFAULT_ARGS: Mapping[str, Args] = {
    "DefaultPreemption": DefaultPreemptionArgs(),
    "InterPodAffinity": InterPodAffinityArgs(),
    "NodeAffinity": NodeAffinityArgs(),
    "NodeResourcesBalancedAllocation": NodeResourcesBalancedAllocationArgs(),
    "NodeResourcesFit": NodeResourcesFitArgs(),
    "PodTopologySpread": PodTopologySpreadArgs(),
    "VolumeBinding": VolumeBindingArgs(),
}
"""In-tree plugins that take arguments, and what these are when none are given."""
