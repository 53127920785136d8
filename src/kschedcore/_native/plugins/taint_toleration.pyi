from collections.abc import Iterable
from typing import TypeAlias

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.reasons import ReasonTable

Taint: TypeAlias = tuple[str, str, str]
Toleration: TypeAlias = tuple[str, str, str, str]

def tolerates(toleration: Toleration, taint: Taint) -> bool: ...
def untolerated(
    taints: Iterable[Taint], tolerations: Iterable[Toleration], effects: tuple[str, ...]
) -> Taint | None: ...

class TaintTolerationFilter(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        tolerations: tuple[Toleration, ...],
        names_taint: bool,
    ) -> None: ...

class TaintTolerationScore(ScorePlugin):
    def __init__(
        self, nodes: NodeTable, reasons: ReasonTable, tolerations: tuple[Toleration, ...]
    ) -> None: ...
