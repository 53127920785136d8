"""NodeResourcesFit: whether a pod's requests fit, and how full the node would be."""

from __future__ import annotations

from kschedcore._native.plugins.node_resources_fit import NodeResourcesFitFilter, NodeResourcesFitScore
from kschedcore.api.resource_names import is_extended
from kschedcore.engine.config.args import NodeResourcesFitArgs
from kschedcore.engine.plugin import Plugin, PodContext
from kschedcore.rules.amounts import scored_requests

_SCORE_SCALE = 10
"""Shape points score 0 to 10 (MaxCustomPriorityScore); nodes score 0 to 100."""


class NodeResourcesFit(Plugin):
    """Rejects nodes without enough left of a requested resource; scores by the profile's strategy."""

    name = "NodeResourcesFit"
    points = frozenset({"preFilter", "filter", "preScore", "score"})
    args: NodeResourcesFitArgs

    def _ignores(self, resource: str) -> bool:
        if not is_extended(resource):
            return False
        return (
            resource in self.args.ignored_resources
            or resource.partition("/")[0] in self.args.ignored_resource_groups
        )

    def filter(self, context: PodContext) -> NodeResourcesFitFilter:
        """Compile the hard rule."""
        ignored = {name for name in context.info.requested() if self._ignores(name)}
        return NodeResourcesFitFilter(context.core.nodes, context.core.reasons, context.info, ignored)

    def score(self, context: PodContext) -> NodeResourcesFitScore:
        """Compile the scoring strategy."""
        strategy = self.args.scoring_strategy
        ratio = strategy.requested_to_capacity_ratio
        return NodeResourcesFitScore(
            context.core.nodes,
            context.core.reasons,
            scored_requests(context.pod.spec),
            strategy.type,
            [(resource.name, resource.weight) for resource in strategy.resources],
            [(point.utilization, point.score * _SCORE_SCALE) for point in ratio.shape] if ratio else (),
        )
