from collections.abc import Sequence

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import ScorePlugin
from kschedcore._native.reasons import ReasonTable

class ImageLocality(ScorePlugin):
    def __init__(
        self, nodes: NodeTable, reasons: ReasonTable, images: Sequence[str], containers: int
    ) -> None: ...
