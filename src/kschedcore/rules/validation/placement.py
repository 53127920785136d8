"""Validation of scheduling fields: affinity, taints, tolerations, topology spread, scheduling gates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import one_of, validate_label_selector, validate_operator

__all__ = [
    "validate_affinity", "validate_node_selector", "validate_scheduling_gates",
    "validate_spread_constraint", "validate_spread_constraints",
    "validate_taints", "validate_tolerations",
]  # fmt: skip

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _label_name(key: str, path: str) -> Iterator[FieldError]:
    return (fe.invalid(path, key, text) for text in rules.is_qualified_name(key))


def validate_affinity(affinity: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate node affinity, pod affinity and pod anti-affinity."""
    node = affinity.get("nodeAffinity", {})
    where = f"{path}.nodeAffinity"
    if _REQUIRED in node:
        yield from validate_node_selector(node[_REQUIRED], f"{where}.{_REQUIRED}")
    for index, term in enumerate(node.get(_PREFERRED, ())):
        yield from _weight(term, f"{where}.{_PREFERRED}[{index}]")
        where_preference = f"{where}.{_PREFERRED}[{index}].preference"
        yield from _node_selector_term(term["preference"], where_preference, checks_values=False)
    for key in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(key, {})
        where = f"{path}.{key}"
        for index, term in enumerate(pods.get(_REQUIRED, ())):
            yield from _pod_affinity_term(term, f"{where}.{_REQUIRED}[{index}]")
        for index, weighted in enumerate(pods.get(_PREFERRED, ())):
            spot = f"{where}.{_PREFERRED}[{index}]"
            yield from _weight(weighted, spot)
            yield from _pod_affinity_term(weighted["podAffinityTerm"], f"{spot}.podAffinityTerm")


def _weight(term: dict[str, Any], path: str) -> Iterator[FieldError]:
    weight = term.get("weight", 0)
    if not 1 <= weight <= 100:
        yield fe.invalid(f"{path}.weight", weight, "must be in the range 1-100")


