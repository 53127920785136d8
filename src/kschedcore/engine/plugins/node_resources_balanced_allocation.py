"""NodeResourcesBalancedAllocation: even use of a node's resources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import msgspec

from kschedcore._native.plugins.node_resources_balanced_allocation import (
    NodeResourcesBalancedAllocation as Kernel,
)
from kschedcore.api.machinery.field_errors import FieldError, duplicate, invalid
from kschedcore.api.versions import Rule
from kschedcore.engine.config.args import CPU_AND_MEMORY, Args, ResourceSpec, weighted
from kschedcore.engine.plugin import Plugin, PodContext


class NodeResourcesBalancedAllocationArgs(Args, frozen=True):
    """Arguments of NodeResourcesBalancedAllocation; every weight is 1."""

    resources: tuple[ResourceSpec, ...] = CPU_AND_MEMORY

    def defaulted(self) -> Self:
        """Fill in the weights of the resources."""
        return msgspec.structs.replace(self, resources=weighted(self.resources))

    def errors(self, path: str) -> Iterable[FieldError]:
        """Yield the errors (``ValidateNodeResourcesBalancedAllocationArgs``)."""
        seen: set[str] = set()
        for index, resource in enumerate(self.resources):
            place = f"{path}.resources[{index}]"
            if resource.name in seen:
                yield duplicate(f"{place}.name", resource.name)
            seen.add(resource.name)
            if resource.weight != 1:
                yield invalid(f"{place}.weight", resource.weight, "must be 1")


class NodeResourcesBalancedAllocation(Plugin):
    """Prefers nodes whose resources would be used evenly; skipped for pods that request none of them."""

    name = "NodeResourcesBalancedAllocation"
    points = frozenset({"preScore", "score"})
    args_type = NodeResourcesBalancedAllocationArgs
    args: NodeResourcesBalancedAllocationArgs

    def score(self, context: PodContext) -> Kernel | None:
        """Compile the preference."""
        names = [resource.name for resource in self.args.resources]
        requested = context.info.requested()
        if not any(requested.get(name) for name in names):
            return None
        improvement = self.release.has(Rule.BALANCED_ALLOCATION_SCORES_IMPROVEMENT)
        nodes, reasons = context.core.nodes, context.core.reasons
        return Kernel(nodes, reasons, context.info, names, improvement, context.loaded)
