from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import ScorePlugin
from kschedcore._native.reasons import ReasonTable

class EqualScore(ScorePlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable, name: str) -> None: ...
