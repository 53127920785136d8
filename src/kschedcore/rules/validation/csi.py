"""Validation of CSIDriver, CSINode and VolumeAttachment (``pkg/apis/storage/validation``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import immutable, non_negative, one_of
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["CREATE", "UPDATE", "validate_driver_name"]

_GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
_LIFECYCLE_MODES = ("Persistent", "Ephemeral")
_DRIVER_NAME_MAX_BYTES = 63
_NODE_ID_MAX_BYTES = 256
_METADATA_MAX_BYTES = 256 * 1024
_ERROR_MAX_BYTES = 1024
_MIN_TOKEN_SECONDS = 600
_MAX_TOKEN_SECONDS = 1 << 32
_MIN_UPDATE_PERIOD_SECONDS = 10


def _driver(driver: dict[str, Any]) -> Iterator[FieldError]:
    yield from validate_metadata(driver["metadata"], dns_subdomain_name, namespaced=False)
    yield from _driver_spec(driver["spec"])


def _driver_update(driver: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(driver["metadata"], old["metadata"])
    yield from _driver_spec(driver["spec"])
    for key, path in (
        ("attachRequired", "spec.attachedRequired"),  # The API server's spelling.
        ("volumeLifecycleModes", "spec.volumeLifecycleModes"),
    ):
        now, was = driver["spec"].get(key), old["spec"].get(key)
        if now != was:
            yield fe.invalid(path, now, "field is immutable")


def _driver_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    for mode in spec.get("volumeLifecycleModes", ()):
        yield from one_of(mode, _LIFECYCLE_MODES, "spec.volumeLifecycleModes")
    if "fsGroupPolicy" in spec:
        yield from one_of(spec["fsGroupPolicy"], _GROUP_POLICIES, "spec.fsGroupPolicy")
    audiences: set[str] = set()
    for index, request in enumerate(spec.get("tokenRequests", ())):
        path, audience = f"spec.tokenRequests[{index}]", request.get("audience", "")
        if audience in audiences:
            yield fe.duplicate(f"{path}.audience", audience)
            continue
        audiences.add(audience)
        yield from _token_seconds(request.get("expirationSeconds"), f"{path}.expirationSeconds")
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _MIN_UPDATE_PERIOD_SECONDS:
        detail = f"must be greater than or equal to {_MIN_UPDATE_PERIOD_SECONDS} seconds"
        yield fe.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, detail)
    if spec.get("serviceAccountTokenInSecrets") is not None and not spec.get("tokenRequests"):
        detail = "serviceAccountTokenInSecrets cannot be set when no TokenRequests are configured"
        yield fe.invalid("spec.serviceAccountTokenInSecrets", spec["serviceAccountTokenInSecrets"], detail)


def _token_seconds(seconds: int | None, path: str) -> Iterator[FieldError]:
    if seconds is not None and seconds < _MIN_TOKEN_SECONDS:
        yield fe.invalid(path, seconds, "may not specify a duration less than 10 minutes")
    elif seconds is not None and seconds > _MAX_TOKEN_SECONDS:
        yield fe.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")


def validate_driver_name(name: str, path: str) -> Iterator[FieldError]:
    """A driver's name, whatever its case (``ValidateCSIDriverName``)."""
    if not name:
        yield fe.required(path)
    if len(name.encode()) > _DRIVER_NAME_MAX_BYTES:
        yield fe.too_long(path, _DRIVER_NAME_MAX_BYTES)
    yield from (fe.invalid(path, name, text) for text in rules.is_dns1123_subdomain(name.lower()))


def _node(node: dict[str, Any]) -> Iterator[FieldError]:
    yield from validate_metadata(node["metadata"], dns_subdomain_name, namespaced=False)
    names: set[str] = set()
    for index, driver in enumerate(node["spec"].get("drivers") or ()):
        path = f"spec.drivers[{index}]"
        yield from _node_driver(driver, path)
        if driver.get("name", "") in names:
            yield fe.duplicate(f"{path}.name", driver["name"])
        names.add(driver.get("name", ""))


