from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.podinfo import PodInfo
from kschedcore._native.reasons import ReasonTable

class NodeResourcesFitFilter(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        info: PodInfo,
        ignored: AbstractSet[str] = ...,
        served: AbstractSet[str] = ...,
    ) -> None: ...

class NodeResourcesFitScore(ScorePlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        requests: dict[str, int],
        strategy: str,
        resources: Sequence[tuple[str, int]],
        shape: Sequence[tuple[int, int]] = (),
        loaded: bool = True,
    ) -> None: ...
