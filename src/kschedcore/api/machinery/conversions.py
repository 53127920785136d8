"""Conversion between the versions in which a kind is served; an object is stored in one of them.

A :class:`Conversion` belongs to a kind in another version than the stored one (:attr:`Kind.conversion`). The API
server reads, patches and answers objects in the version of the request, and stores the result of
``to_stored``. Rules: ``pkg/apis/*/v1/conversion.go``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kschedcore.api.machinery.types import Object

__all__ = ["AUTOSCALING_V1", "EVENTS_V1", "Conversion", "Converter"]

Converter = Callable[[Mapping[str, Any]], Object]


@dataclass(frozen=True)
class Conversion:
    """The conversion of objects between one version and the stored version.

    Attributes:
        stored: The qualified plural under which the objects are stored.
        to_stored: Makes the stored form of a decoded object, without changing the object.
        from_stored: Makes the form in this version of a stored object, likewise.
        fields: Prefix of field selectors in this version -> the prefix in the stored version.
    """

    stored: str
    to_stored: Converter
    from_stored: Converter
    fields: Mapping[str, str] = field(default_factory=dict)


_EVENT_NAMES = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_CORE_EVENT_NAMES = {core: name for name, core in _EVENT_NAMES.items()}
_OMITTED_WHEN_EMPTY = ("reportingController", "reportingInstance")


def _core_event(event: Mapping[str, Any]) -> Object:
    renamed = {_EVENT_NAMES.get(key, key): value for key, value in event.items()}
    return {**renamed, "apiVersion": "v1"}


def _event(event: Mapping[str, Any]) -> Object:
    renamed = {_CORE_EVENT_NAMES.get(key, key): value for key, value in event.items()}
    for key in _OMITTED_WHEN_EMPTY:
        if not renamed.get(key):
            renamed.pop(key, None)
    return {**renamed, "apiVersion": "events.k8s.io/v1"}


EVENTS_V1 = Conversion("events", _core_event, _event, {"regarding.": "involvedObject."})
"""``events.k8s.io/v1``: the events of the core group, whose fields have other names."""


# Annotations that carry what autoscaling/v1 has no fields for.
_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_ROUND_TRIP = (_METRICS, _CURRENT_METRICS, _CONDITIONS, _BEHAVIOR)
_DEFAULT_UTILIZATION = 80
_COPIED_SPEC = ("scaleTargetRef", "minReplicas", "maxReplicas")
_COPIED_STATUS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")
_UTILIZATION = "targetCPUUtilizationPercentage"
_CURRENT_UTILIZATION = "currentCPUUtilizationPercentage"


def _autoscaler_v2(obj: Mapping[str, Any]) -> Object:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    annotations = obj["metadata"].get("annotations", {})
    metrics = [_cpu_metric(spec[_UTILIZATION])] if _UTILIZATION in spec else []
    metrics += [_metric_from_v1(each) for each in _read(annotations, _METRICS, [])]
    v2_spec = {key: spec[key] for key in _COPIED_SPEC if key in spec}
    v2_spec["metrics"] = metrics or [_cpu_metric(_DEFAULT_UTILIZATION)]
    behavior = _read(annotations, _BEHAVIOR, {})
    if behavior:
        v2_spec["behavior"] = _from_go_names(behavior)
    v2_status = {key: status[key] for key in _COPIED_STATUS if key in status}
    current = [_cpu_status(status[_CURRENT_UTILIZATION])] if _CURRENT_UTILIZATION in status else []
    found = _read(annotations, _CURRENT_METRICS, None)
    v2_status["currentMetrics"] = [_status_from_v1(each) for each in found] if found else current or None
    conditions = _read(annotations, _CONDITIONS, [])
    if conditions:
        v2_status["conditions"] = conditions
    left = {key: value for key, value in annotations.items() if key not in _ROUND_TRIP}
    return {
        **obj,
        "apiVersion": "autoscaling/v2",
        "metadata": _annotated(obj["metadata"], left),
        "spec": v2_spec,
        "status": v2_status,
    }


def _autoscaler_v1(obj: Mapping[str, Any]) -> Object:
    spec, status = obj.get("spec", {}), obj.get("status", {})
    metrics, found = spec.get("metrics") or (), status.get("currentMetrics") or ()
    v1_spec = {key: spec[key] for key in _COPIED_SPEC if key in spec}
    goal = next((_cpu_goal(each) for each in metrics if _is_cpu(each)), None)
    if goal is not None:
        v1_spec[_UTILIZATION] = goal
    v1_status = {key: status[key] for key in _COPIED_STATUS if key in status}
    v1_status.setdefault("currentReplicas", 0)
    v1_status.setdefault("desiredReplicas", 0)
    for each in found:
        now = each["resource"].get("current", {}).get("averageUtilization") if _is_cpu(each) else None
        if now is not None:
            v1_status[_CURRENT_UTILIZATION] = now
    annotations = dict(obj["metadata"].get("annotations", {}))
    others = [_metric_to_v1(each) for each in metrics if not _is_cpu(each) or _cpu_goal(each) is None]
    for key, value in (
        (_METRICS, others),
        (_CURRENT_METRICS, [_status_to_v1(each) for each in found]),
        (_CONDITIONS, list(status.get("conditions", ()))),
        (_BEHAVIOR, _go_behavior(spec["behavior"]) if "behavior" in spec else {}),
    ):
        if value:
            annotations[key] = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return {
        **obj,
        "apiVersion": "autoscaling/v1",
        "metadata": _annotated(obj["metadata"], annotations),
        "spec": v1_spec,
        "status": v1_status,
    }


def _read(annotations: Mapping[str, str], key: str, absent: Any) -> Any:
    try:
        found = json.loads(annotations[key]) if key in annotations else absent
    except ValueError:
        return absent
    return found if absent is None or isinstance(found, type(absent)) else absent


def _annotated(metadata: Mapping[str, Any], annotations: Mapping[str, str]) -> Object:
    kept = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**kept, "annotations": dict(annotations)} if annotations else kept


def _is_cpu(metric: Mapping[str, Any]) -> bool:
    return metric.get("type") == "Resource" and metric.get("resource", {}).get("name") == "cpu"


def _cpu_goal(metric: Mapping[str, Any]) -> int | None:
    goal: int | None = metric["resource"].get("target", {}).get("averageUtilization")
    return goal


def _cpu_metric(utilization: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": utilization}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _cpu_status(utilization: int) -> Object:
    return {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": utilization}}}


def _some(**values: Any) -> Object:
    return {key: value for key, value in values.items() if value is not None}


def _metric_to_v1(metric: Mapping[str, Any]) -> Object:
    """A metric of a spec in the shape of ``autoscaling/v1``."""
    out: Object = {"type": metric.get("type", "")}
    for kind in ("object", "pods", "resource", "containerResource", "external"):
        if kind not in metric:
            continue
        source = metric[kind]
        target, named = source.get("target", {}), source.get("metric", {})
        value, average = target.get("value"), target.get("averageValue")
        if kind == "object":
            out[kind] = _some(
                target=source.get("describedObject"), metricName=named.get("name", ""), targetValue=value or "0",
                selector=named.get("selector"), averageValue=average,
            )  # fmt: skip
        elif kind == "pods":
            out[kind] = _some(
                metricName=named.get("name", ""),
                targetAverageValue=average or "0",
                selector=named.get("selector"),
            )
        elif kind == "external":
            out[kind] = _some(
                metricName=named.get("name", ""), metricSelector=named.get("selector"), targetValue=value,
                targetAverageValue=average,
            )  # fmt: skip
        else:
            out[kind] = _some(
                name=source.get("name", ""), targetAverageUtilization=target.get("averageUtilization"),
                targetAverageValue=average, container=source.get("container"),
            )  # fmt: skip
    return out


def _metric_from_v1(metric: Mapping[str, Any]) -> Object:
    out: Object = {"type": metric.get("type", "")}
    for kind in ("object", "pods", "resource", "containerResource", "external"):
        if kind not in metric:
            continue
        source = metric[kind]
        named = _some(
            name=source.get("metricName", ""), selector=source.get("selector") or source.get("metricSelector")
        )
        average = source.get("averageValue") or source.get("targetAverageValue")
        utilization, value = source.get("targetAverageUtilization"), source.get("targetValue")
        if kind in ("resource", "containerResource"):
            target = _some(averageUtilization=utilization, averageValue=average)
            target["type"] = "AverageValue" if utilization is None else "Utilization"
            out[kind] = _some(name=source.get("name", ""), container=source.get("container"), target=target)
        else:
            target = _some(averageValue=average) if average is not None else _some(value=value)
            target["type"] = "Value" if average is None else "AverageValue"
            out[kind] = _some(describedObject=source.get("target"), metric=named, target=target)
    return out


def _status_to_v1(metric: Mapping[str, Any]) -> Object:
    """A metric of a status in the shape of ``autoscaling/v1``."""
    out: Object = {"type": metric.get("type", "")}
    for kind in ("object", "pods", "resource", "containerResource", "external"):
        if kind not in metric:
            continue
        source = metric[kind]
        now, named = source.get("current", {}), source.get("metric", {})
        value, average = now.get("value"), now.get("averageValue")
        if kind == "object":
            out[kind] = _some(
                target=source.get("describedObject"), metricName=named.get("name", ""), currentValue=value or "0",
                selector=named.get("selector"), averageValue=average,
            )  # fmt: skip
        elif kind == "pods":
            out[kind] = _some(
                metricName=named.get("name", ""),
                currentAverageValue=average or "0",
                selector=named.get("selector"),
            )
        elif kind == "external":
            out[kind] = _some(
                metricName=named.get("name", ""), metricSelector=named.get("selector"), currentValue=value or "0",
                currentAverageValue=average,
            )  # fmt: skip
        else:
            out[kind] = _some(
                name=source.get("name", ""), currentAverageUtilization=now.get("averageUtilization"),
                currentAverageValue=average or "0", container=source.get("container"),
            )  # fmt: skip
    return out


def _status_from_v1(metric: Mapping[str, Any]) -> Object:
    out: Object = {"type": metric.get("type", "")}
    for kind in ("object", "pods", "resource", "containerResource", "external"):
        if kind not in metric:
            continue
        source = metric[kind]
        named = _some(
            name=source.get("metricName", ""), selector=source.get("selector") or source.get("metricSelector")
        )
        now = _some(
            averageUtilization=source.get("currentAverageUtilization"),
            averageValue=source.get("averageValue") or source.get("currentAverageValue"),
            value=source.get("currentValue"),
        )
        if kind in ("resource", "containerResource"):
            out[kind] = _some(name=source.get("name", ""), container=source.get("container"), current=now)
        else:
            out[kind] = _some(describedObject=source.get("target"), metric=named, current=now)
    return out


def _go_behavior(behavior: Mapping[str, Any]) -> Object:
    """The behavior as the annotation carries it: with the names of Go's fields, and null for what is absent."""
    return {key: _go_rules(behavior.get(key[:1].lower() + key[1:])) for key in ("ScaleUp", "ScaleDown")}


def _go_rules(rules: Mapping[str, Any] | None) -> Object | None:
    if rules is None:
        return None
    policies = [
        {
            "Type": each.get("type", ""),
            "Value": each.get("value", 0),
            "PeriodSeconds": each.get("periodSeconds", 0),
        }
        for each in rules.get("policies", ())
    ]
    return {
        "StabilizationWindowSeconds": rules.get("stabilizationWindowSeconds"),
        "SelectPolicy": rules.get("selectPolicy"),
        "Policies": policies or None,
        "Tolerance": rules.get("tolerance"),
    }


def _from_go_names(value: Any) -> Any:
    if isinstance(value, Mapping):
        pairs = ((key[:1].lower() + key[1:], _from_go_names(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not None}
    return [_from_go_names(item) for item in value] if isinstance(value, list) else value


AUTOSCALING_V1 = Conversion("horizontalpodautoscalers.autoscaling", _autoscaler_v2, _autoscaler_v1)
"""``autoscaling/v1``: a goal for CPU alone; other metrics, conditions and behavior are in annotations."""
