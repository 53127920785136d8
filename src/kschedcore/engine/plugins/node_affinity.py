"""NodeAffinity: node selectors and node affinity."""

from __future__ import annotations

from kschedcore._native.nodes import NAME_FIELD
from kschedcore._native.plugins.node_affinity import NodeAffinityFilter, NodeAffinityScore
from kschedcore.api.objects import NodeAffinity as NodeAffinityRules
from kschedcore.api.objects import PodSpec
from kschedcore.engine.columns.selectors import Term, exact_term, node_term, node_terms
from kschedcore.engine.config.args import NodeAffinityArgs
from kschedcore.engine.plugin import Plugin, PodContext, Status

CONFLICT = "pod affinity terms conflict"


def _rules(spec: PodSpec) -> NodeAffinityRules | None:
    return spec.affinity.node_affinity if spec.affinity else None


def required_terms(spec: PodSpec) -> list[Term] | None:
    """The terms of a pod's required node affinity, or None when it has none."""
    rules = _rules(spec)
    required = rules.required_during_scheduling_ignored_during_execution if rules else None
    return None if required is None else node_terms(required)


def selector_terms(spec: PodSpec) -> list[list[Term]]:
    """Terms lists of nodeSelector and required node affinity; a node must match each list."""
    lists = [[exact_term(spec.node_selector)]] if spec.node_selector else []
    required = required_terms(spec)
    return lists if required is None else [*lists, required]


def _preferred(rules: NodeAffinityRules | None) -> list[tuple[int, Term]]:
    """(weight, term) of preferred affinity; a weight of 0 and an empty preference say nothing."""
    preferred = (rules.preferred_during_scheduling_ignored_during_execution if rules else None) or ()
    pairs = [(item.weight, node_term(item.preference)) for item in preferred]
    return [(weight, term) for weight, term in pairs if weight and term]


class NodeAffinity(Plugin):
    """Rejects nodes that a pod's selector or required affinity does not match; prefers what it prefers."""

    name = "NodeAffinity"
    points = frozenset({"preFilter", "filter", "preScore", "score"})
    args: NodeAffinityArgs

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:
        """Narrow the cycle to nodes that every term names, when every term names some."""
        terms = required_terms(context.pod.spec)
        if not terms:
            return None
        named: set[str] = set()
        for term in terms:
            allowed: set[str] | None = None
            for key, operator, values in term:
                if key == NAME_FIELD and operator == "In":
                    allowed = set(values) if allowed is None else allowed & set(values)
            if allowed is None:
                return None
            named |= allowed
        return frozenset(named) or Status("UnschedulableAndUnresolvable", self.name, (CONFLICT,))

    def filter(self, context: PodContext) -> NodeAffinityFilter | None:
        """Compile the hard rule."""
        spec = context.pod.spec
        enforced = self.args.added_affinity
        added = enforced.required_during_scheduling_ignored_during_execution if enforced else None
        required = required_terms(spec)
        if added is None and required is None and not spec.node_selector:
            return None
        return NodeAffinityFilter(
            context.core.nodes,
            context.core.reasons,
            None if added is None else node_terms(added),
            exact_term(spec.node_selector) if spec.node_selector else None,
            required,
        )

    def score(self, context: PodContext) -> NodeAffinityScore | None:
        """Compile the preference, the profile's terms first."""
        sources = (self.args.added_affinity, _rules(context.pod.spec))
        if all(s is None or s.preferred_during_scheduling_ignored_during_execution is None for s in sources):
            return None
        preferred = [pair for rules in sources for pair in _preferred(rules)]
        return NodeAffinityScore(context.core.nodes, context.core.reasons, preferred)
