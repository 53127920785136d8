"""Cases of controller histories: requests, actions of node agents, waits, and observations.

Each observation is a step. It is compared with the observation here at the same point: the statuses of workloads and
the counts of pods, or the observation of a family (:mod:`kschedcore.conformance.families`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from kschedcore.conformance.comparison import differences
from kschedcore.conformance.histories import normalised
from kschedcore.conformance.results import Case, CaseResult, Difference, StepResult

if TYPE_CHECKING:
    from kschedcore.conformance.clusters import RecordedCluster

__all__ = ["ControllerHistories"]


class ControllerHistories:
    """Cases whose steps are requests, actions of node agents, waits, and observations."""

    name = "controller histories"
    family_is_id = False

    def recognises(self, case: Case) -> bool:
        """Return whether the case has steps, some of which are observations."""
        steps = case.get("steps")
        return isinstance(steps, list) and any(isinstance(step, dict) and "observe" in step for step in steps)

    def steps(self, case: Case) -> int:
        """Return how many observations were recorded."""
        return sum("observe" in step for step in case["steps"])

    def replay(self, case: Case) -> CaseResult:
        """Repeat the steps on a new cluster, and compare every observation."""
        from kschedcore.api.machinery.status import StatusError

        results: list[StepResult] = []
        try:
            # Differences before a refusal stay in the list.
            results.extend(_replayed(case, _cluster(case)))
        except StatusError as refusal:
            return CaseResult(self.steps(case), tuple(results), f"{refusal.reason}: {refusal.message}")
        return CaseResult(self.steps(case), tuple(results))


def _cluster(case: Case) -> RecordedCluster:
    from kschedcore.conformance.families import Requests, family_of
    from kschedcore.conformance.workloads import Workloads

    observed = next(step["observe"] for step in case["steps"] if "observe" in step)
    family = family_of(observed)
    return Workloads(case["namespace"]) if family is None else Requests(case["namespace"], family)


def _replayed(case: Case, cluster: RecordedCluster) -> Iterator[StepResult]:
    before = "nothing"
    responses: list[Difference] = []
    for step in case["steps"]:
        if "request" in step:
            before = f"{step['request']['method']} {step['request']['path']}"
            responses += _sent(step, cluster)
        elif "agents" in step:
            cluster.act(step["agents"])
            before = ", ".join(f"{action} {_selection(which)}" for action, which in step["agents"].items())
        elif "wait" in step:
            cluster.wait(timedelta(seconds=step["wait"]))
        elif "settle" in step:
            cluster.settle()
        if "observe" in step:
            expected, found = _comparable(step["observe"]), _comparable(cluster.observation())
            yield StepResult(f"after {before}", (*responses, *differences(expected, found)))
            responses = []


def _sent(step: Mapping[str, Any], cluster: RecordedCluster) -> list[Difference]:
    """Send a request; return the differences from the recorded response, if there is one."""
    recorded = step.get("response")
    if recorded is None:
        cluster.require(step["request"])
        return []
    code, body = cluster.request(step["request"])
    if code != recorded["code"]:
        return [Difference("response.code", recorded["code"], code)]
    expected = normalised(recorded["body"], managed_fields=False)
    return list(differences(expected, normalised(body, managed_fields=False), "response.body"))


def _selection(which: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in which.items())


def _comparable(observation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the observation in a form in which differences have stable paths.

    ReplicaSets are listed under their images. The subsets of Endpoints, which Kubernetes orders by a hash over
    uids, are ordered by their content.
    """
    changed = dict(observation)
    if "replicaSets" in observation:
        replica_sets: dict[str, list[Any]] = {}
        for each in observation["replicaSets"]:
            replica_sets.setdefault(each["image"], []).append(each)
        changed["replicaSets"] = replica_sets
    if "endpoints" in observation:
        changed["endpoints"] = {
            service: sorted(subsets, key=_canonical) for service, subsets in observation["endpoints"].items()
        }
    return changed


def _canonical(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")
