"""What there is to know of a pod spec, found out once for all replicas of one template.

Pods come by the thousand from few templates, so their specs are the same bytes. Each distinct spec is
examined once and shared: stored objects are immutable, and the replicas of a workload hold one spec object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from kschedcore.admission.usage import ResourceList, pod_limits, pod_requests, qos_class
from kschedcore.admission.validation.pods import validate_pod_spec
from kschedcore.store.field_errors import FieldError
from kschedcore.store.objects import freeze

__all__ = ["ExaminedSpec", "examine"]

_TEMPLATES_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class ExaminedSpec:
    """A complete pod spec and what follows from it alone.

    Attributes:
        spec: The spec, shared by everybody who asks for the same; it cannot be changed.
        errors: What validation says of it as ``spec`` of a pod.
        qos_class: The pod's quality of service.
        requests: What the pod requests in total, overhead included.
        limits: What the pod is limited to in total.
    """

    spec: dict[str, Any]
    errors: tuple[FieldError, ...]
    qos_class: str
    requests: ResourceList
    limits: ResourceList


def examine(spec: Mapping[str, Any]) -> ExaminedSpec:
    """The verdict on ``spec``, which has its defaults."""
    return _examine(msgspec.json.encode(spec))


@lru_cache(maxsize=_TEMPLATES_REMEMBERED)
def _examine(encoded: bytes) -> ExaminedSpec:
    spec = freeze(msgspec.json.decode(encoded))
    errors = tuple(validate_pod_spec(spec, "spec"))
    return ExaminedSpec(spec, errors, qos_class(spec), pod_requests(spec), pod_limits(spec))
