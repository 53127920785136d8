"""DefaultPreemption (PostFilter): evicts pods of lower priority so that a pod fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from kschedcore._native.preemption import Candidate, DryRun
from kschedcore._native.topology import AffinityTerm
from kschedcore.api.machinery.field_errors import FieldError, invalid
from kschedcore.engine.columns.selectors import label_requirements
from kschedcore.engine.config.args import Args, Int32
from kschedcore.engine.events import Events, pod_left
from kschedcore.engine.extenders.extenders import ExtenderError
from kschedcore.engine.plugin import FailedCycle, Plugin, PostFilterResult

if TYPE_CHECKING:
    from kschedcore._native.podclass import PodClass
    from kschedcore.api.objects import Pod
    from kschedcore.engine.binding import BoundPod

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"

MAX_EQUALS = 64
"""Maximum number of equally good preemptions that a decision lists."""


class DefaultPreemptionArgs(Args, frozen=True):
    """Arguments of DefaultPreemption: the number of candidate nodes that a dry run looks for."""

    min_candidate_nodes_percentage: Int32 = 10
    min_candidate_nodes_absolute: Int32 = 100

    def errors(self, path: str) -> Iterable[FieldError]:
        """Yield the errors (``ValidateDefaultPreemptionArgs``)."""
        share, absolute = self.min_candidate_nodes_percentage, self.min_candidate_nodes_absolute
        share_path = f"{path}.minCandidateNodesPercentage"
        absolute_path = f"{path}.minCandidateNodesAbsolute"
        if not 0 <= share <= 100:
            yield invalid(share_path, share, "not in valid range [0, 100]")
        if absolute < 0:
            yield invalid(absolute_path, absolute, "not in valid range [0, inf)")
        if share == 0 and absolute == 0:
            yield invalid(share_path, share, "cannot be zero at the same time as minCandidateNodesAbsolute")
            yield invalid(
                absolute_path, absolute, "cannot be zero at the same time as minCandidateNodesPercentage"
            )


class DefaultPreemption(Plugin):
    """Nominates a pod to the node with the least important victims."""

    name = "DefaultPreemption"
    points = frozenset({"preEnqueue", "postFilter"})
    args_type = DefaultPreemptionArgs
    args: DefaultPreemptionArgs

    def events(self) -> Events:
        """Register pods that leave a node: those that were evicted for the pod."""
        return {"pods": pod_left}

    def post_filter(self, cycle: FailedCycle) -> PostFilterResult:
        """Find the best candidate, and nominate the pod to its node."""
        refusal = _ineligible(cycle)
        if refusal:
            return _failed(refusal, tried=False)
        if cycle.pod_class is None:
            # PreFilter rejected all nodes, with a code that no eviction changes.
            return _failed(_summary(cycle, None, None))
        search = DryRun(cycle.cluster.core, cycle.pod_class, _overdrawn(cycle), cycle.moved)
        if cycle.cluster.bound.has_below(cycle.pod_class.info.priority):
            search.run(self._candidates_wanted(cycle.cluster.core.nodes.count))
            try:
                _consult_extenders(cycle, search)
            except ExtenderError as error:
                return _failed(str(error), tried=False)
        equals = tuple(_described(cycle, candidate) for candidate in search.best()[:MAX_EQUALS])
        if not equals:
            return _failed(_summary(cycle, cycle.pod_class, search))
        return PostFilterResult(*equals[0], equals=equals)

    def _candidates_wanted(self, nodes: int) -> int:
        """Return the number of candidates that ends the search."""
        share = nodes * self.args.min_candidate_nodes_percentage // 100
        return min(max(share, self.args.min_candidate_nodes_absolute), nodes)


def _failed(message: str, *, tried: bool = True) -> PostFilterResult:
    return PostFilterResult(message=f"preemption: {message}", tried=tried)


def _ineligible(cycle: FailedCycle) -> str:
    """Return why the pod may not preempt now (PodEligibleToPreemptOthers), or an empty string."""
    pod, core = cycle.pod, cycle.cluster.core
    if pod.spec.preemption_policy == "Never":
        return "not eligible due to preemptionPolicy=Never."
    nominated = pod.status.nominated_node_name
    slot = core.nodes.slot_of(nominated) if nominated else -1
    if cycle.pod_class is None or slot < 0 or not cycle.pod_class.is_resolvable(slot, core.reasons):
        return ""
    for number in core.pods.on(slot).tolist():
        info = core.pods.info_of(number)
        # A pod of the same batch is never terminating, and cannot be looked up by number yet.
        if not info.terminating or info.priority >= cycle.pod_class.info.priority:
            continue
        if _was_preempted(cycle.cluster.bound.numbered(number).pod):
            return "not eligible due to a terminating pod on the nominated node."
    return ""


def _was_preempted(pod: Pod) -> bool:
    """Return whether a pod is terminating because a scheduler evicted it."""
    return pod.metadata.deletion_timestamp is not None and any(
        c.type == "DisruptionTarget" and c.status == "True" and c.reason == "PreemptionByScheduler"
        for c in pod.status.conditions or ()
    )


def _overdrawn(cycle: FailedCycle) -> Callable[[list[int]], list[bool]] | None:
    """Return a function that returns, for pods in order, whether each eviction violates a disruption budget.

    None when there are no budgets.
    """
    budgets = [
        (
            AffinityTerm((b.metadata.namespace or "default",), label_requirements(b.spec.selector)),
            b.status.disruptions_allowed,
            b.status.disrupted_pods or {},
        )
        for b in cycle.cluster.listers.disruption_budgets()
        if b.spec.selector is not None and label_requirements(b.spec.selector)
    ]
    if not budgets:
        return None

    def overdrawn(numbers: list[int]) -> list[bool]:
        left = [allowed for _, allowed, _ in budgets]
        answers = []
        for number in numbers:
            bound = cycle.cluster.bound.numbered(number)
            answer = False
            for index, (term, _, disrupted) in enumerate(budgets):
                if (
                    bound.info.labels
                    and bound.pod.metadata.name not in disrupted
                    and term.selects(bound.info, {})
                ):
                    left[index] -= 1
                    answer |= left[index] < 0
            answers.append(answer)
        return answers

    return overdrawn


def _consult_extenders(cycle: FailedCycle, search: DryRun) -> None:
    """Restrict the candidates and victims to those that the extenders return."""
    extenders, nodes, bound = cycle.cluster.extenders, cycle.cluster.core.nodes, cycle.cluster.bound
    if extenders is None or not search.candidates:
        return
    agreed = extenders.filter_victims(
        cycle.pod,
        {
            nodes.name_of(candidate.slot): (
                [bound.numbered(number) for number in candidate.victims],
                candidate.violations,
            )
            for candidate in search.candidates
        },
    )
    search.candidates[:] = [
        search.candidate(nodes.slot_of(node), [victim.number for victim in victims], violations)
        for node, (victims, violations) in agreed.items()
    ]


def _described(cycle: FailedCycle, candidate: Candidate) -> tuple[str, tuple[BoundPod, ...]]:
    """Return a candidate's node and victims, cached in the candidate."""
    if candidate.description is None:
        victims = tuple(cycle.cluster.bound.numbered(number) for number in candidate.victims)
        candidate.description = cycle.cluster.core.nodes.name_of(candidate.slot), victims
    described: tuple[str, tuple[BoundPod, ...]] = candidate.description
    return described


def _summary(cycle: FailedCycle, pod_class: PodClass | None, search: DryRun | None) -> str:
    """Return kube-scheduler's message why no node became a candidate."""
    core = cycle.cluster.core
    nodes = core.nodes.count
    counts = {NOT_HELPFUL: nodes}
    if pod_class is not None and search is not None:
        count_resolvable = pod_class.count_resolvable(core.reasons)
        tried = search.without_victims + sum(search.failures.values())
        without_victims = search.without_victims if tried else count_resolvable
        counts = {NO_VICTIMS: without_victims, NOT_HELPFUL: nodes - count_resolvable}
        for verdict, count in search.failures.items():
            for reason in core.reasons.describe(verdict, core.nodes.resource_names)[2]:
                counts[reason] = counts.get(reason, 0) + count
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items() if count))
    return f"0/{nodes} nodes are available: {listed}."
