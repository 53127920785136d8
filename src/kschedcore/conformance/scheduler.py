"""Recordings of kube-scheduler: a cluster, pending pods, and what was decided about one after another.

Between steps the chosen pod is accounted on the *recorded* node, so that one wrong choice is one difference
and not the cause of many; a case ends where preemption nominates a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kschedcore.conformance.comparison import differences
from kschedcore.conformance.results import Case, CaseResult, StepResult

if TYPE_CHECKING:
    from kschedcore.api.objects import Pod
    from kschedcore.engine.engine import Engine

__all__ = ["DECISIONS", "TRACE", "SchedulerRecording"]

Step = Mapping[str, Any]

LAYOUT = {"cluster": dict, "pending": list, "expected": list}


@dataclass(frozen=True, slots=True)
class SchedulerRecording:
    """One way of recording kube-scheduler: all that was computed, or the outcome alone.

    Attributes:
        name: What to call it in a message.
        family_is_id: Whether a case is a family of its own, named by its ``id``.
        chosen: The key of a step that names the chosen node.
        found: Decides about a pod without placing it, in the layout of a recorded step, which is given too.
    """

    name: str
    family_is_id: bool
    chosen: str
    found: Callable[[Engine, Pod, Step], Step]

    def recognises(self, case: Case) -> bool:
        """Whether the case has the layout, and its steps name their node as this kind's do."""
        if not all(isinstance(case.get(key), kind) for key, kind in LAYOUT.items()):
            return False
        brief = any("node" in step for step in case["expected"])
        return brief == (self.chosen == "node")

    def steps(self, case: Case) -> int:
        """How many steps were recorded."""
        return len(case["expected"])

    def replay(self, case: Case) -> CaseResult:
        """Decide about one pod after another."""
        return CaseResult(self.steps(case), tuple(self._replayed(case)))

    def _replayed(self, case: Case) -> Iterator[StepResult]:
        from kschedcore.api.objects import Pod, decode

        engine = engine_of(case)
        pods = (decode(Pod, pod) for pod in case["pending"])
        for pod, expected in zip(pods, case["expected"], strict=False):
            yield StepResult(
                str(expected["pod"]), tuple(differences(expected, self.found(engine, pod, expected)))
            )
            if expected.get(self.chosen):
                engine.add_pod(pod, expected[self.chosen])


def engine_of(case: Case) -> Engine:
    """Return an engine that knows the case's cluster and follows its configuration."""
    from kschedcore.engine.engine import Engine
    from kschedcore.manifests.manifests import Manifests

    cluster = Manifests.from_cluster(case["cluster"])
    return Engine(cluster, config=cluster.config)


def computed(engine: Engine, pod: Pod, expected: Step) -> Step:
    """Every node's verdict, every plugin's score, the choice, and what preemption would do.

    Among equally good preemptions kube-scheduler draws; the recorded one is right when it is one of them.
    """
    explanation = engine.explain(pod)
    step = explanation.to_step()
    for node, victims in explanation.decision.equal_nominations:
        if node == expected.get("nominated"):
            step |= {"nominated": node, "victims": list(victims)}
    return step


def outcome(engine: Engine, pod: Pod, expected: Step) -> Step:  # noqa: ARG001
    """The node, how many were feasible, its score and who shares it; or how often each reason was given."""
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
