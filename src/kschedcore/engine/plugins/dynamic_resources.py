"""DynamicResources (KEP-4381): pods that claim devices."""

from __future__ import annotations

from kschedcore._native.plugins.dynamic_resources import EqualScore
from kschedcore.api.versions import Rule
from kschedcore.engine.plugin import FailedCycle, Plugin, PodContext, PostFilterResult, Status

NOTHING_TO_DEALLOCATE = "no new claims to deallocate"


class DynamicResources(Plugin):
    """Passes pods without claims, and scores all nodes alike for them; runs before preemption in PostFilter."""

    name = "DynamicResources"

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:  # noqa: ARG002
        """Let every cycle go on."""
        return None

    def post_filter(self, cycle: FailedCycle) -> PostFilterResult | Status:
        """Answer that there is no claim to deallocate.

        kube-scheduler's plugin fails where its PreFilter left no state because another plugin's had ended the
        cycle before: that error, ``not found``, keeps preemption from running.
        """
        if self.name not in cycle.pre_filtered:
            return Status("Error", self.name, ("not found",))
        return Status("Unschedulable", self.name, (NOTHING_TO_DEALLOCATE,))

    def score(self, context: PodContext) -> EqualScore | None:
        """Score every node 0; v1.34's plugin has no Score."""
        if not self.release.has(Rule.DYNAMIC_RESOURCES_SCORES):
            return None
        return EqualScore(context.core.nodes, context.core.reasons, self.name)
