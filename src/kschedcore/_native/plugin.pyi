from typing import Self

from kschedcore._native.nodes import NodeTable
from kschedcore._native.reasons import ReasonTable

class Plugin:
    name: str
    nodes: NodeTable
    reasons: ReasonTable
    depends: int
    def release(self) -> None: ...

class FilterPlugin(Plugin): ...

class ScorePlugin(Plugin):
    weight: int
    normalises: bool
    def weigh(self, weight: int) -> Self: ...
