from collections.abc import Sequence

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import ScorePlugin
from kschedcore._native.podinfo import PodInfo
from kschedcore._native.reasons import ReasonTable

class NodeResourcesBalancedAllocation(ScorePlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        info: PodInfo,
        resources: Sequence[str],
        improvement: bool,
        loaded: bool = True,
    ) -> None: ...