def validate_node_selector(selector: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate a ``core/v1.NodeSelector``, with at least one term."""
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        yield fe.required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")
    for index, term in enumerate(terms):
        yield from _node_selector_term(term, f"{path}.nodeSelectorTerms[{index}]", checks_values=True)


def _node_selector_term(term: dict[str, Any], path: str, *, checks_values: bool) -> Iterator[FieldError]:
    """A term of a node selector; the values of preferences may be anything."""
    for index, requirement in enumerate(term.get("matchExpressions", ())):
        where = f"{path}.matchExpressions[{index}]"
        yield from _node_requirement(requirement, where)
        for number, value in enumerate(requirement.get("values", ()) if checks_values else ()):
            texts = rules.is_label_value(value)
            yield from (fe.invalid(f"{where}.values[{number}]", value, text) for text in texts)
    for index, requirement in enumerate(term.get("matchFields", ())):
        yield from _field_requirement(requirement, f"{path}.matchFields[{index}]")


def _node_requirement(requirement: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from validate_operator(requirement, path, compares=True)
    yield from _label_name(requirement.get("key", ""), f"{path}.key")


def _field_requirement(requirement: dict[str, Any], path: str) -> Iterator[FieldError]:
    operator, values = requirement.get("operator", ""), requirement.get("values", ())
    if operator not in ("In", "NotIn"):
        yield fe.invalid(f"{path}.operator", operator, "not a valid selector operator")
    elif len(values) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        yield fe.required(f"{path}.values", detail)
    key = requirement.get("key", "")
    if key != "metadata.name":
        yield fe.invalid(f"{path}.key", key, "not a valid field selector key")
        return
    for index, value in enumerate(values):
        texts = rules.is_dns1123_subdomain(value)
        yield from (fe.invalid(f"{path}.values[{index}]", value, text) for text in texts)


def _pod_affinity_term(term: dict[str, Any], path: str) -> Iterator[FieldError]:
    for key in ("labelSelector", "namespaceSelector"):
        if key in term:
            yield from validate_label_selector(term[key], f"{path}.{key}")
    for name in term.get("namespaces", ()):
        yield from (fe.invalid(f"{path}.namespace", name, text) for text in rules.is_dns1123_label(name))
    for key in ("matchLabelKeys", "mismatchLabelKeys"):
        if term.get(key) and "labelSelector" not in term:
            yield fe.forbidden(f"{path}.{key}", "must not be specified when labelSelector is not set")
        for index, label in enumerate(term.get(key, ())):
            yield from _label_name(label, f"{path}.{key}[{index}]")
    yield from _affinity_label_keys(term, path)
    topology_key = term.get("topologyKey", "")
    if not topology_key:
        yield fe.required(f"{path}.topologyKey", "can not be empty")
    yield from _label_name(topology_key, f"{path}.topologyKey")


def _affinity_label_keys(term: dict[str, Any], path: str) -> Iterator[FieldError]:
    """Refuse label keys given twice; of those that the selector has, the path is the term's, as Kubernetes has it."""
    matched, mismatched = term.get("matchLabelKeys", ()), term.get("mismatchLabelKeys", ())
    yield from _keys_beside_selector(matched, term.get("labelSelector") or {}, path)
    for index, key in enumerate(matched):
        if key in mismatched:
            detail = "exists in both matchLabelKeys and mismatchLabelKeys"
            yield fe.invalid(f"{path}.matchLabelKeys[{index}]", key, detail)


def validate_taints(taints: Iterable[dict[str, Any]], path: str) -> Iterable[FieldError]:
    """Validate ``spec.taints`` of a node: unique pairs of key and effect."""
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        where, key, effect = f"{path}[{index}]", taint.get("key", ""), taint.get("effect", "")
        yield from (fe.invalid(f"{where}.key", key, text) for text in rules.is_qualified_name(key))
        texts = rules.is_label_value(taint.get("value", ""))
        if texts:
            yield fe.invalid(f"{where}.value", taint.get("value", ""), ";".join(texts))
        if not effect:
            yield fe.required(f"{where}.effect")
        else:
            yield from one_of(effect, _TAINT_EFFECTS, f"{where}.effect")
        if (key, effect) in seen:
            duplicate = fe.duplicate(where, fe.go_struct("core.Taint", taint))
            yield fe.FieldError(
                duplicate.type, where, duplicate.value, "taints must be unique by key and effect pair"
            )
        seen.add((key, effect))


def validate_tolerations(tolerations: Iterable[dict[str, Any]], path: str) -> Iterable[FieldError]:
    """Validate ``spec.tolerations``."""
    for index, toleration in enumerate(tolerations):
        yield from _toleration(toleration, f"{path}[{index}]")


def _toleration(toleration: dict[str, Any], path: str) -> Iterator[FieldError]:
    key, value = toleration.get("key", ""), toleration.get("value", "")
    operator, effect = toleration.get("operator", ""), toleration.get("effect", "")
    if key:
        yield from _label_name(key, f"{path}.key")
    elif operator != "Exists":
        detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        yield fe.invalid(f"{path}.operator", operator, detail)
    if "tolerationSeconds" in toleration and effect != "NoExecute":
        detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        yield fe.invalid(f"{path}.effect", effect, detail)
    if operator in ("", "Equal"):
        texts = rules.is_label_value(value)
        if texts:
            yield fe.invalid(f"{path}.operator", value, ";".join(texts))
    elif operator == "Exists":
        if value:
            yield fe.invalid(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
    else:
        yield fe.not_supported(f"{path}.operator", operator, ("Equal", "Exists"))
    if effect:
        yield from one_of(effect, _TAINT_EFFECTS, f"{path}.effect")


def validate_spread_constraints(constraints: list[dict[str, Any]], path: str) -> Iterable[FieldError]:
    """Validate ``spec.topologySpreadConstraints``."""
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        where = f"{path}[{index}]"
        yield from validate_spread_constraint(constraint, where)
        pair = (constraint.get("topologyKey", ""), constraint.get("whenUnsatisfiable", ""))
        if pair in seen:
            yield fe.duplicate(f"{where}.{{topologyKey, whenUnsatisfiable}}", f"{{{pair[0]}, {pair[1]}}}")
        seen.add(pair)


def validate_spread_constraint(constraint: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate one topology spread constraint."""
    skew, action = constraint.get("maxSkew", 0), constraint.get("whenUnsatisfiable", "")
    if skew <= 0:
        yield fe.invalid(f"{path}.maxSkew", skew, "must be greater than zero")
    if not constraint.get("topologyKey"):
        yield fe.required(f"{path}.topologyKey", "can not be empty")
    yield from one_of(action, ("DoNotSchedule", "ScheduleAnyway"), f"{path}.whenUnsatisfiable")
    minimum = constraint.get("minDomains")
    if minimum is not None:
        if minimum <= 0:
            yield fe.invalid(f"{path}.minDomains", minimum, "must be greater than zero")
        if action != "DoNotSchedule":
            detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
            yield fe.invalid(f"{path}.minDomains", minimum, detail)
    for key in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        if key in constraint:
            yield from one_of(constraint[key], ("Honor", "Ignore"), f"{path}.{key}")
    yield from _match_label_keys(constraint, path)
    if "labelSelector" in constraint:
        yield from validate_label_selector(constraint["labelSelector"], f"{path}.labelSelector")


def _match_label_keys(constraint: dict[str, Any], path: str) -> Iterator[FieldError]:
    keys, where = constraint.get("matchLabelKeys", ()), f"{path}.matchLabelKeys"
    selector = constraint.get("labelSelector")
    if keys and selector is None:
        yield fe.forbidden(where, "must not be specified when labelSelector is not set")
        return
    for index, key in enumerate(keys):
        yield from _label_name(key, f"{where}[{index}]")
    yield from _keys_beside_selector(keys, selector or {}, where)


def _keys_beside_selector(keys: Iterable[str], selector: dict[str, Any], path: str) -> Iterator[FieldError]:
    """Refuse keys that the selector has of its own: the server adds one requirement for each (KEP-3633, KEP-3243)."""
    places = {key: index for index, key in enumerate(keys)}
    seen = set(selector.get("matchLabels", ())) if places else set()
    for requirement in selector.get("matchExpressions", ()) if places else ():
        key = requirement.get("key", "")
        if key in places and key in seen:
            yield fe.invalid(f"{path}[{places[key]}]", key, "exists in both matchLabelKeys and labelSelector")
        seen.add(key)


def validate_scheduling_gates(gates: Iterable[dict[str, Any]], path: str) -> Iterable[FieldError]:
    """Validate ``spec.schedulingGates``: unique qualified names (KEP-3521)."""
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name", "")
        yield from _label_name(name, f"{path}[{index}]")
        if name in seen:
            yield fe.duplicate(f"{path}[{index}]", name)
        seen.add(name)
