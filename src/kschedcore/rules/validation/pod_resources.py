"""Validation of pod-level resources, ``spec.resources`` (KEP-2837)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.resource_names import is_pod_level
from kschedcore.rules.amounts import container_requests, parse
from kschedcore.rules.validation.resources import validate_amounts

__all__ = ["validate_pod_resources"]

_SUPPORTED = ("cpu", "memory")


def validate_pod_resources(spec: dict[str, Any], path: str) -> Iterable[FieldError]:
    """Validate that pod-level requests cover the containers', and no container's limit exceeds the pod's."""
    resources = spec.get("resources")
    if resources is None:
        return
    if resources.get("claims"):
        yield fe.forbidden(f"{path}.resources.claims", "claims may not be set for Resources at pod-level")
    for side in ("limits", "requests"):
        for name in resources.get(side, {}):
            if not is_pod_level(name):
                yield fe.not_supported(f"{path}.resources.{side}[{name}]", name, _SUPPORTED)
    yield from validate_amounts(resources, f"{path}.resources")
    yield from _covers_containers(spec, path)


def _covers_containers(spec: dict[str, Any], path: str) -> Iterator[FieldError]:
    requests, limits = (parse(spec["resources"].get(side, {})) for side in ("requests", "limits"))
    for name, total in container_requests(spec).items():
        if name in requests and total > requests[name]:
            detail = f"must be greater than or equal to aggregate container requests of {total}"
            yield fe.invalid(f"{path}.resources.requests[{name}]", str(requests[name]), detail)
    for index, container in enumerate(spec.get("containers") or ()):
        for name, limit in parse(container.get("resources", {}).get("limits", {})).items():
            if name in limits and limit > limits[name]:
                where = f"{path}.containers[{index}].resources.limits[{name}]"
                detail = f"must be less than or equal to pod limits of {limits[name]}"
                yield fe.invalid(where, str(limit), detail)
