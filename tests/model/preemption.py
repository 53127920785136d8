"""DefaultPreemption: which pods must leave which node so that a more important pod fits."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.model.filters import Cycle, first_rejection
from tests.model.framework import UNSCHEDULABLE, Status
from tests.model.labels import Json, is_empty, label_selector
from tests.model.snapshot import NodeInfo, full_name, is_terminating, labels_of, namespace_of, priority_of

NEVER = "not eligible due to preemptionPolicy=Never."
STILL_LEAVING = "not eligible due to a terminating pod on the nominated node."
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"
PRIORITY_OFFSET = 2**31
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Candidate:
    """A node, and the pods that would have to leave it."""

    node: str
    victims: list[Json]
    violations: int

    def to_step(self) -> Json:
        return {"nominated": self.node, "victims": sorted(full_name(victim) for victim in self.victims)}


def preempt(cycle: Cycle, rejections: Mapping[str, Status | None]) -> list[Candidate] | str:
    """The equally good candidates, the one to take first, among nodes that evictions could help; else why none.

    `rejections` has the status of every node of the snapshot; None stands for a node that PreFilter left out.
    """
    ineligible = _ineligible(cycle, rejections)
    if ineligible:
        return ineligible
    candidates: list[Candidate] = []
    unhelpful: Counter[str] = Counter()
    for info in cycle.snapshot.nodes:
        rejection = rejections[info.name]
        if rejection is None or rejection.code != UNSCHEDULABLE:
            unhelpful[NOT_HELPFUL] += 1
            continue
        outcome = _select_victims(cycle, info)
        if isinstance(outcome, Candidate):
            candidates.append(outcome)
        else:
            unhelpful.update(outcome)
    return _cheapest(candidates) if candidates else unavailable(len(cycle.snapshot.nodes), unhelpful)


def never_helpful(pod: Json, nodes: int) -> str:
    """The result of preemption for a pod that was rejected before any node was filtered."""
    return NEVER if _never_preempts(pod) else unavailable(nodes, Counter({NOT_HELPFUL: nodes}))


def unavailable(nodes: int, reasons: Mapping[str, int]) -> str:
    """The reasons why preemption helps on no node, with the number of nodes of each."""
    counts = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    return f"0/{nodes} nodes are available: {counts}."


def _never_preempts(pod: Json) -> bool:
    return bool(pod["spec"].get("preemptionPolicy") == "Never")


def _ineligible(cycle: Cycle, rejections: Mapping[str, Status | None]) -> str | None:
    """The reason why the pod may not preempt: its policy, or earlier victims that terminate on the nominated node."""
    if _never_preempts(cycle.pod):
        return NEVER
    nominated = (cycle.pod.get("status") or {}).get("nominatedNodeName")
    info = cycle.snapshot.node(nominated) if nominated else None
    if info is None:
        return None
    rejection = rejections[info.name]
    if rejection is None or rejection.code != UNSCHEDULABLE:
        return None
    leaving = any(_may_evict(cycle, other) and _was_preempted(other) for other in info.pods)
    return STILL_LEAVING if leaving else None


def _may_evict(cycle: Cycle, other: Json) -> bool:
    return priority_of(other) < priority_of(cycle.pod)


def _was_preempted(pod: Json) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    target: Json = next((c for c in conditions if c["type"] == "DisruptionTarget"), {})
    return is_terminating(pod) and (target.get("status"), target.get("reason")) == (
        "True",
        "PreemptionByScheduler",
    )


def _select_victims(cycle: Cycle, info: NodeInfo) -> Candidate | tuple[str, ...]:
    """Take all less important pods away; then let back in whoever fits, those that budgets protect first.

    Without victims, or when not even that is enough, the reasons.
    """
    potential = _by_importance(pod for pod in info.pods if _may_evict(cycle, pod))
    for pod in potential:
        cycle, info = cycle.without(pod, info)
    if not potential:
        return (NO_VICTIMS,)
    rejection = first_rejection(cycle, info)
    if rejection:
        return rejection.reasons
    protected, others = _split_by_budgets(potential, cycle)
    victims, violations = [], 0
    for pod in [*protected, *others]:
        trial_cycle, trial_info = cycle.having(pod, info)
        if first_rejection(trial_cycle, trial_info) is None:
            cycle, info = trial_cycle, trial_info
            continue
        victims.append(pod)
        violations += any(pod is each for each in protected)
    if not victims:
        return (f'expected at least one victim pod on node "{info.name}"',)
    return Candidate(info.name, victims, violations)


def _start_time(pod: Json) -> datetime:
    """A pod that has not started counts as started just now."""
    started = (pod.get("status") or {}).get("startTime")
    return datetime.fromisoformat(started) if started else LATEST


def _by_importance(pods: Iterable[Json]) -> list[Json]:
    """Higher priority first, then the earlier start; of equals the one that was added to the node first.

    A pod that has not started starts "now" at each comparison: the one that was added last counts as earliest.
    """
    ordered = list(pods)
    ranks = {id(pod): -rank if _start_time(pod) == LATEST else rank for rank, pod in enumerate(ordered)}
    return sorted(ordered, key=lambda pod: (-priority_of(pod), _start_time(pod), ranks[id(pod)]))


def _split_by_budgets(pods: list[Json], cycle: Cycle) -> tuple[list[Json], list[Json]]:
    """Pods whose eviction would overdraw a disruption budget, and the rest; each uses up a disruption."""
    budgets = list(cycle.snapshot.objects.pod_disruption_budgets.values())
    left = [(budget.get("status") or {}).get("disruptionsAllowed") or 0 for budget in budgets]
    protected: list[Json] = []
    others: list[Json] = []
    for pod in pods:
        overdrawn = False
        for index, budget in enumerate(budgets):
            if _protects(budget, pod):
                left[index] -= 1
                overdrawn |= left[index] < 0
        (protected if overdrawn else others).append(pod)
    return protected, others


def _protects(budget: Json, pod: Json) -> bool:
    """An absent or empty selector protects nothing; a pod already being disrupted has been counted."""
    selector = (budget.get("spec") or {}).get("selector")
    if namespace_of(budget) != namespace_of(pod) or not labels_of(pod) or is_empty(selector):
        return False
    disrupted = (budget.get("status") or {}).get("disruptedPods") or {}
    return label_selector(selector)(labels_of(pod)) and pod["metadata"]["name"] not in disrupted


def _cheapest(candidates: list[Candidate]) -> list[Candidate]:
    """Those of the lowest cost, by name.

    kube-scheduler takes any of them. When the victims have not started, each node starts "now" in its turn,
    and the last one compared is the latest: here, the last by name.
    """
    lowest = min(_cost(candidate) for candidate in candidates)
    tied = sorted((c for c in candidates if _cost(c) == lowest), key=lambda c: c.node)
    return tied[::-1] if _earliest_start(tied[0]) == LATEST else tied


def _cost(candidate: Candidate) -> tuple[int, int, int, int, float]:
    """Budget violations, highest priority, sum of priorities and number of victims; then the latest start."""
    priorities = [priority_of(victim) for victim in candidate.victims]
    return (
        candidate.violations,
        max(priorities),
        sum(priority + PRIORITY_OFFSET for priority in priorities),
        len(priorities),
        -_earliest_start(candidate).timestamp(),
    )


def _earliest_start(candidate: Candidate) -> datetime:
    """Among the victims of the highest priority."""
    highest = max(priority_of(victim) for victim in candidate.victims)
    return min(_start_time(victim) for victim in candidate.victims if priority_of(victim) == highest)
