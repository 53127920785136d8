from typing import Protocol

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.reasons import ReasonTable

class Claims(Protocol):
    def verdict(self, slot: int) -> int: ...
    def score(self, slot: int) -> int: ...

class EqualScore(ScorePlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable, name: str) -> None: ...

class DeviceFilter(FilterPlugin):
    claims: Claims
    failure: BaseException | None
    def __init__(self, nodes: NodeTable, reasons: ReasonTable, name: str, claims: Claims) -> None: ...

class DeviceScore(ScorePlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable, name: str, claims: Claims) -> None: ...
