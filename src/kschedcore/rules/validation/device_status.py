"""Validation of the status of ResourceClaims (``ValidateResourceClaimStatusUpdate``)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.machinery.types import Object
from kschedcore.rules.validation.common import immutable
from kschedcore.rules.validation.device_claims import (
    ADMIN_LABEL,
    request_names,
    validate_binding_conditions,
    validate_configuration,
    validate_each,
    validate_request_reference,
    validate_unique,
)
from kschedcore.rules.validation.device_names import (
    validate_dns_label,
    validate_driver_name,
    validate_pool_name,
)
from kschedcore.rules.validation.metadata import validate_conditions
from kschedcore.rules.validation.placement import validate_node_selector

__all__ = ["admin_access_granted", "validate_claim_status"]


_MAX_CONSUMERS: Final = 256
_MAX_RESULTS: Final = 32
_MAX_CONFIGURATIONS: Final = 64
_MAX_REQUESTS: Final = 32
_MAX_CONDITIONS: Final = 8
_MAX_DATA_BYTES: Final = 10 * 1024
_MAX_INTERFACE_NAME: Final = 256
_MAX_HARDWARE_ADDRESS: Final = 128
_MAX_ADDRESSES: Final = 16
_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SOURCES: Final = ("FromClaim", "FromClass")


def admin_access_granted(
    claim: Object, old: Object, namespace: Mapping[str, Any] | None
) -> Iterator[FieldError]:
    """Refuse new results with admin access in a namespace without the label (``AuthorizedForAdminStatus``).

    Args:
        claim: The claim with its new status.
        old: The claim before.
        namespace: Its namespace; None if there is none.
    """
    if any(each.get("adminAccess") for each in _results(old)):
        return
    for index, result in enumerate(_results(claim)):
        if result.get("adminAccess"):
            labels = {} if namespace is None else namespace["metadata"].get("labels", {})
            if labels.get(ADMIN_LABEL) != "true":
                detail = f"admin access to devices requires the `{ADMIN_LABEL}: true` label on the containing namespace"
                yield fe.forbidden(f"status.allocation.devices.results[{index}].adminAccess", detail)
            return


def _results(claim: Object) -> list[Object]:
    results: list[Object] = (
        claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", [])
    )
    return results


def validate_claim_status(claim: Object, old: Object) -> Iterator[FieldError]:
    """Return the faults of a claim's new status."""
    status, was = claim.get("status") or {}, old.get("status") or {}
    consumers, allocation = status.get("reservedFor", []), status.get("allocation")
    yield from validate_unique(
        consumers, _MAX_CONSUMERS, _consumer, lambda each: str(each.get("uid", "")), "status.reservedFor"
    )
    allocated = {_identity(each) for each in _results(claim)}
    devices = status.get("devices", [])

    def device(each: Object, path: str) -> Iterator[FieldError]:
        yield from _device(each, allocated, path)

    yield from validate_each(devices, len(devices), device, "status.devices")
    seen: set[str] = set()
    for index, each in enumerate(devices):
        if _identity(each) in seen:
            yield fe.duplicate(f"status.devices[{index}]", fe.Verbatim(_identity(each)))
        seen.add(_identity(each))
    if consumers and allocation is None:
        yield fe.forbidden("status.reservedFor", "may not be specified when `allocated` is not set")
    elif claim["metadata"].get("deletionTimestamp") and any(
        each not in was.get("reservedFor", ()) for each in consumers
    ):
        detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
        yield fe.forbidden("status.reservedFor", detail)
    if allocation is not None and was.get("allocation") is not None:
        yield from immutable(allocation, was["allocation"], "status.allocation", "resource.AllocationResult")
    elif allocation is not None:
        yield from _allocation(allocation, request_names(claim["spec"]["devices"]), "status.allocation")


def _identity(device: Object) -> str:
    """A device as the API server prints it: driver, pool, device, and the share of a shared one."""
    parts = [device.get(key, "") for key in ("driver", "pool", "device")]
    return "/".join([*parts, *([device["shareID"]] if device.get("shareID") else [])])


