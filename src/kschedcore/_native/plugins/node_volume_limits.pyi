from collections.abc import Mapping, Sequence

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.reasons import ReasonTable

class NodeVolumeLimits(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        volumes: Mapping[str, Sequence[tuple[str, ...]]],
        limits: Mapping[str, Mapping[str, int]],
        tags: Mapping[str, int],
    ) -> None: ...
