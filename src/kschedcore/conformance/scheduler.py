"""Recordings of kube-scheduler: a cluster, pending pods, and the decision for one pod after another.

After each step the pod is accounted on the *recorded* node, so that one wrong choice is one difference and does
not cause others. A case ends where preemption nominates a node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kschedcore.conformance.comparison import differences
from kschedcore.conformance.results import Case, CaseResult, StepResult
from kschedcore.errors import ConfigError

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.engine.engine import Engine

__all__ = ["DECISIONS", "TRACE", "SchedulerRecording"]

Step = Mapping[str, Any]

_DRAWN = re.compile(r"(?<=-extended-resources)-\d+$")

LAYOUT = {"cluster": dict, "pending": list, "expected": list}

NEW_IN_1_36 = frozenset({"postFilter", "error", "reserve", "allocations"})
"""Keys of a step that only recordings since v1.36 have."""


@dataclass(frozen=True, slots=True)
class SchedulerRecording:
    """A format of recorded scheduling: every intermediate result, or the outcome alone.

    Attributes:
        name: The format's name in messages.
        family_is_id: Whether each case is a family, named by its ``id``.
        chosen: The key of a step that names the chosen node.
        found: Decides about a pod without placing it; takes the engine, the pod and the recorded step, and returns a
            step in the same layout.
    """

    name: str
    family_is_id: bool
    chosen: str
    found: Callable[[Engine, Pod, Step], Step]

    def recognises(self, case: Case) -> bool:
        """Return whether the case has the layout of this format."""
        if not all(isinstance(case.get(key), kind) for key, kind in LAYOUT.items()):
            return False
        brief = any("node" in step for step in case["expected"])
        return brief == (self.chosen == "node")

    def steps(self, case: Case) -> int:
        """Return the number of recorded steps."""
        return len(case["expected"])

    def replay(self, case: Case) -> CaseResult:
        """Decide about one pod after another."""
        return CaseResult(self.steps(case), tuple(self._replayed(case)))

    def _replayed(self, case: Case) -> Iterator[StepResult]:
        from kschedcore.api.objects import Pod, decode

        engine = engine_of(case)
        pods = (decode(Pod, pod) for pod in case["pending"])
        for pod, expected in zip(pods, case["expected"], strict=False):
            found = comparable(self.found(engine, pod, expected), expected, case)
            yield StepResult(str(expected["pod"]), tuple(differences(by_owner(expected), by_owner(found))))
            if expected.get(self.chosen) and "reserve" not in expected:
                engine.assume_pod(pod, expected[self.chosen])


def comparable(found: Step, expected: Step, case: Case) -> Step:
    """Return a computed step without the keys that the recording's version did not record."""
    if case.get("kubernetes", "") >= "1.36":
        return found
    return {key: value for key, value in found.items() if key in expected or key not in NEW_IN_1_36}


def engine_of(case: Case) -> Engine:
    """Return an engine with the case's cluster and configuration."""
    from kschedcore.api.versions import NEWEST
    from kschedcore.engine.engine import Engine
    from kschedcore.manifests.manifests import Manifests

    cluster = Manifests.from_cluster(case["cluster"])
    if cluster.config and cluster.config.get("extenders"):
        raise ConfigError("extenders in the configuration of a recording are not called")
    return Engine(cluster, config=cluster.config, kubernetes=case.get("kubernetes") or NEWEST)


def computed(engine: Engine, pod: Pod, expected: Step) -> Step:
    """Return every node's verdict, every plugin's score, the chosen node, and the result of preemption.

    kube-scheduler chooses at random among equally good preemptions; the recorded one must be one of them.
    """
    explanation = engine.explain(pod)
    step = explanation.to_step(engine.claims_after(explanation.decision))
    if explanation.decision.node is None:
        engine.write_claims(explanation.decision.claims)
    for node, victims in explanation.decision.equal_nominations:
        if node == expected.get("nominated"):
            step |= {"nominated": node, "victims": list(victims)}
    return step


def by_owner(step: Step) -> Step:
    """Return a step whose claims for extended resources are named by their pod, without the random suffix."""
    if "allocations" not in step:
        return step
    named = {_DRAWN.sub("", name): allocated for name, allocated in step["allocations"].items()}
    return {**step, "allocations": named}


def outcome(engine: Engine, pod: Pod, expected: Step) -> Step:
    """Return the node, the number of feasible nodes, its score and the number of ties; or the count of each reason."""
    decision = engine.decide(pod)
    step = {
        "pod": decision.pod_name,
        "node": decision.node or "",
        "feasible": decision.feasible,
        "total": decision.total,
        "ties": decision.ties,
    }
    if decision.diagnosis is not None:
        step["reasons"] = decision.diagnosis.reasons
        # v1.34's traces record the zeros of a pod without a node, v1.36's leave them out.
        step = {key: value for key, value in step.items() if value != 0 or key in expected}
    return step


DECISIONS = SchedulerRecording(
    name="scheduler decisions",
    family_is_id=False,
    chosen="chosen",
    found=computed,
)
TRACE = SchedulerRecording(
    name="scheduler trace",
    family_is_id=True,
    chosen="node",
    found=outcome,
)
