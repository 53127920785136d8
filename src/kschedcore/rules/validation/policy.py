"""Validation of PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import one_of, validate_int_or_percent, validate_label_selector
from kschedcore.rules.validation.metadata import path_segment_name, validate_metadata

__all__ = ["CREATE", "UPDATE"]


def _budget(budget: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(budget["metadata"], path_segment_name, namespaced=True)
    yield from _spec(budget["spec"])


def _budget_update(budget: dict[str, Any], _old: dict[str, Any]) -> Iterable[FieldError]:
    yield from _spec(budget["spec"])


def _spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    if "minAvailable" in spec and "maxUnavailable" in spec:
        struct = fe.go_struct("policy.PodDisruptionBudgetSpec", spec)
        yield fe.invalid("spec", struct, "minAvailable and maxUnavailable cannot be both set")
    for key in ("minAvailable", "maxUnavailable"):
        if key in spec:
            yield from validate_int_or_percent(spec[key], f"spec.{key}")
    if "selector" in spec:
        yield from validate_label_selector(spec["selector"], "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None:
        supported = ("IfHealthyBudget", "AlwaysAllow")
        yield from one_of(policy, supported, "spec.unhealthyPodEvictionPolicy")


CREATE = {"PodDisruptionBudget": _budget}
UPDATE = {"PodDisruptionBudget": _budget_update}
