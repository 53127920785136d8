from collections.abc import Sequence
from typing import TypeAlias

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.reasons import ReasonTable

Term: TypeAlias = Sequence[tuple[str, str, Sequence[str]]]

class VolumeZone(FilterPlugin):
    def __init__(
        self, nodes: NodeTable, reasons: ReasonTable, zoned: Sequence[Term], wanted: Sequence[Sequence[Term]]
    ) -> None: ...
