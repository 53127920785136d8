from collections.abc import Sequence
from typing import TypeAlias

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.reasons import ReasonTable

Term: TypeAlias = Sequence[tuple[str, str, Sequence[str]]]

class NodeAffinityFilter(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        added: Sequence[Term] | None,
        selector: Term | None,
        required: Sequence[Term] | None,
    ) -> None: ...

class NodeAffinityScore(ScorePlugin):
    def __init__(
        self, nodes: NodeTable, reasons: ReasonTable, preferred: Sequence[tuple[int, Term]]
    ) -> None: ...
