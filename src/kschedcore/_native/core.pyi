from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kschedcore._native.nodes import NodeTable
from kschedcore._native.nominations import Nominations
from kschedcore._native.podclass import PodClass
from kschedcore._native.podinfo import PodInfo
from kschedcore._native.pods import PodTable
from kschedcore._native.reasons import ReasonTable
from kschedcore._native.shared import Shared
from kschedcore._native.topology import Topology

class Core:
    nodes: NodeTable
    reasons: ReasonTable
    pods: PodTable
    topology: Topology
    nominations: Nominations
    shared: Shared
    random_state: int
    def __init__(self, random_ties: bool = False, seed: int = 0) -> None: ...
    def bind(self, info: PodInfo, slot: int, start: int = ..., arrival: int = -1) -> int: ...
    def unbind(self, pod: int) -> None: ...
    def set_extra_holdings(self, slot: int, holdings: frozenset[tuple[tuple[str, ...], int]]) -> None: ...
    def note_load(self, slot: int) -> None: ...
    def set_node(
        self,
        name: str,
        allocatable: dict[str, int],
        labels: dict[str, str],
        taints: tuple[tuple[str, str, str], ...],
        images: tuple[tuple[tuple[str, ...], int], ...],
        unschedulable: bool,
    ) -> int: ...
    def place(
        self,
        classes: list[PodClass],
        bind: bool = True,
        on_failure: Callable[[int], None] | None = None,
        class_of: NDArray[np.int32] | None = None,
    ) -> tuple[
        NDArray[np.int32],
        NDArray[np.int64],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.int32],
        dict[int, dict[int, int]],
        int,
        BaseException | None,
    ]: ...
    def place_one(self, pod_class: PodClass, bind: bool = True) -> tuple[int, int, int, int, int] | None: ...
    def failure(self, pod_class: PodClass) -> dict[int, int]: ...
    def fill(self, pod_class: PodClass, limit: int = -1) -> tuple[int, dict[int, int]]: ...
