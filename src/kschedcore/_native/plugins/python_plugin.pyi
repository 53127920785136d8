from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from kschedcore._native.nodes import NodeTable
from kschedcore._native.plugin import FilterPlugin, ScorePlugin
from kschedcore._native.reasons import ReasonTable

class PythonFilter(FilterPlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        name: str,
        accepts: Callable[[npt.NDArray[np.int32]], npt.NDArray[np.bool_]],
        reason: str,
        code: str,
        whole: bool,
        failed: Callable[[BaseException], None],
    ) -> None: ...

class PythonScore(ScorePlugin):
    def __init__(
        self,
        nodes: NodeTable,
        reasons: ReasonTable,
        name: str,
        rate: Callable[[npt.NDArray[np.int32]], npt.NDArray[np.int64]],
        scale: str,
        whole: bool,
        failed: Callable[[BaseException], None],
    ) -> None: ...
