"""InterPodAffinity: affinity and anti-affinity between pods."""

from __future__ import annotations

from kschedcore._native.plugins.inter_pod_affinity import InterPodAffinityFilter, InterPodAffinityScore
from kschedcore.engine.columns.selectors import affinity_term, affinity_terms
from kschedcore.engine.config.args import InterPodAffinityArgs
from kschedcore.engine.plugin import Plugin, PodContext


class InterPodAffinity(Plugin):
    """Obeys the pod's own terms, and the terms of bound pods that speak of it."""

    name = "InterPodAffinity"
    points = frozenset({"preFilter", "filter", "preScore", "score"})
    args: InterPodAffinityArgs

    def filter(self, context: PodContext) -> InterPodAffinityFilter:
        """Compile the required terms; bound pods may refuse any pod, so there always is a filter."""
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
