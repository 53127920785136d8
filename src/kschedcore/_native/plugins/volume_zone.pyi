from collections.abc import Sequence

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.reasons import ReasonTable

Term = Sequence[tuple[str, str, Sequence[str]]]  # noqa: PYI026

class VolumeZone(FilterPlugin):
    def __init__(
        self, nodes: NodeTable, reasons: ReasonTable, zoned: Sequence[Term], wanted: Sequence[Sequence[Term]]
    ) -> None: ...
