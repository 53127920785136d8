"""Selectors and affinity terms as the tuples that the native core compiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from kschedcore._native.nodes import NAME_FIELD
from kschedcore._native.topology import AffinityTerm
from kschedcore.api.selectors import requirements as requirements_

if TYPE_CHECKING:
    from kschedcore.api.objects import LabelSelector, NodeSelector, NodeSelectorTerm, PodAffinityTerm

Requirement = tuple[str, str, tuple[str, ...]]
"""(key, operator, values), as metav1.LabelSelectorRequirement and v1.NodeSelectorRequirement have them."""

Term = list[Requirement]


def satisfies(labels: Mapping[str, str], requirements: Iterable[Requirement]) -> bool:
    """Return whether labels meet all requirements."""
    return all(
        requirements_.Requirement(key, cast("requirements_.Operator", operator), values).matches(labels)
        for key, operator, values in requirements
    )


def label_requirements(selector: LabelSelector) -> tuple[Requirement, ...]:
    """Return the requirements of a metav1.LabelSelector; none selects everything."""
    exact = [(key, "In", (value,)) for key, value in sorted((selector.match_labels or {}).items())]
    return (*exact, *((e.key, e.operator, tuple(e.values or ())) for e in selector.match_expressions or ()))


def node_term(term: NodeSelectorTerm) -> Term:
    """Return a v1.NodeSelectorTerm, matchFields first; their only key is ``metadata.name``."""
    fields = [(NAME_FIELD, e.operator, tuple(e.values or ())) for e in term.match_fields or ()]
    return fields + [(e.key, e.operator, tuple(e.values or ())) for e in term.match_expressions or ()]


def node_terms(selector: NodeSelector) -> list[Term]:
    """Return the terms of a v1.NodeSelector, in order."""
    return [node_term(term) for term in selector.node_selector_terms or ()]


def exact_term(labels: dict[str, str]) -> Term:
    """Return a map of labels (``spec.nodeSelector``) as one term."""
    return [(key, "In", (value,)) for key, value in sorted(labels.items())]


def affinity_term(term: PodAffinityTerm, namespace: str) -> AffinityTerm:
    """Return a v1.PodAffinityTerm of a pod in ``namespace``, compiled.

    Without ``namespaces`` and ``namespaceSelector`` it selects pods of the pod's namespace; without a label selector,
    no pod.
    """
    names = term.namespaces or ()
    selector = term.namespace_selector
    if not names and selector is None:
        names = (namespace,)
    return AffinityTerm(
        names if term.label_selector is not None else (),
        () if term.label_selector is None else label_requirements(term.label_selector),
        None if selector is None or term.label_selector is None else label_requirements(selector),
    )


def affinity_terms(terms: Sequence[PodAffinityTerm] | None, namespace: str) -> list[tuple[AffinityTerm, str]]:
    """Return (term, topology key) of required terms."""
    return [(affinity_term(term, namespace), term.topology_key) for term in terms or ()]
