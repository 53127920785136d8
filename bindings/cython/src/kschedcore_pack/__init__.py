"""PackResource: prefer the feasible node with the highest utilisation of a resource.

What is left free is then left free together, so that a pod that wants a whole node's worth still finds it.
"""

from __future__ import annotations

from kschedcore.engine.config.args import Args
from kschedcore.engine.plugin import Plugin, PodContext
from kschedcore.rules.amounts import pod_requests
from kschedcore_pack.kernel import PackKernel

__all__ = ["PackArgs", "PackResource"]


class PackArgs(Args, frozen=True):
    """The plugin's arguments in ``pluginConfig``.

    Attributes:
        resource: The resource to fill up.
    """

    resource: str = "nvidia.com/gpu"


class PackResource(Plugin):
    """Rates nodes 0 to 100 by the share of a resource that would be requested; skips pods that want none of it."""

    name = "PackResource"
    points = frozenset({"score"})
    args_type = PackArgs
    args: PackArgs

    def score(self, context: PodContext) -> PackKernel | None:
        """The rule for one pod."""
        wanted = pod_requests(context.pod.spec).get(self.args.resource, 0)
        if not wanted:
            return None
        return PackKernel(context.core.nodes, context.core.reasons, self.args.resource, wanted)
