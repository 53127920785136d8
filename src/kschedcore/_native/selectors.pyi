from collections.abc import Sequence

from kschedcore._native.nodes import NodeTable

class NodeSelector:
    terms: int
    def __init__(
        self, nodes: NodeTable, terms: Sequence[Sequence[tuple[str, str, Sequence[str]]]]
    ) -> None: ...
    def match(self, slot: int) -> bool: ...
