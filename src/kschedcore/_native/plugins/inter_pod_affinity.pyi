from collections.abc import Sequence

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.podinfo import PodInfo
from kschedcore._native.reasons import ReasonTable
from kschedcore._native.topology import AffinityTerm, Topology

REQUIRED_AFFINITY: str
REQUIRED_ANTI_AFFINITY: str
PREFERRED_AFFINITY: str
PREFERRED_ANTI_AFFINITY: str

class InterPodAffinityFilter(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        topology: Topology,
        info: PodInfo,
        affinity: Sequence[tuple[AffinityTerm, str]],
        anti_affinity: Sequence[tuple[AffinityTerm, str]],
    ) -> None: ...

class InterPodAffinityScore(ScorePlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        topology: Topology,
        info: PodInfo,
        preferred: Sequence[tuple[AffinityTerm, str, int]],
        hard_weight: int,
    ) -> None: ...
