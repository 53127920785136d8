"""Validation of resource names and quantities (``ValidateResourceRequirements``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.quantity import Quantity
from kschedcore.api.resource_names import (
    INTEGER_QUOTA_RESOURCES,
    STANDARD_CONTAINER_RESOURCES,
    STANDARD_RESOURCES,
    is_extended,
    is_huge_page,
    is_native,
    is_overcommit_allowed,
)

__all__ = [
    "validate_amounts",
    "validate_container_resource_name",
    "validate_not_negative",
    "validate_quantity",
    "validate_requirements",
    "validate_resource_name",
]


def validate_resource_name(name: str, path: str) -> Iterable[FieldError]:
    """Validate a resource name: standard, or fully qualified."""
    problems = rules.is_qualified_name(name)
    yield from (fe.invalid(path, name, text) for text in problems)
    if not problems and "/" not in name and name not in STANDARD_RESOURCES and not is_huge_page(name):
        yield fe.invalid(path, name, "must be a standard resource type or fully qualified")


def validate_container_resource_name(name: str, path: str) -> Iterable[FieldError]:
    """Validate a resource name of a container: standard for containers, or extended."""
    yield from validate_resource_name(name, path)
    if "/" not in name:
        if name not in STANDARD_CONTAINER_RESOURCES and not is_huge_page(name):
            yield fe.invalid(path, name, "must be a standard resource for containers")
    elif not is_native(name) and not is_extended(name):
        yield fe.invalid(path, name, "doesn't follow extended resource name standard")


def validate_not_negative(quantity: Quantity, path: str) -> Iterable[FieldError]:
    """Validate that an amount is not negative."""
    if quantity.nanos < 0:
        yield fe.invalid(path, str(quantity), "must be greater than or equal to 0")


def validate_quantity(name: str, text: str, path: str) -> Iterable[FieldError]:
    """Validate a quantity of ``name``: not negative, integral for counted resources."""
    quantity = Quantity.parse(text)
    yield from validate_not_negative(quantity, path)
    if (name in INTEGER_QUOTA_RESOURCES or is_extended(name)) and quantity.milli_value() % 1000:
        yield fe.invalid(path, str(quantity), "must be an integer")


def validate_requirements(resources: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate requests and limits of a container: names, quantities, and requests within limits."""
    for side in ("limits", "requests"):
        for name in resources.get(side, ()):
            yield from validate_container_resource_name(name, f"{path}.{side}[{name}]")
    yield from validate_amounts(resources, path)


def validate_amounts(resources: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate quantities of requests and limits, and requests within limits, without the names."""
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for side, amounts in (("limits", limits), ("requests", requests)):
        for name, text in amounts.items():
            yield from validate_quantity(name, text, f"{path}.{side}[{name}]")
    for name, text in requests.items():
        yield from _validate_request(name, text, limits.get(name), path)
    names = set(limits) | set(requests)
    if any(map(is_huge_page, names)) and not names & {"cpu", "memory"}:
        yield fe.forbidden(path, "HugePages require cpu or memory")


def _validate_request(name: str, text: str, limit: str | None, path: str) -> Iterable[FieldError]:
    overcommit = is_overcommit_allowed(name)
    if limit is None:
        if not overcommit:
            yield fe.required(f"{path}.limits", "Limit must be set for non overcommitable resources")
        return
    wanted, allowed = Quantity.parse(text), Quantity.parse(limit)
    if wanted != allowed and not overcommit:
        yield fe.invalid(f"{path}.requests", str(wanted), f"must be equal to {name} limit of {allowed}")
    elif wanted > allowed:
        yield fe.invalid(
            f"{path}.requests", str(wanted), f"must be less than or equal to {name} limit of {allowed}"
        )
