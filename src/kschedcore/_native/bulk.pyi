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
def admit(nodes: NodeTable, names: list[str]) -> NDArray[np.int32]: ...
def set_allocatable(
    nodes: NodeTable, resource: str, slots: NDArray[np.int32], amounts: NDArray[np.int64]
) -> None: ...
def set_label(
    nodes: NodeTable, key: str, slots: NDArray[np.int32], codes: NDArray[np.int32], values: list[str]
) -> None: ...
def finish(
    nodes: NodeTable,
    slots: NDArray[np.int32],
    key_sets: tuple[NDArray[np.int32], Sequence[tuple[str, ...]]],
    taint_sets: tuple[NDArray[np.int32], Sequence[tuple[tuple[str, str, str], ...]]],
    unschedulable: NDArray[np.uint8],
) -> None: ...
def set_images(nodes: NodeTable, slot: int, images: tuple[tuple[tuple[str, ...], int], ...]) -> None: ...
