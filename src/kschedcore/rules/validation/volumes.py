"""Validation of a pod's volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.claims import validate_claim_spec
from kschedcore.rules.validation.common import one_of, validate_label_selector
from kschedcore.rules.validation.csi import validate_driver_name
from kschedcore.rules.validation.downward import (
    validate_field_reference,
    validate_local_path,
    validate_resource_reference,
)
from kschedcore.rules.validation.metadata import validate_annotations, validate_labels
from kschedcore.rules.validation.volume_sources import SOURCES

__all__ = ["validate_volumes"]

_FIELD_ORDER = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
    "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI",
    "fc", "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
    "azureDisk", "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
)  # fmt: skip
_LONG_PORTAL = (
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is "
    "specified."
)
_DOWNWARD_FIELDS = (
    "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
)  # fmt: skip
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_KEY_TYPES = ("RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519")
_CERTIFICATE_PATHS = ("credentialBundlePath", "keyPath", "certificateChainPath")
_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def validate_volumes(volumes: Iterable[dict[str, Any]], path: str) -> Iterable[FieldError]:
    """Validate volumes: unique names, and one source each."""
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        where = f"{path}[{index}]"
        name = volume.get("name", "")
        yield from _validate_sources(volume, where)
        if not name:
            yield fe.required(f"{where}.name")
        else:
            yield from (fe.invalid(f"{where}.name", name, text) for text in rules.is_dns1123_label(name))
            if name in names:
                yield fe.duplicate(f"{where}.name", name)
            names.add(name)


def _validate_sources(volume: dict[str, Any], path: str) -> Iterator[FieldError]:
    sources = sorted((key for key in volume if key != "name"), key=_order)
    for number, key in enumerate(sources):
        if number:
            yield fe.forbidden(f"{path}.{key}", "may not specify more than 1 volume type")
        elif key in _SOURCES:
            yield from _SOURCES[key](volume[key], f"{path}.{key}")
    portal = volume.get("iscsi", {}).get("targetPortal", "")
    if "initiatorName" in volume.get("iscsi", {}) and len(f"{volume.get('name', '')}:{portal}") > 64:
        yield fe.invalid(f"{path}.name", volume.get("name", ""), _LONG_PORTAL)


def _order(source: str) -> int:
    """Return the order of a source: the server reports all sources but the first in the order of the type's fields."""
    return _FIELD_ORDER.index(source) if source in _FIELD_ORDER else len(_FIELD_ORDER)


def _mode(value: int | None, path: str) -> Iterator[FieldError]:
    if value is not None and not 0 <= value <= 0o777:
        yield fe.invalid(path, value, _MODE)


def _items(items: Iterable[dict[str, Any]], path: str) -> Iterator[FieldError]:
    for index, item in enumerate(items):
        where = f"{path}[{index}]"
        if not item.get("key"):
            yield fe.required(f"{where}.key")
        if not item.get("path"):
            yield fe.required(f"{where}.path")
        yield from validate_local_path(item.get("path", ""), f"{where}.path")
        yield from _mode(item.get("mode"), f"{where}.mode")


