from collections.abc import Mapping, Sequence
from typing import Any

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.reasons import ReasonTable

MISSING_VOLUME: str

class VolumeBinding(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        bound: Sequence[Any],
        selected: Sequence[str],
        claims: Sequence[Mapping[str, Any]],
        volume_count: int,
    ) -> None: ...
