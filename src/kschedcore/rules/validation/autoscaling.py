"""Validation of HorizontalPodAutoscaler (``autoscaling/v2``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.quantity import Quantity
from kschedcore.rules.validation.common import one_of
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["CREATE", "UPDATE"]

# The field of each type of metric.
_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_TARGETS = ("Utilization", "Value", "AverageValue")
_MAX_STABILIZATION_SECONDS = 3600
_MAX_PERIOD_SECONDS = 1800


def _autoscaler(hpa: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(hpa["metadata"], dns_subdomain_name, namespaced=True)
    yield from _spec(hpa["spec"])


def _autoscaler_update(hpa: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(hpa["metadata"], old["metadata"])
    yield from _spec(hpa["spec"])


def _spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    minimum, maximum = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if minimum is not None and minimum < 1:
        yield fe.invalid("spec.minReplicas", minimum, "must be greater than or equal to 1")
    if not maximum:
        yield fe.required("spec.maxReplicas", "must be set and greater than 0")
    elif maximum < 1:
        yield fe.invalid("spec.maxReplicas", maximum, "must be greater than or equal to 1")
    if minimum is not None and maximum < minimum:
        yield fe.invalid("spec.maxReplicas", maximum, "must be greater than or equal to `minReplicas`")
    yield from _reference(spec["scaleTargetRef"], "spec.scaleTargetRef")
    for index, metric in enumerate(spec.get("metrics", ())):
        yield from _metric(metric, f"spec.metrics[{index}]")
    for direction in ("scaleUp", "scaleDown"):
        rules_of = spec.get("behavior", {}).get(direction)
        if rules_of is not None:
            yield from _scaling_rules(rules_of, f"spec.behavior.{direction}")


def _reference(reference: dict[str, Any], path: str) -> Iterator[FieldError]:
    for key in ("kind", "name"):
        value = reference.get(key, "")
        if not value:
            yield fe.required(f"{path}.{key}")
        else:
            texts = rules.is_path_segment_name(value)
            yield from (fe.invalid(f"{path}.{key}", value, text) for text in texts)


def _metric(metric: dict[str, Any], path: str) -> Iterator[FieldError]:
    kind = metric.get("type", "")
    if not kind:
        yield fe.required(f"{path}.type", "must specify a metric source type")
    else:
        yield from one_of(kind, _SOURCES, f"{path}.type")
    expected = _SOURCES.get(kind, "")
    if expected and expected not in metric:
        detail = "must populate information for the given metric source"
        yield fe.required(f"{path}.{expected}", detail)
    for field in _SOURCES.values():
        if field in metric:
            if expected and field != expected:
                detail = "must populate the given metric source only"
                yield fe.forbidden(f"{path}.{field}", detail)
            yield from _source(metric[field], field, f"{path}.{field}")


def _source(source: dict[str, Any], field: str, path: str) -> Iterator[FieldError]:
    target = source.get("target", {})
    yield from _target(target, f"{path}.target")
    if field in ("resource", "containerResource"):
        if not source.get("name"):
            yield fe.required(f"{path}.name", "must specify a resource name")
        if field == "containerResource" and not source.get("container"):
            yield fe.required(f"{path}.container", "must specify a container")
        yield from _resource_target(target, path)
        return
    if not source.get("metric", {}).get("name"):
        yield fe.required(f"{path}.metric.name", "must specify a metric name")
    if field == "object":
        yield from _reference(source.get("describedObject", {}), f"{path}.describedObject")
    if field == "pods":
        if not _positive(target.get("averageValue")):
            detail = "must specify a positive target averageValue"
            yield fe.required(f"{path}.target.averageValue", detail)
    elif "value" not in target and "averageValue" not in target:
        yield fe.required(f"{path}.target.averageValue", "must set either a target value or averageValue")


def _resource_target(target: dict[str, Any], path: str) -> Iterator[FieldError]:
    if "averageUtilization" not in target and "averageValue" not in target:
        detail = "must set either a target raw value or a target utilization"
        yield fe.required(f"{path}.target.averageUtilization", detail)
    if "averageUtilization" in target and "averageValue" in target:
        detail = "may not set both a target raw value and a target utilization"
        yield fe.forbidden(f"{path}.target.averageValue", detail)


def _positive(text: str | None) -> bool:
    return text is not None and Quantity.parse(text) > Quantity.parse("0")


def _target(target: dict[str, Any], path: str) -> Iterator[FieldError]:
    kind = target.get("type", "")
    if not kind:
        yield fe.required(f"{path}.type", "must specify a metric target type")
    elif kind not in _TARGETS:
        yield fe.invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue")
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        yield fe.invalid(f"{path}.averageUtilization", utilization, "must be greater than 0")
    for key in ("value", "averageValue"):
        if key in target and not _positive(target[key]):
            struct = fe.go_struct("resource.Quantity", target[key])
            yield fe.invalid(f"{path}.{key}", struct, "must be positive")


def _scaling_rules(rules_of: dict[str, Any], path: str) -> Iterator[FieldError]:
    window = rules_of.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        detail = "must be greater than or equal to zero"
        yield fe.invalid(f"{path}.stabilizationWindowSeconds", window, detail)
    elif window is not None and window > _MAX_STABILIZATION_SECONDS:
        detail = f"must be less than or equal to {_MAX_STABILIZATION_SECONDS}"
        yield fe.invalid(f"{path}.stabilizationWindowSeconds", window, detail)
    selected = rules_of.get("selectPolicy")
    if selected is not None:
        yield from one_of(selected, ("Disabled", "Max", "Min"), f"{path}.selectPolicy")
    if not rules_of.get("policies"):
        yield fe.required(f"{path}.policies", "must specify at least one Policy")
    for index, policy in enumerate(rules_of.get("policies", ())):
        where = f"{path}.policies[{index}]"
        yield from one_of(policy.get("type", ""), ("Percent", "Pods"), f"{where}.type")
        if policy.get("value", 0) <= 0:
            yield fe.invalid(f"{where}.value", policy.get("value", 0), "must be greater than zero")
        period = policy.get("periodSeconds", 0)
        if period <= 0:
            yield fe.invalid(f"{where}.periodSeconds", period, "must be greater than zero")
        elif period > _MAX_PERIOD_SECONDS:
            detail = f"must be less than or equal to {_MAX_PERIOD_SECONDS}"
            yield fe.invalid(f"{where}.periodSeconds", period, detail)


CREATE = {"HorizontalPodAutoscaler": _autoscaler}
UPDATE = {"HorizontalPodAutoscaler": _autoscaler_update}
