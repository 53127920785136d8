"""Validation of a pod's volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.claims import validate_claim_spec
from kschedcore.rules.validation.common import one_of

__all__ = ["validate_volumes"]

_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_FIELD_ORDER = (
    "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi",
    "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI",
    "fc", "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
    "azureDisk", "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
)  # fmt: skip
_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def validate_volumes(volumes: Iterable[dict[str, Any]], path: str) -> Iterable[FieldError]:
    """Validate volumes: unique names, and one source each."""
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        where = f"{path}[{index}]"
        name = volume.get("name", "")
        if not name:
            yield fe.required(f"{where}.name")
        else:
            yield from (fe.invalid(f"{where}.name", name, text) for text in rules.is_dns1123_label(name))
            if name in names:
                yield fe.duplicate(f"{where}.name", name)
            names.add(name)
        sources = sorted((key for key in volume if key != "name"), key=_order)
        for number, key in enumerate(sources):
            if number:
                yield fe.forbidden(f"{where}.{key}", "may not specify more than 1 volume type")
            elif key in _SOURCES:
                yield from _SOURCES[key](volume[key], f"{where}.{key}")


def _order(source: str) -> int:
    """Return the order of a source: the server reports all sources but the first in the order of the type's fields."""
    return _FIELD_ORDER.index(source) if source in _FIELD_ORDER else len(_FIELD_ORDER)


def _mode(value: int | None, path: str) -> Iterator[FieldError]:
    if value is not None and not 0 <= value <= 0o777:
        yield fe.invalid(path, value, _MODE)


def _local_path(path_value: str, path: str) -> Iterator[FieldError]:
    if path_value.startswith("/"):
        yield fe.invalid(path, path_value, "must be a relative path")
    if ".." in path_value.split("/"):
        yield fe.invalid(path, path_value, "must not contain '..'")


def _items(items: Iterable[dict[str, Any]], path: str) -> Iterator[FieldError]:
    for index, item in enumerate(items):
        where = f"{path}[{index}]"
        if not item.get("key"):
            yield fe.required(f"{where}.key")
        if not item.get("path"):
            yield fe.required(f"{where}.path")
        yield from _local_path(item.get("path", ""), f"{where}.path")
        yield from _mode(item.get("mode"), f"{where}.mode")


def _empty_dir(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if source.get("sizeLimit", "").startswith("-"):
        yield fe.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _host_path(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    host_path = source.get("path", "")
    if not host_path:
        yield fe.required(f"{path}.path")
    if ".." in host_path.split("/"):
        yield fe.invalid(f"{path}.path", host_path, "must not contain '..'")
    yield from one_of(source.get("type", ""), _HOST_PATH_TYPES, f"{path}.type")


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
    template = source.get("volumeClaimTemplate")
    if template is None:
        yield fe.required(f"{path}.volumeClaimTemplate")
    else:
        yield from validate_claim_spec(template["spec"], f"{path}.volumeClaimTemplate.spec")


def _projected(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from _mode(source.get("defaultMode"), f"{path}.defaultMode")
    for index, projection in enumerate(source.get("sources") or ()):
        if len(projection) > 1:
            for key in list(projection)[1:]:
                detail = "may not specify more than 1 volume type"
                yield fe.forbidden(f"{path}.sources[{index}].{key}", detail)


def _needs(*keys: str) -> Callable[[dict[str, Any], str], Iterator[FieldError]]:
    def validate(source: dict[str, Any], path: str) -> Iterator[FieldError]:
        for key in keys:
            if not source.get(key):
                yield fe.required(f"{path}.{key}")

    return validate


_SOURCES: dict[str, Callable[[dict[str, Any], str], Iterator[FieldError]]] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "secret": _secret,
    "configMap": _config_map,
    "persistentVolumeClaim": _claim,
    "ephemeral": _ephemeral,
    "projected": _projected,
    "nfs": _needs("server", "path"),
    "csi": _needs("driver"),
    "gcePersistentDisk": _needs("pdName"),
    "awsElasticBlockStore": _needs("volumeID"),
    "iscsi": _needs("targetPortal", "iqn"),
    "rbd": _needs("monitors", "image"),
    "azureDisk": _needs("diskName", "diskURI"),
    "glusterfs": _needs("endpoints", "path"),
}
