import numpy as np
from numpy.typing import NDArray

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import ScorePlugin
from kschedcore._native.shared import Shared

class Scores:
    plugins: list[ScorePlugin]
    def __init__(self, nodes: NodeTable, shared: Shared, plugins: list[ScorePlugin]) -> None: ...
    def alone(self, slot: int) -> int | None: ...
    def by_plugin(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64], int]]: ...
