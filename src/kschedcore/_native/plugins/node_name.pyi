from collections.abc import Iterable

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin
from kschedcore._native.reasons import ReasonTable

class NodeName(FilterPlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable, name: str) -> None: ...

class PreFilterResult(FilterPlugin):
    def __init__(
        self, nodes: NodeTable, reasons: ReasonTable, names: Iterable[str], plugins: Iterable[str]
    ) -> None: ...
