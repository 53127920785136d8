"""Node selectors (``k8s.io/component-helpers`` ``scheduling/corev1/nodeaffinity``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from kschedcore.api import objects
from kschedcore.api.selectors.requirements import Operator, Requirement, aggregate, quote

__all__ = ["NodeSelector", "NodeSelectorTerm", "node_selector"]

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
_FIELD_OPERATORS = ("In", "NotIn")


@dataclass(frozen=True, slots=True)
class NodeSelectorTerm:
    """Requirements on a node's labels and fields, all of which must hold.

    Attributes:
        expressions: Requirements on labels.
        fields: Requirements on fields; the only field is ``metadata.name``.
    """

    expressions: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str], name: str = "") -> bool:
        """Return whether a node matches; a term without requirements matches none."""
        if not self.expressions and not self.fields:
            return False
        if not all(requirement.matches(labels) for requirement in self.expressions):
            return False
        return not name or all(requirement.matches({"metadata.name": name}) for requirement in self.fields)


@dataclass(frozen=True, slots=True)
class NodeSelector:
    """Terms of which one must match.

    Attributes:
        terms: The terms, in the manifest's order.
    """

    terms: tuple[NodeSelectorTerm, ...] = ()

    def matches(self, labels: Mapping[str, str], name: str = "") -> bool:
        """Return whether a node matches."""
        return any(term.matches(labels, name) for term in self.terms)


def node_selector(selector: objects.NodeSelector) -> NodeSelector:
    """Parse a v1.NodeSelector (required node affinity, a volume's node affinity).

    Raises:
        ValueError: It is invalid; the message is Kubernetes', with field paths.
    """
    terms: list[NodeSelectorTerm] = []
    problems: list[str] = []
    for index, term in enumerate(selector.node_selector_terms or ()):
        path = f"nodeSelectorTerms[{index}]"
        expressions = _read(term.match_expressions, _OPERATORS, f"{path}.matchExpressions", problems)
        fields = _read(term.match_fields, _FIELD_OPERATORS, f"{path}.matchFields", problems)
        terms.append(NodeSelectorTerm(expressions, fields))
    if problems:
        raise ValueError(aggregate(problems))
    return NodeSelector(tuple(terms))


def _read(
    found: tuple[objects.NodeSelectorRequirement, ...] | None,
    operators: tuple[str, ...],
    path: str,
    problems: list[str],
) -> tuple[Requirement, ...]:
    requirements = []
    for index, item in enumerate(found or ()):
        where = f"{path}[{index}]"
        if item.operator not in operators:
            supported = ", ".join(map(quote, operators))
            problems.append(
                f"{where}.operator: Unsupported value: {quote(item.operator)}: supported values: {supported}"
            )
            continue
        requirement = Requirement(item.key, cast("Operator", item.operator), tuple(item.values or ()))
        fields = operators is _FIELD_OPERATORS
        problems += _field_problems(requirement, where) if fields else requirement.problems(where)
        requirements.append(requirement)
    return tuple(requirements)


def _field_problems(requirement: Requirement, path: str) -> Iterator[str]:
    if len(requirement.values) != 1:
        shown = ", ".join(map(quote, requirement.values))
        yield f"{path}.values: Invalid value: []string{{{shown}}}: must have one element"