def _node_driver(driver: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from validate_driver_name(driver.get("name", ""), f"{path}.name")
    identity = driver.get("nodeID", "")
    if not identity:
        yield fe.required(f"{path}.nodeID")
    if len(identity.encode()) > _NODE_ID_MAX_BYTES:
        yield fe.invalid(f"{path}.nodeID", identity, f"must be {_NODE_ID_MAX_BYTES} characters or less")
    yield from non_negative(driver.get("allocatable", {}).get("count"), f"{path}.allocatable.count")
    keys: set[str] = set()
    for key in driver.get("topologyKeys") or ():
        if not key:
            yield fe.required(path)
        if key in keys:
            yield fe.duplicate(path, key)
        keys.add(key)
        yield from (fe.invalid(path, key, text) for text in rules.is_qualified_name(key))


def _node_update(node: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from _node(node)
    before = {driver.get("name"): driver for driver in old["spec"].get("drivers") or ()}
    for driver in node["spec"].get("drivers") or ():
        was = before.get(driver.get("name"))
        if was is not None:
            # The count of attachable volumes may change (KEP-4876).
            yield from immutable(_fixed(driver), _fixed(was), "spec.drivers", "storage.CSINodeDriver")


def _fixed(driver: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in driver.items() if key != "allocatable"}


def _attachment(attachment: dict[str, Any]) -> Iterator[FieldError]:
    yield from _attachment_fields(attachment)
    yield from validate_driver_name(attachment["spec"].get("attacher", ""), "spec.attacher")
    volume = attachment["spec"]["source"].get("persistentVolumeName")
    if volume is not None:
        texts = rules.is_dns1123_subdomain(volume)
        yield from (fe.invalid("spec.source.persistentVolumeName", volume, text) for text in texts)


def _attachment_fields(attachment: dict[str, Any]) -> Iterator[FieldError]:
    yield from validate_metadata(attachment["metadata"], dns_subdomain_name, namespaced=False)
    spec = attachment["spec"]
    if not spec.get("attacher"):
        yield fe.required("spec.attacher")
    source = spec["source"]
    several = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    if "inlineVolumeSpec" in source and "persistentVolumeName" in source:
        yield fe.forbidden("spec.source", several)
    elif "inlineVolumeSpec" not in source and "persistentVolumeName" not in source:
        yield fe.required("spec.source", several)
    elif source.get("persistentVolumeName") == "":
        yield fe.required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName")
    node = spec.get("nodeName", "")
    yield from (fe.invalid("spec.nodeName", node, text) for text in rules.is_dns1123_subdomain(node))
    yield from _attachment_status(attachment["status"])


def _attachment_status(status: dict[str, Any]) -> Iterator[FieldError]:
    metadata = status.get("attachmentMetadata", {})
    if sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items()) > _METADATA_MAX_BYTES:
        yield fe.too_long("status.attachmentMetadata", _METADATA_MAX_BYTES)
    for key in ("attachError", "detachError"):
        error = status.get(key, {})
        if len(error.get("message", "").encode()) > _ERROR_MAX_BYTES:
            yield fe.too_long(f"status.{key}.message", _METADATA_MAX_BYTES)
        code = error.get("errorCode")
        if code is not None and code < 0:
            detail = "must be between 0 and 2147483647, inclusive"
            yield fe.invalid(f"status.{key}.errorCode", code, detail)


def _attachment_update(attachment: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from _attachment_fields(attachment)
    yield from immutable(attachment["spec"], old["spec"], "spec", "storage.VolumeAttachmentSpec")


CREATE = {"CSIDriver": _driver, "CSINode": _node, "VolumeAttachment": _attachment}
UPDATE = {"CSIDriver": _driver_update, "CSINode": _node_update, "VolumeAttachment": _attachment_update}
