import numpy as np
import numpy.typing as npt

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.reasons import ReasonTable

class Candidates(FilterPlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable) -> None: ...
    def set(self, slots: npt.NDArray[np.int32]) -> None: ...

class ExtenderScores(ScorePlugin):
    def __init__(self, nodes: NodeTable, reasons: ReasonTable) -> None: ...
    def set(self, slots: npt.NDArray[np.int32], scores: npt.NDArray[np.int64]) -> None: ...
