"""Cases of controller histories: requests, what node agents do, and what the controllers have made of it.

Each observation is a step. What is observed, and when, is as the recordings have it: the statuses of workloads
and the counts of pods, whenever nothing changes any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kschedcore.conformance.comparison import differences
from kschedcore.conformance.results import Case, CaseResult, StepResult

if TYPE_CHECKING:
    from kschedcore.conformance.workloads import Workloads

__all__ = ["ControllerHistories"]


class ControllerHistories:
    """Cases whose steps are requests, deeds of node agents, and observations."""

    name = "controller histories"
    family_is_id = False

    def recognises(self, case: Case) -> bool:
        """Whether the case has steps, some of which are observations."""
        steps = case.get("steps")
        return isinstance(steps, list) and any(isinstance(step, dict) and "observe" in step for step in steps)

    def steps(self, case: Case) -> int:
        """How many observations were recorded."""
        return sum("observe" in step for step in case["steps"])

    def replay(self, case: Case) -> CaseResult:
        """Do what was done to a cluster of its own, and compare every observation."""
        from kschedcore.api.machinery.status import StatusError
        from kschedcore.conformance.workloads import Workloads

        results: list[StepResult] = []
        try:
            # What came before a refusal stays in the list.
            results.extend(_replayed(case, Workloads(case["namespace"])))
        except StatusError as refusal:
            return CaseResult(self.steps(case), tuple(results), f"{refusal.reason}: {refusal.message}")
        return CaseResult(self.steps(case), tuple(results))


def _replayed(case: Case, workloads: Workloads) -> Iterator[StepResult]:
    before = "nothing"
    for step in case["steps"]:
        if "request" in step:
            workloads.request(step["request"])
            before = f"{step['request']['method']} {step['request']['path']}"
        elif "agents" in step:
            workloads.act(step["agents"])
            before = ", ".join(f"{deed} {_told(which)}" for deed, which in step["agents"].items())
        else:
            workloads.settle()
        if "observe" in step:
            expected, found = _by_image(step["observe"]), _by_image(workloads.observation())
            yield StepResult(f"after {before}", tuple(differences(expected, found)))


def _told(which: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in which.items())


def _by_image(observation: Mapping[str, Any]) -> dict[str, Any]:
    """The observation with its ReplicaSets under their images, so that a difference names the one it is in."""
    replica_sets: dict[str, list[Any]] = {}
    for each in observation.get("replicaSets", ()):
        replica_sets.setdefault(each["image"], []).append(each)
    return {**observation, "replicaSets": replica_sets}
