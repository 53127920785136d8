"""NodeResourcesBalancedAllocation: prefer nodes whose resources would be used in equal shares."""

from math import sqrt

from tests.model import resources
from tests.model.framework import MAX_NODE_SCORE, SKIP, Plugin, Prepared, truncated_quotient
from tests.model.labels import Json
from tests.model.plugins.node_resources_fit import CPU_AND_MEMORY, allocatable_and_requested
from tests.model.snapshot import NodeInfo, Snapshot
from tests.model.versions import LATEST, Kubernetes


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


def even(shares: list[float]) -> int:
    """100 when all shares are equal."""
    return int((1 - deviation(shares)) * MAX_NODE_SCORE)


class NodeResourcesBalancedAllocation(Plugin):
    name = "NodeResourcesBalancedAllocation"
    extension_points = frozenset({"preScore", "score"})

    def __init__(self, args: Json, kubernetes: Kubernetes = LATEST) -> None:
        self.resources = [resource["name"] for resource in args.get("resources") or CPU_AND_MEMORY]
        self.scores_improvement = kubernetes != "1.34"

    def pre_score(self, pod: Json, feasible: list[NodeInfo], snapshot: Snapshot) -> Prepared:
        """A pod that requests none of the resources is not scored."""
        requests = resources.pod_requests(pod)
        if all(requests.get(name, 0) == 0 for name in self.resources):
            return SKIP
        return Prepared(requests)

    def score(self, state: resources.Counted, pod: Json, info: NodeInfo) -> int:
        """The balance of the shares with the pod; in v1.36, how much the pod improves it."""
        shares_with: list[float] = []
        shares_without: list[float] = []
        for name in self.resources:
            request = state.get(name, 0)
            amounts = allocatable_and_requested(name, request, info, non_zero=False)
            if amounts is not None:
                capacity, requested = amounts
                shares_with.append(min(requested / capacity, 1.0))
                shares_without.append(min((requested - request) / capacity, 1.0))
        evenness = even(shares_with)
        if not self.scores_improvement:
            return evenness
        return 50 + truncated_quotient(50 + evenness - even(shares_without), 2)
