from collections.abc import Iterable

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.reasons import ReasonTable

class NodeDeclaredFeatures(FilterPlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable, marks: Iterable[str]) -> None: ...
