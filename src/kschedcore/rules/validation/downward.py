"""References of environment variables and volumes to fields of their pod and resources of its containers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.quantity import Quantity

__all__ = ["validate_field_reference", "validate_local_path", "validate_resource_reference"]

_SUBSCRIPTED = re.compile(r"(?P<path>[^\[]*)\['(?P<key>.*)'\]", re.DOTALL)
_LABELLED = ("metadata.annotations", "metadata.labels")
_FIELDS = frozenset(
    {
        *_LABELLED, "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.restartPolicy",
        "spec.schedulerName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.phase",
        "status.podIP", "status.podIPs",
    }
)  # fmt: skip
"""The fields that have a label (``ConvertDownwardAPIFieldLabel``); which of them may be referred to depends."""

_RESOURCES = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_CPU_DIVISORS = ("1m", "1")
_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def validate_field_reference(
    reference: dict[str, Any], fields: Collection[str], path: str
) -> Iterable[FieldError]:
    """Validate a ``fieldRef`` to one of ``fields``, or to one label or annotation."""
    version, field = reference.get("apiVersion", ""), reference.get("fieldPath", "")
    if not version:
        yield fe.required(f"{path}.apiVersion")
        return
    if not field:
        yield fe.required(f"{path}.fieldPath")
        return
    subscript = _SUBSCRIPTED.fullmatch(field)
    problem = _conversion_problem(version, field, subscript)
    if problem:
        yield fe.invalid(f"{path}.fieldPath", field, f"error converting fieldPath: {problem}")
    elif subscript is not None:
        key = subscript["key"]
        texts = rules.is_qualified_name(key.lower() if subscript["path"] == _LABELLED[0] else key)
        yield from (fe.invalid(path, key, text) for text in texts)
    else:
        field = "spec.nodeName" if field == "spec.host" else field
        if field not in fields:
            yield fe.not_supported(f"{path}.fieldPath", field, sorted(fields))


def _conversion_problem(version: str, field: str, subscript: re.Match[str] | None) -> str:
    if version != "v1":
        return f"unsupported pod version: {version}"
    if subscript is not None:
        return "" if subscript["path"] in _LABELLED else f"field label does not support subscript: {field}"
    return "" if field in _FIELDS or field == "spec.host" else f"field label not supported: {field}"


def validate_resource_reference(
    reference: dict[str, Any], path: str, *, of_volume: bool
) -> Iterable[FieldError]:
    """Validate a ``resourceFieldRef``; a volume has to name the container."""
    resource = reference.get("resource", "")
    if of_volume and not reference.get("containerName"):
        yield fe.required(f"{path}.containerName")
    elif not resource:
        yield fe.required(f"{path}.resource")
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        yield fe.not_supported(f"{path}.resource", resource, _RESOURCES)
    divisor = str(reference.get("divisor") or "0")
    supported, named = _divisors(resource)
    if named and Quantity.parse(divisor) != Quantity.parse("0") and divisor not in supported:
        detail = f"only divisor's values {named} are supported with the {_described(resource)} resource"
        yield fe.invalid(f"{path}.divisor", resource, detail)


def _divisors(resource: str) -> tuple[tuple[str, ...], str]:
    """Return the supported divisors, and how the message lists them."""
    if resource.endswith(".cpu"):
        return _CPU_DIVISORS, "1m and 1"
    known = resource in _RESOURCES or resource.startswith(_HUGE_PAGES)
    return (_DIVISORS, ", ".join(_DIVISORS)) if known else ((), "")


def _described(resource: str) -> str:
    name = resource.partition(".")[2]
    if name == "ephemeral-storage":
        return "local ephemeral storage"
    return "hugepages" if name.startswith("hugepages-") else name


def validate_local_path(value: str, path: str) -> Iterable[FieldError]:
    """Validate a path inside a volume: relative, and without ``..`` (``ValidateLocalNonReservedPath``)."""
    if value.startswith("/"):
        yield fe.invalid(path, value, "must be a relative path")
    if ".." in value.split("/"):
        yield fe.invalid(path, value, "must not contain '..'")
    elif value.startswith(".."):
        yield fe.invalid(path, value, "must not start with '..'")
