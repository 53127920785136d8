"""InterPodAffinity: affinity and anti-affinity between pods."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore._native.plugins.inter_pod_affinity import InterPodAffinityFilter, InterPodAffinityScore
from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.field_errors import FieldError, invalid
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import Pod, PodAffinityTerm, PodSpec, decode
from kschedcore.engine.columns.selectors import affinity_term, affinity_terms, label_requirements, satisfies
from kschedcore.engine.config.args import Args, Int32
from kschedcore.engine.events import Events, counted, labels_of, node_created_or_relabelled
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
        """Register new and relabelled nodes, and pods that terms select or whose anti-affinity keeps the pod away."""
        return {"nodes": node_created_or_relabelled, "pods": _terms_concern}

    def filter(self, context: PodContext) -> InterPodAffinityFilter:
        """Compile the required terms; bound pods' anti-affinity may reject any pod, so there always is a Filter."""
        pods, anti = _required(context.pod.spec)
        namespace = context.info.namespace
        return InterPodAffinityFilter(
            context.core.nodes,
            context.core.reasons,
            context.core.topology,
            context.info,
            affinity_terms(pods, namespace),
            affinity_terms(anti, namespace),
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


Terms = tuple[PodAffinityTerm, ...]


def _required(spec: PodSpec) -> tuple[Terms, Terms]:
    """Return the terms of required affinity and of required anti-affinity."""
    affinity = spec.affinity
    pods, anti = (affinity.pod_affinity, affinity.pod_anti_affinity) if affinity else (None, None)
    return (
        (pods.required_during_scheduling_ignored_during_execution if pods else None) or (),
        (anti.required_during_scheduling_ignored_during_execution if anti else None) or (),
    )


def _selected(terms: Terms, owner: str, pod: Object | None) -> list[bool]:
    """Return whether each term of a pod in namespace ``owner`` selects a pod; namespaces' labels are not looked up."""
    if pod is None:
        return [False] * len(terms)
    namespace = pod["metadata"].get("namespace", "default")
    return [
        term.label_selector is not None
        and (term.namespace_selector is not None or namespace in (term.namespaces or (owner,)))
        and satisfies(labels_of(pod), label_requirements(term.label_selector))
        for term in terms
    ]


def _terms_concern(change: Change, pod: Pod) -> bool:
    """Return whether a pod came that affinity selects, or one left that anti-affinity selects or that had some."""
    old, new = counted(change.old), counted(change.new)
    if old is not None and new is not None and labels_of(old) == labels_of(new):
        return False
    namespace = pod.metadata.namespace or "default"
    affinity, anti = _required(pod.spec)
    before, now = _selected(affinity, namespace, old), _selected(affinity, namespace, new)
    if any(comes and not was for was, comes in zip(before, now, strict=True)):
        return True
    before, now = _selected(anti, namespace, old), _selected(anti, namespace, new)
    if any(was and not stays for was, stays in zip(before, now, strict=True)):
        return True
    if old is None or new is not None:
        return False
    if affinity and all(_selected(affinity, namespace, old)):
        return True  # it may be the first of its group now
    own = {"metadata": {"namespace": namespace, "labels": pod.metadata.labels or {}}}
    gone = old["spec"].get("affinity", {}).get("podAntiAffinity")
    return bool(gone) and any(
        _selected(_required(decode(Pod, old).spec)[1], old["metadata"].get("namespace", "default"), own)
    )
