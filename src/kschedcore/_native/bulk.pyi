from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kschedcore._native.core import Core
from kschedcore._native.nodes import NodeTable
from kschedcore._native.podinfo import PodInfo

def bind_rows(
    core: Core,
    infos: list[PodInfo],
    info_of: NDArray[np.int32],
    slots: NDArray[np.int32],
    starts: NDArray[np.int64],
    arrivals: NDArray[np.int64],
) -> NDArray[np.int32]: ...
def add_nodes(
    nodes: NodeTable,
    names: list[str],
    allocatable: dict[str, NDArray[np.int64]],
    labels: dict[str, tuple[NDArray[np.int32], list[str]]],
    key_sets: tuple[NDArray[np.int32], Sequence[tuple[str, ...]]],
    taint_sets: tuple[NDArray[np.int32], Sequence[tuple[tuple[str, str, str], ...]]],
    unschedulable: NDArray[np.uint8],
    images: list[tuple[int, tuple[tuple[tuple[str, ...], int], ...]]],
) -> None: ...
