"""Two placement rules of one's own over columns of nodes, and a profile that uses them.

``Headroom`` keeps a share of each node's cpu free; ``CheapestNode`` prefers nodes with a low price, which nodes
carry as a label. Run it: ``python examples/plugins/cheapest_node.py``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kschedcore.api.objects import Pod
from kschedcore.engine.config.args import Args
from kschedcore.engine.engine import Engine
from kschedcore.engine.user_plugins import FilterPlugin, NodeColumns, ScorePlugin
from kschedcore.rules.amounts import pod_requests

PRICE = "example.com/cents-per-hour"


class HeadroomArgs(Args, frozen=True):
    """The plugin's arguments in ``pluginConfig``."""

    percent: int = 10


class Headroom(FilterPlugin):
    """Rejects nodes of which the pod would take the last free share of cpu."""

    name = "Headroom"
    args_type = HeadroomArgs
    args: HeadroomArgs
    reason = "node(s) had too little headroom"
    resolvable = True  # evicting pods makes headroom

    def filter_nodes(self, pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.bool_]:
        """Compare what would be requested with what may be."""
        wanted = pod_requests(pod.spec).get("cpu", 0)
        usable = nodes.allocatable("cpu") * (100 - self.args.percent) // 100
        fits: npt.NDArray[np.bool_] = nodes.requested("cpu") + wanted <= usable
        return fits


class CheapestNode(ScorePlugin):
    """Prefers low prices; a node without one is the dearest."""

    name = "CheapestNode"
    normalise = "lowest"

    def score_nodes(self, _pod: Pod, nodes: NodeColumns) -> npt.NDArray[np.int64]:
        """Read the prices."""
        label = nodes.label(PRICE)
        prices = {text: int(text) for text in label.values if text.isdigit()}
        column: npt.NDArray[np.int64] = label.map(prices, default=max(prices.values(), default=0))
        return column


CONFIG = {
    "apiVersion": "kubescheduler.config.k8s.io/v1",
    "kind": "KubeSchedulerConfiguration",
    "profiles": [
        {
            "plugins": {
                "multiPoint": {"enabled": [{"name": "Headroom"}, {"name": "CheapestNode", "weight": 10}]}
            },
            "pluginConfig": [{"name": "Headroom", "args": {"percent": 25}}],
        }
    ],
}


def main() -> None:
    """Place four pods on three nodes of different prices."""
    engine = Engine(config=CONFIG, plugins=[Headroom, CheapestNode])
    for name, price in (("spot", "4"), ("reserved", "9"), ("on-demand", "20")):
        allocatable = {"cpu": "4", "memory": "16Gi", "pods": "110"}
        engine.set_node(
            {"metadata": {"name": name, "labels": {PRICE: price}}, "status": {"allocatable": allocatable}}
        )
    container = {"name": "work", "resources": {"requests": {"cpu": "2", "memory": "1Gi"}}}
    pods = [
        {"metadata": {"name": f"work-{index}"}, "spec": {"containers": [container]}} for index in range(4)
    ]
    for decision in engine.schedule(pods):
        print(f"{decision.pod_name}: {decision.node or decision.message}")


if __name__ == "__main__":
    main()
