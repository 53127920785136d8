from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from kschedcore._native.labels import LabelColumn
from kschedcore._native.nodes import NodeTable
from kschedcore._native.podinfo import PodInfo
from kschedcore._native.pods import PodTable

Requirements: TypeAlias = Iterable[tuple[str, str, Sequence[str]]]

class PodSelector:
    def __init__(self, requirements: Sequence[tuple[str, str, Sequence[str]]]) -> None: ...

class AffinityTerm:
    namespaces: frozenset[str]
    requirements: tuple[tuple[str, str, tuple[str, ...]], ...]
    namespace_selector: tuple[tuple[str, str, tuple[str, ...]], ...] | None
    def __init__(
        self,
        namespaces: Iterable[str],
        requirements: Requirements,
        namespace_selector: Requirements | None = None,
    ) -> None: ...
    def selects_namespace(self, name: str, namespaces: dict[str, dict[str, str]], unknown: bool) -> bool: ...
    def selects(self, info: PodInfo, namespaces: dict[str, dict[str, str]], unknown: bool = True) -> bool: ...

class DomainTable:
    group: PodGroup
    key: LabelColumn
    total: int
    def counts(self) -> dict[str, int]: ...

class PodGroup:
    id: int
    key: tuple[object, ...]
    terms: tuple[AffinityTerm, ...]
    carriers: bool
    terminating: bool

class Topology:
    nodes: NodeTable
    pods: PodTable
    groups: list[PodGroup | None]
    namespaces: dict[str, dict[str, str]]
    carrier_version: int
    def __init__(self, nodes: NodeTable, pods: PodTable) -> None: ...
    def register(self, info: PodInfo) -> int: ...
    def requested(self) -> dict[str, int]: ...
    def forget(self, info: PodInfo) -> None: ...
    def group(self, terms: tuple[AffinityTerm, ...], terminating: bool = True) -> PodGroup: ...
    def carrier_group(self, key: tuple[str, AffinityTerm, str]) -> PodGroup: ...
    def carriers(self, kind: str) -> list[PodGroup]: ...
    def table(self, group: PodGroup, key: LabelColumn) -> DomainTable: ...
    def release(self, table: DomainTable) -> None: ...
    def set_namespace(self, name: str, labels: Mapping[str, str] | None) -> None: ...
