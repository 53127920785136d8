"""DefaultPreemption (PostFilter): make room for a pod by evicting less important ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kschedcore._native.preemption import Candidate, DryRun
from kschedcore._native.topology import AffinityTerm
from kschedcore.engine.columns.selectors import label_requirements
from kschedcore.engine.config.args import DefaultPreemptionArgs
from kschedcore.engine.extenders.extenders import ExtenderError

if TYPE_CHECKING:
    from kschedcore._native.core import Core
    from kschedcore._native.podclass import PodClass
    from kschedcore.api.objects import Pod
    from kschedcore.engine.binding import BoundPod, BoundPods
    from kschedcore.engine.extenders.objects import PreemptionExtenders
    from kschedcore.engine.listers import Listers

NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"


MAX_EQUALS = 64
"""How many equally good preemptions a decision tells of."""


@dataclass(frozen=True)
class Preemption:
    """What came of a preemption.

    Attributes:
        node: The node to nominate the pod to, or None.
        victims: The pods to evict there, the most important first.
        message: Why there is none, in kube-scheduler's words.
        equals: (node, victims) as good as this one, this one first: kube-scheduler draws among them. At most
            ``MAX_EQUALS`` are told.
        tried: Whether candidates were looked for; if not, an earlier nomination of the pod still stands
            (framework.ModeNoop).
    """

    node: str | None
    victims: tuple[BoundPod, ...] = ()
    message: str = ""
    equals: tuple[tuple[str, tuple[BoundPod, ...]], ...] = ()
    tried: bool = True


class PreemptionFinder:
    """Looks for a node where evicting less important pods lets a pod in.

    Args:
        core: The native state.
        bound: The bound pods.
        listers: Where the disruption budgets are.
        extenders: Who has to agree.
    """

    def __init__(
        self, core: Core, bound: BoundPods, listers: Listers, extenders: PreemptionExtenders | None = None
    ) -> None:
        self._core = core
        self._bound = bound
        self._listers = listers
        self._extenders = extenders

    def run(self, pod: Pod, pod_class: PodClass, args: DefaultPreemptionArgs) -> Preemption:
        """Find the victims that cost least. The class must be refreshed and without a feasible node."""
        refusal = self._refusal(pod, pod_class)
        if refusal:
            return Preemption(None, message=f"preemption: {refusal}", tried=False)
        search = DryRun(self._core, pod_class, self._overdrawn())
        if self._bound.has_below(pod_class.info.priority):
            search.run(self._enough(args))
            try:
                self._ask(pod, search)
            except ExtenderError as error:
                return Preemption(None, message=f"preemption: {error}", tried=False)
        equals = tuple(self._told(candidate) for candidate in search.best()[:MAX_EQUALS])
        if not equals:
            return Preemption(None, message=self._summary(pod_class, search))
        return Preemption(*equals[0], equals=equals)

    def _told(self, candidate: Candidate) -> tuple[str, tuple[BoundPod, ...]]:
        """A candidate's node and victims, found out once."""
        if candidate.told is None:
            victims = tuple(self._bound.numbered(number) for number in candidate.victims)
            candidate.told = self._core.nodes.name_of(candidate.slot), victims
        told: tuple[str, tuple[BoundPod, ...]] = candidate.told
        return told

    def _ask(self, pod: Pod, search: DryRun) -> None:
        """Leave the candidates that the extenders agree to."""
        if self._extenders is None or not search.candidates:
            return
        nodes = self._core.nodes
        agreed = self._extenders.agree(
            pod,
            {
                nodes.name_of(candidate.slot): (
                    [self._bound.numbered(number) for number in candidate.victims],
                    candidate.violations,
                )
                for candidate in search.candidates
            },
        )
        search.candidates[:] = [
            search.agreed(nodes.slot_of(node), [victim.number for victim in victims], violations)
            for node, (victims, violations) in agreed.items()
        ]

    def _refusal(self, pod: Pod, pod_class: PodClass) -> str:
        """Why the pod may not preempt now (PodEligibleToPreemptOthers), or nothing."""
        if pod.spec.preemption_policy == "Never":
            return "not eligible due to preemptionPolicy=Never."
        nominated = pod.status.nominated_node_name
        slot = self._core.nodes.slot_of(nominated) if nominated else -1
        if slot < 0 or not pod_class.may_be_helped(slot, self._core.reasons):
            return ""
        for number in self._core.pods.on(slot).tolist():
            info = self._core.pods.info_of(number)
            # Nobody is terminating who was placed just now, together with this pod, and is not known by number yet.
            if not info.terminating or info.priority >= pod_class.info.priority:
                continue
            if _was_preempted(self._bound.numbered(number).pod):
                return "not eligible due to a terminating pod on the nominated node."
        return ""

    def _enough(self, args: DefaultPreemptionArgs) -> int:
        """How many candidates end the search."""
        nodes = self._core.nodes.count
        share = nodes * args.min_candidate_nodes_percentage // 100
        return min(max(share, args.min_candidate_nodes_absolute), nodes)

    def _overdrawn(self) -> Callable[[list[int]], list[bool]] | None:
        """Tells for pods, in order, whether evicting each overdraws a disruption budget; None without budgets."""
        budgets = [
            (
                AffinityTerm((b.metadata.namespace or "default",), label_requirements(b.spec.selector)),
                b.status.disruptions_allowed,
                b.status.disrupted_pods or {},
            )
            for b in self._listers.disruption_budgets()
            if b.spec.selector is not None and label_requirements(b.spec.selector)
        ]
        if not budgets:
            return None

        def overdrawn(numbers: list[int]) -> list[bool]:
            left = [allowed for _, allowed, _ in budgets]
            answers = []
            for number in numbers:
                bound = self._bound.numbered(number)
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

    def _summary(self, pod_class: PodClass, search: DryRun) -> str:
        """Why no node became a candidate, as kube-scheduler sums it up."""
        nodes = self._core.nodes.count
        helpable = pod_class.helpable(self._core.reasons)
        tried = search.without_victims + sum(search.failures.values())
        without_victims = search.without_victims if tried else helpable
        counts = {
            reason: count
            for reason, count in ((NO_VICTIMS, without_victims), (NOT_HELPFUL, nodes - helpable))
            if count
        }
        for verdict, count in search.failures.items():
            for reason in self._core.reasons.describe(verdict, self._core.nodes.resource_names)[2]:
                counts[reason] = counts.get(reason, 0) + count
        told = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
        return f"preemption: 0/{nodes} nodes are available: {told}."


def not_helpful(nodes: int) -> str:
    """What preemption says when no node can be helped."""
    return f"preemption: 0/{nodes} nodes are available: {nodes} {NOT_HELPFUL}."


def _was_preempted(pod: Pod) -> bool:
    """Whether a pod is leaving because a scheduler evicted it."""
    return pod.metadata.deletion_timestamp is not None and any(
        c.type == "DisruptionTarget" and c.status == "True" and c.reason == "PreemptionByScheduler"
        for c in pod.status.conditions or ()
    )
