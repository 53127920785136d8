"""LabelSelector objects (apimachinery ``metav1.LabelSelectorAsSelector``)."""

from __future__ import annotations

from typing import cast

from kschedcore.api.objects import LabelSelector
from kschedcore.api.selectors.requirements import NOTHING, Operator, Requirement, Selector, aggregate, quote

__all__ = ["label_selector"]

_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})


def label_selector(selector: LabelSelector | None) -> Selector:
    """Return a LabelSelector as a Selector: an absent one selects nothing, an empty one everything.

    Raises:
        ValueError: It is invalid; the message is Kubernetes'.
    """
    if selector is None:
        return NOTHING
    requirements = [Requirement(key, "=", (value,)) for key, value in (selector.match_labels or {}).items()]
    for expression in selector.match_expressions or ():
        if expression.operator not in _OPERATORS:
            raise ValueError(f"{quote(expression.operator)} is not a valid label selector operator")
        operator = cast("Operator", expression.operator)
        requirements.append(Requirement(expression.key, operator, tuple(expression.values or ())))
    for requirement in requirements:
        problems = list(requirement.problems())
        if problems:
            raise ValueError(aggregate(problems))
    return Selector(tuple(sorted(requirements, key=lambda requirement: requirement.key)))
