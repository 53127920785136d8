"""Label selectors, node selectors and the affinities made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

from kschedcore.api.labels import is_label_value
from kschedcore.api.objects import (
    Affinity,
    LabelSelector,
    LabelSelectorRequirement,
    NodeAffinity,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PodAffinityRules,
    PodAffinityTerm,
    PreferredSchedulingTerm,
    WeightedPodAffinityTerm,
)
from kschedcore.rules.checks.fields import each, fault, labels, qualified_name, within

__all__ = ["affinity", "label_selector", "node_selector"]

Requirement = LabelSelectorRequirement | NodeSelectorRequirement

_LABEL_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")
_NODE_OPERATORS: Final = (*_LABEL_OPERATORS, "Gt", "Lt")
_FIELD_OPERATORS: Final = ("In", "NotIn")
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_MAX_WEIGHT = 100


def label_selector(selector: LabelSelector) -> None:
    """Check a metav1.LabelSelector."""
    labels("matchLabels", selector.match_labels)
    each("matchExpressions", _label_requirement, selector.match_expressions)


def node_selector(selector: NodeSelector) -> None:
    """Check a v1.NodeSelector."""
    if not selector.node_selector_terms:
        raise fault("nodeSelectorTerms", None, "at least one term")
    each("nodeSelectorTerms", _node_term, selector.node_selector_terms)


def affinity(rules: Affinity) -> None:
    """Check a v1.Affinity."""
    within("nodeAffinity", _node_affinity, rules.node_affinity)
    within("podAffinity", _pod_affinity, rules.pod_affinity)
    within("podAntiAffinity", _pod_affinity, rules.pod_anti_affinity)


def _label_requirement(requirement: LabelSelectorRequirement) -> None:
    _requirement(requirement, _LABEL_OPERATORS)


def _node_requirement(requirement: NodeSelectorRequirement) -> None:
    _requirement(requirement, _NODE_OPERATORS)
    if requirement.operator in ("Gt", "Lt"):
        (value,) = requirement.values or ()
        if not _INTEGER.fullmatch(value) or not -(2**63) <= int(value) < 2**63:
            raise fault("values[0]", value, "an integer of 64 bits, to compare with")


def _field_requirement(requirement: NodeSelectorRequirement) -> None:
    _operator(requirement, _FIELD_OPERATORS)
    if requirement.key != "metadata.name":
        raise fault("key", requirement.key, "metadata.name, the only field there is")
    _value_count(requirement, lambda count: count == 1, "exactly one value")


def _requirement(requirement: Requirement, operators: Collection[str]) -> None:
    _operator(requirement, operators)
    qualified_name("key", requirement.key, "a label key")
    match requirement.operator:
        case "In" | "NotIn":
            _value_count(requirement, lambda count: count > 0, "at least one value")
        case "Exists" | "DoesNotExist":
            _value_count(requirement, lambda count: count == 0, "no values")
        case _:
            _value_count(requirement, lambda count: count == 1, "exactly one value")
    for index, value in enumerate(requirement.values or ()):
        problems = is_label_value(value)
        if problems:
            raise fault(f"values[{index}]", value, f"a label value: {'; '.join(problems)}")


def _operator(requirement: Requirement, operators: Collection[str]) -> None:
    if requirement.operator not in operators:
        raise fault("operator", requirement.operator, f"one of {', '.join(operators)}")


def _value_count(requirement: Requirement, allows: Callable[[int], bool], expected: str) -> None:
    values = requirement.values or ()
    if not allows(len(values)):
        raise fault("values", list(values), f"{expected} with operator {requirement.operator}")


def _node_term(term: NodeSelectorTerm) -> None:
    each("matchExpressions", _node_requirement, term.match_expressions)
    each("matchFields", _field_requirement, term.match_fields)


def _node_affinity(rules: NodeAffinity) -> None:
    required = rules.required_during_scheduling_ignored_during_execution
    preferred = rules.preferred_during_scheduling_ignored_during_execution
    within("requiredDuringSchedulingIgnoredDuringExecution", node_selector, required)
    each("preferredDuringSchedulingIgnoredDuringExecution", _preferred_term, preferred)


def _preferred_term(term: PreferredSchedulingTerm) -> None:
    _weight(term.weight)
    within("preference", _node_term, term.preference)


def _pod_affinity(rules: PodAffinityRules) -> None:
    required = rules.required_during_scheduling_ignored_during_execution
    preferred = rules.preferred_during_scheduling_ignored_during_execution
    each("requiredDuringSchedulingIgnoredDuringExecution", _pod_term, required)
    each("preferredDuringSchedulingIgnoredDuringExecution", _weighted_term, preferred)


def _weighted_term(term: WeightedPodAffinityTerm) -> None:
    _weight(term.weight)
    within("podAffinityTerm", _pod_term, term.pod_affinity_term)


def _pod_term(term: PodAffinityTerm) -> None:
    qualified_name("topologyKey", term.topology_key, "a label key")
    within("labelSelector", label_selector, term.label_selector)
    within("namespaceSelector", label_selector, term.namespace_selector)


def _weight(weight: int) -> None:
    if not 1 <= weight <= _MAX_WEIGHT:
        raise fault("weight", weight, f"a weight from 1 to {_MAX_WEIGHT}")