def _empty_dir(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if source.get("sizeLimit", "").startswith("-"):
        yield fe.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _secret(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not source.get("secretName"):
        yield fe.required(f"{path}.secretName")
    yield from _mode(source.get("defaultMode"), f"{path}.defaultMode")
    yield from _items(source.get("items", ()), f"{path}.items")


def _config_map(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not source.get("name"):
        yield fe.required(f"{path}.name")
    yield from _mode(source.get("defaultMode"), f"{path}.defaultMode")
    yield from _items(source.get("items", ()), f"{path}.items")


def _claim(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not source.get("claimName"):
        yield fe.required(f"{path}.claimName")


def _ephemeral(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    template, where = source.get("volumeClaimTemplate"), f"{path}.volumeClaimTemplate"
    if template is None:
        yield fe.required(where)
        return
    metadata = template.get("metadata", {})
    yield from validate_annotations(metadata.get("annotations", {}), f"{where}.metadata.annotations")
    yield from validate_labels(metadata.get("labels", {}), f"{where}.metadata.labels")
    for key in metadata:
        if key not in ("annotations", "labels", "creationTimestamp"):
            yield fe.forbidden(f"{where}.metadata.{key}", "cannot be set")
    yield from validate_claim_spec(template["spec"], f"{where}.spec")


def _csi(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from validate_driver_name(source.get("driver", ""), f"{path}.driver")
    secret = source.get("nodePublishSecretRef")
    if secret is None:
        return
    name = secret.get("name", "")
    if not name:
        yield fe.required(f"{path}.nodePublishSecretRef.name")
    else:
        yield from (fe.invalid(f"{path}.name", name, text) for text in rules.is_dns1123_subdomain(name))


def _image(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    """An image as a volume (KEP-4639)."""
    if not source.get("reference"):
        yield fe.required(f"{path}.reference")
    if source.get("pullPolicy"):
        yield from one_of(source["pullPolicy"], _PULL_POLICIES, f"{path}.pullPolicy")


def _downward(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from _mode(source.get("defaultMode"), f"{path}.defaultMode")
    for item in source.get("items", ()):
        yield from _downward_file(item, path)


def _downward_file(item: dict[str, Any], path: str) -> Iterator[FieldError]:
    """Validate one file; the server names the list, not the item."""
    if not item.get("path"):
        yield fe.required(f"{path}.path")
    yield from validate_local_path(item.get("path", ""), f"{path}.path")
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is not None:
        yield from validate_field_reference(field, _DOWNWARD_FIELDS, f"{path}.fieldRef")
        if resource is not None:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            yield fe.invalid(path, "resource", detail)
    elif resource is not None:
        yield from validate_resource_reference(resource, f"{path}.resourceFieldRef", of_volume=True)
    else:
        yield fe.required(path, "one of fieldRef and resourceFieldRef is required")
    yield from _mode(item.get("mode"), f"{path}.mode")


def _projected(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from _mode(source.get("defaultMode"), f"{path}.defaultMode")
    paths: set[str] = set()
    for index, projection in enumerate(source.get("sources") or ()):
        where = f"{path}.sources[{index}]"
        for key, validate in _PROJECTIONS.items():
            if key in projection:
                yield from validate(projection[key], f"{where}.{key}", path)
                yield from _conflicts(key, projection[key], paths, path)
        if len(projection) > 1:
            yield fe.forbidden(where, "may not specify more than 1 volume type per source")


def _conflicts(key: str, projection: dict[str, Any], paths: set[str], path: str) -> Iterator[FieldError]:
    """Refuse two files of one path; those of a service account's token are not checked."""
    if key in ("secret", "configMap", "downwardAPI"):
        files = [item["path"] for item in projection.get("items", ()) if item.get("path")]
    elif key == "podCertificate":
        files = [projection[name] for name in _CERTIFICATE_PATHS if projection.get(name)]
    else:
        files = [projection.get("path", "")] if key == "clusterTrustBundle" else []
    for file in files:
        if file in paths:
            named = projection.get("name", "") if key in ("secret", "configMap") else file
            yield fe.invalid(path, named, "conflicting duplicate paths")
        paths.add(file)


def _projected_object(projection: dict[str, Any], path: str, _: str) -> Iterator[FieldError]:
    if not projection.get("name"):
        yield fe.required(f"{path}.name")
    yield from _items(projection.get("items", ()), f"{path}.items")


def _projected_fields(projection: dict[str, Any], path: str, _: str) -> Iterator[FieldError]:
    for item in projection.get("items", ()):
        yield from _downward_file(item, path)


def _projected_token(projection: dict[str, Any], path: str, volume: str) -> Iterator[FieldError]:
    seconds, file = projection.get("expirationSeconds", 0), projection.get("path", "")
    where = f"{path}.expirationSeconds"
    if seconds < 600:
        yield fe.invalid(where, seconds, "may not specify a duration less than 10 minutes")
    if seconds > 1 << 32:
        yield fe.invalid(where, seconds, "may not specify a duration larger than 2^32 seconds")
    # The server names the volume, not the source.
    if not file:
        yield fe.required(f"{volume}.path")
    else:
        yield from validate_local_path(file, f"{volume}.path")


def _projected_bundle(projection: dict[str, Any], path: str, _: str) -> Iterator[FieldError]:
    """Trust anchors by name or by signer (KEP-3257)."""
    name, signer = projection.get("name"), projection.get("signerName")
    if name is not None and signer is not None:
        yield fe.invalid(path, projection, "only one of name and signerName may be used")
    elif name is not None:
        if not name:
            yield fe.required(f"{path}.name", "must be a valid object name")
        if "labelSelector" in projection:
            detail = "labelSelector must be unset if name is specified"
            yield fe.invalid(f"{path}.labelSelector", projection["labelSelector"], detail)
    elif signer is not None:
        if not signer:
            yield fe.required(f"{path}.signerName", "must be a valid signer name")
        if "labelSelector" in projection:
            yield from validate_label_selector(projection["labelSelector"], f"{path}.labelSelector")
    else:
        yield fe.required(path, "either name or signerName must be specified")
    if not projection.get("path"):
        yield fe.required(f"{path}.path")
    yield from validate_local_path(projection.get("path", ""), f"{path}.path")


def _projected_certificate(projection: dict[str, Any], path: str, _: str) -> Iterator[FieldError]:
    """A certificate of the pod's own (KEP-4317)."""
    if not projection.get("signerName"):
        yield fe.required(f"{path}.signerName")
    yield from one_of(projection.get("keyType", ""), _KEY_TYPES, f"{path}.keyType")
    seconds, where = projection.get("maxExpirationSeconds"), f"{path}.maxExpirationSeconds"
    if seconds is not None and seconds < 3600:
        yield fe.invalid(where, seconds, "if provided, maxExpirationSeconds must be >= 3600")
    if seconds is not None and seconds > 7862400:
        yield fe.invalid(where, seconds, "if provided, maxExpirationSeconds must be <= 7862400")
    files = [name for name in _CERTIFICATE_PATHS if projection.get(name)]
    for name in files:
        yield from validate_local_path(projection[name], f"{path}.{name}")
    if not files:
        detail = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"
        yield fe.required(path, detail)


_PROJECTIONS: dict[str, Callable[[dict[str, Any], str, str], Iterator[FieldError]]] = {
    "secret": _projected_object,
    "configMap": _projected_object,
    "downwardAPI": _projected_fields,
    "serviceAccountToken": _projected_token,
    "clusterTrustBundle": _projected_bundle,
    "podCertificate": _projected_certificate,
}

_SOURCES: dict[str, Callable[[dict[str, Any], str], Iterator[FieldError]]] = {
    **SOURCES,
    "emptyDir": _empty_dir,
    "secret": _secret,
    "configMap": _config_map,
    "persistentVolumeClaim": _claim,
    "downwardAPI": _downward,
    "ephemeral": _ephemeral,
    "projected": _projected,
    "csi": _csi,
    "image": _image,
}
