from collections.abc import Sequence
from typing import TypeAlias

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.reasons import ReasonTable
from kschedcore._native.topology import AffinityTerm, Topology

HOSTNAME: str

Term: TypeAlias = Sequence[tuple[str, str, Sequence[str]]]
Soft: TypeAlias = tuple[str, AffinityTerm, int, bool, bool]
Hard: TypeAlias = tuple[str, AffinityTerm, int, bool, bool, int, int]

class PodTopologySpreadFilter(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        topology: Topology,
        selectors: Sequence[Sequence[Term]],
        tolerations: tuple[tuple[str, str, str, str], ...],
        constraints: Sequence[Hard],
    ) -> None: ...

class PodTopologySpreadScore(ScorePlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        topology: Topology,
        selectors: Sequence[Sequence[Term]],
        tolerations: tuple[tuple[str, str, str, str], ...],
        constraints: Sequence[Soft],
        require_all: bool = True,
        loaded: bool = True,
    ) -> None: ...
