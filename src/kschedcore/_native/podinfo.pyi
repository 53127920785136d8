from collections.abc import Sequence

from kschedcore._native.nodes import NodeTable
from kschedcore._native.topology import AffinityTerm

def holding(what: tuple[str, ...]) -> int: ...
def tag_of(driver: str) -> int: ...

class PodInfo:
    non_zero_cpu: int
    non_zero_memory: int
    priority: int
    namespace: str
    labels: dict[str, str]
    terminating: bool
    carried: dict[tuple[str, AffinityTerm, str], int]
    users: int
    holders: int
    registered: bool
    def __init__(
        self,
        nodes: NodeTable,
        requests: dict[str, int],
        non_zero_cpu: int,
        non_zero_memory: int,
        host_ports: list[tuple[str, str, int]] | tuple[()] = (),
        namespace: str = "default",
        labels: dict[str, str] | None = None,
        priority: int = 0,
        terminating: bool = False,
        carried: dict[tuple[str, AffinityTerm, str], int] | None = None,
        volumes: Sequence[tuple[tuple[str, ...], int]] = (),
    ) -> None: ...
    def retain(self) -> None: ...
    def release(self) -> None: ...
    def requested(self) -> dict[str, int]: ...
