"""NodeResourcesBalancedAllocation: prefer nodes whose resources would be used in equal shares."""

from math import sqrt

from tests.model import resources
from tests.model.framework import MAX_NODE_SCORE, SKIP, Plugin, Prepared
from tests.model.labels import Json
from tests.model.plugins.node_resources_fit import CPU_AND_MEMORY, allocatable_and_requested
from tests.model.snapshot import NodeInfo, Snapshot


def deviation(shares: list[float]) -> float:
    """The standard deviation; of two shares it is half their distance."""
    if len(shares) < 2:
        return 0.0
    if len(shares) == 2:
        return abs((shares[0] - shares[1]) / 2)
    mean = sum_in_order(shares) / len(shares)
    return sqrt(sum_in_order([(share - mean) * (share - mean) for share in shares]) / len(shares))


def sum_in_order(values: list[float]) -> float:
    """Left to right, each addition rounded; `sum` of newer Pythons compensates in the last bit."""
    total = 0.0
    for value in values:
        total = total + value
    return total


class NodeResourcesBalancedAllocation(Plugin):
    name = "NodeResourcesBalancedAllocation"
    extension_points = frozenset({"preScore", "score"})

    def __init__(self, args: Json) -> None:
        self.resources = [resource["name"] for resource in args.get("resources") or CPU_AND_MEMORY]

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        """A pod that asks for none of the resources would land on the emptiest share anywhere: not scored."""
        requests = resources.pod_requests(pod)
        if all(requests.get(name, 0) == 0 for name in self.resources):
            return SKIP
        return Prepared(requests)

    def score(self, state: resources.Counted, pod: Json, info: NodeInfo) -> int:
        shares = []
        for name in self.resources:
            amounts = allocatable_and_requested(name, state.get(name, 0), info, non_zero=False)
            if amounts is not None:
                capacity, requested = amounts
                shares.append(min(requested / capacity, 1.0))
        return int((1 - deviation(shares)) * MAX_NODE_SCORE)
