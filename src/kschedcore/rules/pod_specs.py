"""What there is to know of a pod spec, found out once for all replicas of one template.

Pods come by the thousand from few templates, so their specs are the same bytes. Reading makes one frozen
object of them, which every later step passes on as it is or replaces by another frozen one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.frozen import FrozenDict
from kschedcore.api.machinery.remembered import remembered, shared
from kschedcore.rules.usage import ResourceList, pod_limits, pod_requests, qos_class
from kschedcore.rules.validation.pods import validate_pod_spec

__all__ = ["Amounts", "spec_amounts", "spec_errors", "spec_qos_class"]


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a pod requests and what it is limited to in total, overhead included."""

    requests: ResourceList
    limits: ResourceList


@remembered
def spec_errors(spec: FrozenDict) -> tuple[FieldError, ...]:
    """What validation says of a complete spec, as ``spec`` of a pod."""
    return tuple(validate_pod_spec(spec, "spec"))


def spec_amounts(spec: Mapping[str, Any]) -> Amounts:
    """What a pod of this complete spec asks for."""
    return _amounts(shared(spec))


@remembered
def _amounts(spec: FrozenDict) -> Amounts:
    return Amounts(pod_requests(spec), pod_limits(spec))


def spec_qos_class(spec: Mapping[str, Any]) -> str:
    """The quality of service of a pod of this complete spec."""
    return _qos_class(shared(spec))


_qos_class = remembered(qos_class)
