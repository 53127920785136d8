"""NodeAffinity: node selectors and node affinity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kschedcore._native.nodes import NAME_FIELD
from kschedcore._native.plugins.node_affinity import NodeAffinityFilter, NodeAffinityScore
from kschedcore.api.labels import is_label_value
from kschedcore.api.machinery.changes import Change
from kschedcore.api.machinery.field_errors import FieldError, invalid, not_supported
from kschedcore.api.objects import NodeAffinity as NodeAffinityRules
from kschedcore.api.objects import NodeSelectorTerm, Pod, PodSpec
from kschedcore.engine.columns.selectors import Term, exact_term, node_term, node_terms, satisfies
from kschedcore.engine.config.args import Args
from kschedcore.engine.config.names import label_name_errors
from kschedcore.engine.events import Events, labels_of
from kschedcore.engine.plugin import Plugin, PodContext, Status

CONFLICT = "pod affinity terms conflict"


class NodeAffinityArgs(Args, frozen=True):
    """Arguments of NodeAffinity: affinity added to every pod of the profile."""

    added_affinity: NodeAffinityRules | None = None

    def errors(self, path: str) -> Iterable[FieldError]:
        """Yield the errors (``ValidateNodeAffinityArgs``)."""
        added = self.added_affinity
        if added is None:
            return
        required = added.required_during_scheduling_ignored_during_execution
        if required is not None:
            place = f"{path}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
            for index, term in enumerate(required.node_selector_terms or ()):
                yield from _term_errors(term, f"{place}[{index}]")
        for index, preferred in enumerate(added.preferred_during_scheduling_ignored_during_execution or ()):
            place = f"{path}.addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[{index}]"
            if preferred.weight:
                yield from _term_errors(preferred.preference, place)


_VALUES_EXPECTED = {
    "In": "for 'in', 'notin' operators, values set can't be empty",
    "NotIn": "for 'in', 'notin' operators, values set can't be empty",
    "Exists": "values set must be empty for exists and does not exist",
    "DoesNotExist": "values set must be empty for exists and does not exist",
    "Gt": "for 'Gt', 'Lt' operators, exactly one value is required",
    "Lt": "for 'Gt', 'Lt' operators, exactly one value is required",
}
"""Operator -> the message for a wrong number of values (apimachinery's ``labels.NewRequirement``)."""


def _term_errors(term: NodeSelectorTerm, path: str) -> Iterator[FieldError]:
    """Yield a node selector term's errors (component-helpers' ``nodeaffinity.NewNodeSelector``)."""
    for index, each in enumerate(term.match_expressions or ()):
        place, values = f"{path}.matchExpressions[{index}]", each.values or ()
        if each.operator not in _VALUES_EXPECTED:
            yield not_supported(f"{place}.operator", each.operator, sorted(_VALUES_EXPECTED))
            continue
        yield from label_name_errors(each.key, f"{place}.key")
        if not _right_number(each.operator, len(values)):
            yield invalid(f"{place}.values", list(values), _VALUES_EXPECTED[each.operator])
        elif each.operator in ("Gt", "Lt") and not _is_integer(values[0]):
            problem = "for 'Gt', 'Lt' operators, the value must be an integer"
            yield invalid(f"{place}.values[0]", values[0], problem)
        else:
            for position, value in enumerate(values):
                for problem in is_label_value(value):
                    yield invalid(f"{place}.values[{position}][{each.key}]", value, problem)
    for index, each in enumerate(term.match_fields or ()):
        place, values = f"{path}.matchFields[{index}]", each.values or ()
        if each.operator not in ("In", "NotIn"):
            yield not_supported(f"{place}.operator", each.operator, ("In", "NotIn"))
        elif len(values) != 1:
            yield invalid(f"{place}.values", list(values), "must have one element")


def _right_number(operator: str, count: int) -> bool:
    if operator in ("Gt", "Lt"):
        return count == 1
    return (count > 0) == (operator in ("In", "NotIn"))


def _is_integer(text: str) -> bool:
    digits = text[1:] if text[:1] in ("+", "-") else text
    return digits.isascii() and digits.isdigit() and -(2**63) <= int(text) < 2**63


def _rules(spec: PodSpec) -> NodeAffinityRules | None:
    return spec.affinity.node_affinity if spec.affinity else None


def required_terms(spec: PodSpec) -> list[Term] | None:
    """Return the terms of a pod's required node affinity, or None when it has none."""
    rules = _rules(spec)
    required = rules.required_during_scheduling_ignored_during_execution if rules else None
    return None if required is None else node_terms(required)


def selector_terms(spec: PodSpec) -> list[list[Term]]:
    """Return the lists of terms of nodeSelector and required node affinity; a node must match each list."""
    lists = [[exact_term(spec.node_selector)]] if spec.node_selector else []
    required = required_terms(spec)
    return lists if required is None else [*lists, required]


def _preferred(rules: NodeAffinityRules | None) -> list[tuple[int, Term]]:
    """Return (weight, term) of preferred affinity, without weights of 0 and empty preferences."""
    preferred = (rules.preferred_during_scheduling_ignored_during_execution if rules else None) or ()
    pairs = [(item.weight, node_term(item.preference)) for item in preferred]
    return [(weight, term) for weight, term in pairs if weight and term]


def _term_matches(term: Term, labels: Mapping[str, str]) -> bool:
    """Return whether a node matches a term, by its labels and its name; an empty term matches no node."""
    return bool(term) and satisfies(labels, term)


class NodeAffinity(Plugin):
    """Rejects nodes that a pod's selector or required affinity does not match; scores preferred affinity."""

    name = "NodeAffinity"
    points = frozenset({"preFilter", "filter", "preScore", "score"})
    args_type = NodeAffinityArgs
    args: NodeAffinityArgs

    def events(self) -> Events:
        """Register nodes that match and are new or did not match before."""
        return {"nodes": self._matches_now}

    def _matches_now(self, change: Change, pod: Pod) -> bool:
        old, new = change.old, change.new
        return new is not None and self._matches(new, pod) and (old is None or not self._matches(old, pod))

    def _matches(self, node: Mapping[str, Any], pod: Pod) -> bool:
        """Return whether a node matches the added affinity and the pod's own rules."""
        added = self.args.added_affinity
        enforced = added.required_during_scheduling_ignored_during_execution if added else None
        lists = (
            selector_terms(pod.spec)
            if enforced is None
            else [node_terms(enforced), *selector_terms(pod.spec)]
        )
        labels = {**labels_of(node), NAME_FIELD: node["metadata"]["name"]}
        return all(any(_term_matches(term, labels) for term in terms) for terms in lists)

    def pre_filter(self, context: PodContext) -> Status | frozenset[str] | None:
        """Restrict the cycle to nodes by ``metadata.name``, if every term has such a field selector."""
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
