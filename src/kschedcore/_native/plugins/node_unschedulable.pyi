from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.reasons import ReasonTable

TAINT: tuple[str, str, str]

class NodeUnschedulable(FilterPlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable) -> None: ...
