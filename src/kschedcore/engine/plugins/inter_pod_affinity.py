"""InterPodAffinity: affinity and anti-affinity between pods."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore._native.plugins.inter_pod_affinity import InterPodAffinityFilter, InterPodAffinityScore
from kschedcore.api.machinery.field_errors import FieldError, invalid
from kschedcore.engine.columns.selectors import affinity_term, affinity_terms
from kschedcore.engine.config.args import Args, Int32
from kschedcore.engine.events import Events, node_set_changed, pod_moved_between_domains
from kschedcore.engine.plugin import Plugin, PodContext


class InterPodAffinityArgs(Args, frozen=True):
    """Arguments of InterPodAffinity; the weight is 0 to 100."""

    hard_pod_affinity_weight: Int32 = 1
    ignore_preferred_terms_of_existing_pods: bool = False

    def errors(self, path: str) -> Iterable[FieldError]:
        """Yield the errors (``ValidateInterPodAffinityArgs``)."""
        weight = self.hard_pod_affinity_weight
        if not 0 <= weight <= 100:
            yield invalid(f"{path}.hardPodAffinityWeight", weight, "not in valid range [0, 100]")


class InterPodAffinity(Plugin):
    """Evaluates the pod's own terms, and the terms of bound pods that select it."""

    name = "InterPodAffinity"
    points = frozenset({"preFilter", "filter", "preScore", "score"})
    args_type = InterPodAffinityArgs
    args: InterPodAffinityArgs

    def events(self) -> Events:
        """Register changes of the set of nodes, of their labels, and of the pods that terms may select."""
        return {"nodes": node_set_changed, "pods": pod_moved_between_domains}

    def filter(self, context: PodContext) -> InterPodAffinityFilter:
        """Compile the required terms; bound pods' anti-affinity may reject any pod, so there always is a Filter."""
        affinity = context.pod.spec.affinity
        pods, anti = (affinity.pod_affinity, affinity.pod_anti_affinity) if affinity else (None, None)
        namespace = context.info.namespace
        return InterPodAffinityFilter(
            context.core.nodes,
            context.core.reasons,
            context.core.topology,
            context.info,
            affinity_terms(
                pods.required_during_scheduling_ignored_during_execution if pods else None, namespace
            ),
            affinity_terms(
                anti.required_during_scheduling_ignored_during_execution if anti else None, namespace
            ),
        )

    def score(self, context: PodContext) -> InterPodAffinityScore | None:
        """Compile the preferred terms."""
        affinity = context.pod.spec.affinity
        preferred = []
        for rules, sign in ((affinity.pod_affinity, 1), (affinity.pod_anti_affinity, -1)) if affinity else ():
            terms = (rules.preferred_during_scheduling_ignored_during_execution if rules else None) or ()
            for weighted in terms:
                term = affinity_term(weighted.pod_affinity_term, context.info.namespace)
                preferred.append((term, weighted.pod_affinity_term.topology_key, sign * weighted.weight))
        if self.args.ignore_preferred_terms_of_existing_pods and not preferred:
            return None
        return InterPodAffinityScore(
            context.core.nodes,
            context.core.reasons,
            context.core.topology,
            context.info,
            preferred,
            self.args.hard_pod_affinity_weight,
        )
