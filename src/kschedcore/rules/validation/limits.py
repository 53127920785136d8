"""Validation of LimitRange and ResourceQuota."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.quantity import Quantity
from kschedcore.api.resource_names import (
    COMPUTE_QUOTA_RESOURCES,
    STANDARD_QUOTA_RESOURCES,
    is_huge_page,
    is_overcommit_allowed,
)
from kschedcore.rules.validation.common import IMMUTABLE
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)
from kschedcore.rules.validation.resources import (
    validate_container_resource_name,
    validate_quantity,
    validate_resource_name,
)

__all__ = ["CREATE", "UPDATE"]

_LIMIT_TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_AMOUNTS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
_SCOPES = (
    "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
    "CrossNamespacePodAffinity", "VolumeAttributesClass",
)  # fmt: skip
_CONFLICTING_SCOPES = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
_EXISTS_SCOPES = frozenset(_SCOPES) - {"PriorityClass", "VolumeAttributesClass"}


def _limit_range(limit_range: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(limit_range["metadata"], dns_subdomain_name, namespaced=True)
    yield from _limits(limit_range["spec"].get("limits") or ())


def _limit_range_update(limit_range: dict[str, Any], _old: dict[str, Any]) -> Iterable[FieldError]:
    return _limit_range(limit_range)


def _limits(limits: Iterable[dict[str, Any]]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, item in enumerate(limits):
        path, kind = f"spec.limits[{index}]", item.get("type", "")
        yield from (fe.invalid(f"{path}.type", kind, text) for text in rules.is_qualified_name(kind))
        if "/" not in kind and kind not in _LIMIT_TYPES:
            yield fe.invalid(f"{path}.type", kind, "must be a standard limit type or fully qualified")
        if kind in seen:
            yield fe.duplicate(f"{path}.type", kind)
        seen.add(kind)
        yield from _limit_item(item, kind, path)


def _limit_item(item: dict[str, Any], kind: str, path: str) -> Iterator[FieldError]:
    for amounts in _AMOUNTS:
        if kind == "Pod" and amounts in ("default", "defaultRequest"):
            if item.get(amounts):
                yield fe.forbidden(f"{path}.{amounts}", "may not be specified when `type` is 'Pod'")
            continue
        for name in item.get(amounts, ()):
            yield from _limit_resource_name(kind, name, f"{path}.{amounts}[{name}]")
    if kind == "PersistentVolumeClaim" and not {"storage"} & {*item.get("min", ()), *item.get("max", ())}:
        detail = "either minimum or maximum storage value is required, but neither was provided"
        yield fe.required(f"{path}.limits", detail)
    names = {name: None for amounts in _AMOUNTS for name in item.get(amounts, ())}
    for name in names:
        found = {a: Quantity.parse(item[a][name]) for a in _AMOUNTS if name in item.get(a, ())}
        if kind == "Pod":
            found.pop("default", None)
            found.pop("defaultRequest", None)
        yield from _amounts_of(found, name, path)


def _limit_resource_name(kind: str, name: str, path: str) -> Iterator[FieldError]:
    if kind in ("Pod", "Container"):
        yield from validate_container_resource_name(name, path)
    else:
        yield from validate_resource_name(name, path)


# (field of the error, field whose value is printed, lower field, upper field, message)
_ORDER = (
    ("min", "min", "min", "max", "min value {} is greater than max value {}"),
    ("defaultRequest", "defaultRequest", "min", "defaultRequest",
     "min value {} is greater than default request value {}"),
    ("defaultRequest", "defaultRequest", "defaultRequest", "max",
     "default request value {} is greater than max value {}"),
    ("defaultRequest", "defaultRequest", "defaultRequest", "default",
     "default request value {} is greater than default limit value {}"),
    ("default", "min", "min", "default", "min value {} is greater than default value {}"),
    ("default", "max", "default", "max", "default value {} is greater than max value {}"),
)  # fmt: skip


def _amounts_of(found: dict[str, Quantity], name: str, path: str) -> Iterator[FieldError]:
    for field, shown, low, high, words in _ORDER:
        if low in found and high in found and found[low] > found[high]:
            struct = str(found[shown])
            yield fe.invalid(f"{path}.{field}[{name}]", struct, words.format(found[low], found[high]))
    yield from _ratio(found, f"{path}.maxLimitRequestRatio[{name}]")
    default, request = found.get("default"), found.get("defaultRequest")
    if default is not None and request is not None and default != request and not is_overcommit_allowed(name):
        struct = str(request)
        detail = f"default value {default} must equal to defaultRequest value {request} in {name}"
        yield fe.invalid(f"{path}.defaultRequest[{name}]", struct, detail)


def _ratio(found: dict[str, Quantity], path: str) -> Iterator[FieldError]:
    ratio = found.get("maxLimitRequestRatio")
    if ratio is None:
        return
    if ratio < Quantity.parse("1"):
        yield fe.invalid(path, str(ratio), f"ratio {ratio} is less than 1")
    low, high = found.get("min"), found.get("max")
    if low is not None and high is not None and low.milli_value() > 0:
        largest = Fraction(high.milli_value(), low.milli_value())
        if Fraction(ratio.milli_value(), 1000) > largest:
            detail = f"ratio {ratio} is greater than max/min = {float(largest):f}"
            yield fe.invalid(path, str(ratio), detail)


def _quota(quota: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(quota["metadata"], dns_subdomain_name, namespaced=True)
    yield from _quota_spec(quota["spec"])


def _quota_update(quota: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(quota["metadata"], old["metadata"])
    yield from _quota_spec(quota["spec"])
    new_scopes = quota["spec"].get("scopes", [])
    if set(new_scopes) != set(old["spec"].get("scopes", [])):
        struct = list(new_scopes)
        yield fe.invalid("spec.scopes", struct, IMMUTABLE)


def _quota_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    for name, text in spec.get("hard", {}).items():
        path = f"spec.hard[{name}]"
        yield from validate_resource_name(name, path)
        if "/" not in name and name not in STANDARD_QUOTA_RESOURCES and not _is_huge_page_quota(name):
            yield fe.invalid(path, name, "must be a standard resource for quota")
        yield from validate_quantity(name, text, path)
    yield from _scopes(spec)
    yield from _scope_selector(spec)


def _is_huge_page_quota(name: str) -> bool:
    return is_huge_page(name.removeprefix("requests."))


def _scope_fits(scope: str, resource: str) -> bool:
    """Return whether a quota with ``scope`` can limit ``resource``; always for non-standard resources."""
    if resource not in STANDARD_QUOTA_RESOURCES or scope not in _SCOPES:
        return True
    if scope == "VolumeAttributesClass":
        return resource in ("persistentvolumeclaims", "requests.storage")
    return resource == "pods" or (scope != "BestEffort" and resource in COMPUTE_QUOTA_RESOURCES)


def _scopes(spec: dict[str, Any]) -> Iterator[FieldError]:
    scopes = spec.get("scopes", [])
    struct = list(scopes)
    for scope in scopes:
        if scope not in _SCOPES:
            yield fe.invalid("spec.scopes", struct, "unsupported scope")
        for resource in sorted(spec.get("hard", ())):
            if not _scope_fits(scope, resource):
                yield fe.invalid("spec.scopes", struct, "unsupported scope applied to resource")
    for pair in _CONFLICTING_SCOPES:
        if set(pair) <= set(scopes):
            yield fe.invalid("spec.scopes", struct, "conflicting scopes")


def _scope_selector(spec: dict[str, Any]) -> Iterator[FieldError]:
    selector = spec.get("scopeSelector")
    if selector is None:
        return
    path = "spec.scopeSelector.matchExpressions"
    struct = fe.go_struct("core.ScopeSelector", selector)
    scopes = [requirement.get("scopeName", "") for requirement in selector.get("matchExpressions", ())]
    for requirement, scope in zip(selector.get("matchExpressions", ()), scopes, strict=True):
        if scope not in _SCOPES:
            yield fe.invalid(f"{path}.scopeName", scope, "unsupported scope")
        for resource in sorted(spec.get("hard", ())):
            if not _scope_fits(scope, resource):
                yield fe.invalid(path, struct, "unsupported scope applied to resource")
        yield from _scope_requirement(requirement, scope, path)
    for pair in _CONFLICTING_SCOPES:
        if set(pair) <= set(scopes):
            yield fe.invalid("spec.scopeSelector", struct, "conflicting scopes")


def _scope_requirement(requirement: dict[str, Any], scope: str, path: str) -> Iterator[FieldError]:
    operator, values = requirement.get("operator", ""), requirement.get("values", [])
    if scope in _EXISTS_SCOPES and operator != "Exists":
        detail = (
            "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, "
            "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
            "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
        )
        yield fe.invalid(f"{path}.operator", operator, detail)
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be atleast one value when `operator` is 'In' or 'NotIn' for scope selector"
            yield fe.required(f"{path}.values", detail)
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            yield fe.invalid(f"{path}.values", list(values), detail)
    else:
        yield fe.invalid(f"{path}.operator", operator, "not a valid selector operator")


CREATE = {"LimitRange": _limit_range, "ResourceQuota": _quota}
UPDATE = {"LimitRange": _limit_range_update, "ResourceQuota": _quota_update}
