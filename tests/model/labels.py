"""`metav1.LabelSelector`, node selector terms and topology selector terms against plain label maps."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = dict[str, Any]
Labels = Mapping[str, str]
Selector = Callable[[Labels], bool]

_INTEGER = re.compile(r"[+-]?\d+")


def requirement(expression: Json) -> Selector:
    """One match expression. `NotIn` holds for an absent key; `Gt` and `Lt` need integers on both sides."""
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or []
    match operator:
        case "In":
            return lambda labels: labels.get(key) in values
        case "NotIn":
            return lambda labels: labels.get(key) not in values
        case "Exists":
            return lambda labels: key in labels
        case "DoesNotExist":
            return lambda labels: key not in labels
        case "Gt" | "Lt":
            return lambda labels: _compares(labels.get(key), operator, values)
    raise ValueError(
        f"match expression operator {operator!r}: expected In, NotIn, Exists, DoesNotExist, Gt or Lt"
    )


def _compares(label: str | None, operator: str, values: list[str]) -> bool:
    if label is None or len(values) != 1:
        return False
    if not _INTEGER.fullmatch(label) or not _INTEGER.fullmatch(values[0]):
        return False
    return int(label) > int(values[0]) if operator == "Gt" else int(label) < int(values[0])


def requirements(selector: Json) -> list[Selector]:
    """The requirements of a label selector, all of which must hold."""
    wanted = [
        requirement({"key": key, "operator": "In", "values": [value]})
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    return wanted + [requirement(e) for e in selector.get("matchExpressions") or []]


def every(conditions: Iterable[Selector]) -> Selector:
    """The conjunction of `conditions`."""
    fixed = list(conditions)
    return lambda labels: all(holds(labels) for holds in fixed)


def label_selector(selector: Json | None) -> Selector:
    """A label selector: absent matches nothing, empty matches everything."""
    if selector is None:
        return lambda labels: False
    return every(requirements(selector))


def is_empty(selector: Json | None) -> bool:
    """Whether the selector is there and has no requirement at all."""
    return selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions")


def node_selector_term_matches(term: Json, labels: Labels, node_name: str | None) -> bool:
    """One term: expressions on labels and fields on the name, all of them; empty, it matches nothing."""
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False
    if not all(requirement(e)(labels) for e in expressions):
        return False
    return all(_field_matches(f, node_name) for f in fields)


def _field_matches(field: Json, node_name: str | None) -> bool:
    named = {"metadata.name": node_name} if node_name is not None else {}
    return requirement(field)({key: value for key, value in named.items() if value is not None})


def node_selector_matches(selector: Json, labels: Labels, node_name: str | None = None) -> bool:
    """A `NodeSelector`: any of its terms."""
    terms = selector.get("nodeSelectorTerms") or []
    return any(node_selector_term_matches(term, labels, node_name) for term in terms)


def topology_terms_match(terms: list[Json] | None, labels: Labels) -> bool:
    """`StorageClass.allowedTopologies`: without terms every node, otherwise any term whose keys all match."""
    if not terms:
        return True
    return any(_topology_term_matches(term, labels) for term in terms)


def _topology_term_matches(term: Json, labels: Labels) -> bool:
    expressions = term.get("matchLabelExpressions") or []
    return bool(expressions) and all(labels.get(e["key"]) in e["values"] for e in expressions)