def _consumer(consumer: Object, path: str) -> Iterator[FieldError]:
    for key in ("resource", "name", "uid"):
        if not consumer.get(key):
            yield fe.required(f"{path}.{key}")


def _share(holder: Object, path: str) -> Iterator[FieldError]:
    share = holder.get("shareID")
    if share is not None and not _UUID.fullmatch(share):
        yield fe.invalid(f"{path}.shareID", share, "must be a lowercase UUID in 8-4-4-4-12 format")


def _named(holder: Object, path: str) -> Iterator[FieldError]:
    yield from validate_driver_name(holder.get("driver", ""), f"{path}.driver")
    yield from validate_pool_name(holder.get("pool", ""), f"{path}.pool")
    yield from validate_dns_label(holder.get("device", ""), f"{path}.device")


def _allocation(allocation: Object, known: frozenset[str], path: str) -> Iterator[FieldError]:
    devices = allocation["devices"]

    def result(each: Object, at: str) -> Iterator[FieldError]:
        yield from validate_request_reference(each.get("request", ""), known, f"{at}.request")
        yield from _named(each, at)
        yield from validate_binding_conditions(each, at)
        yield from _share(each, at)

    def configuration(each: Object, at: str) -> Iterator[FieldError]:
        source = each.get("source", "")
        if not source:
            yield fe.required(f"{at}.source")
        elif source not in _SOURCES:
            yield fe.not_supported(f"{at}.source", source, _SOURCES)
        yield from validate_unique(
            each.get("requests", []), _MAX_REQUESTS,
            lambda name, where: validate_request_reference(name, known, where), str, f"{at}.requests",
        )  # fmt: skip
        yield from validate_configuration(each, at)

    yield from validate_each(devices.get("results", []), _MAX_RESULTS, result, f"{path}.devices.results")
    configurations = devices.get("config", [])
    yield from validate_each(configurations, _MAX_CONFIGURATIONS, configuration, f"{path}.devices.config")
    if "nodeSelector" in allocation:
        yield from validate_node_selector(allocation["nodeSelector"], f"{path}.nodeSelector")


def _device(device: Object, allocated: set[str], path: str) -> Iterator[FieldError]:
    """Validate the status that a driver reports of an allocated device (KEP-4817)."""
    yield from _named(device, path)
    yield from _share(device, path)
    if _identity(device) not in allocated:
        yield fe.invalid(path, fe.Verbatim(_identity(device)), "must be an allocated device in the claim")
    conditions = device.get("conditions") or []
    if len(conditions) > _MAX_CONDITIONS:
        yield fe.too_many(f"{path}.conditions", len(conditions), _MAX_CONDITIONS)
    yield from validate_conditions(conditions, f"{path}.conditions")
    data = device.get("data")
    if data is not None and len(msgspec.json.encode(data)) > _MAX_DATA_BYTES:
        yield fe.too_long(f"{path}.data", _MAX_DATA_BYTES)
    elif data is not None and not isinstance(data, dict):
        yield fe.invalid(f"{path}.data", "<value omitted>", "must be a valid JSON object")
    yield from _network(device.get("networkData", {}), f"{path}.networkData")


def _network(data: Object, path: str) -> Iterator[FieldError]:
    for key, most in (("interfaceName", _MAX_INTERFACE_NAME), ("hardwareAddress", _MAX_HARDWARE_ADDRESS)):
        if len(data.get(key, "").encode()) > most:
            yield fe.too_long(f"{path}.{key}", most)
    yield from validate_unique(data.get("ips", []), _MAX_ADDRESSES, _interface_address, str, f"{path}.ips")


def _interface_address(text: str, path: str) -> Iterable[FieldError]:
    address, slash, length = text.partition("/")
    try:
        if not slash or not length.isdecimal() or "%" in address:
            raise ValueError(text)
        canonical = str(ipaddress.ip_interface(text))
    except ValueError:
        yield fe.invalid(
            path, text, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
        )
        return
    if canonical != text:
        yield fe.invalid(path, text, f'must be in canonical form ("{canonical}")')
