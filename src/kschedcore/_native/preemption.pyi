from collections.abc import Callable
from typing import Any

from kschedcore._native.core import Core
from kschedcore._native.podclass import PodClass

NOT_STARTED: int

class Candidate:
    slot: int
    victims: list[int]
    violations: int
    top_priority: int
    priority_sum: int
    earliest_start: int
    description: Any

class DryRun:
    candidates: list[Candidate]
    failures: dict[int, int]
    without_victims: int
    def __init__(
        self,
        core: Core,
        pod_class: PodClass,
        overdrawn: Callable[[list[int]], list[bool]] | None = None,
        moved: Callable[[int, int], None] | None = None,
    ) -> None: ...
    def run(self, enough: int) -> None: ...
    def candidate(self, slot: int, pods: list[int], violations: int) -> Candidate: ...
    def best(self) -> list[Candidate]: ...
