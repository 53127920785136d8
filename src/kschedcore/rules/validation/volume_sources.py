"""Validation of the sources of volumes that pods and PersistentVolumes have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.rules.validation.common import one_of
from kschedcore.rules.validation.csi import validate_driver_name

__all__ = ["SOURCES"]

_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_BYTE = "must be between 0 and 255, inclusive"
_PARTITION = "must be between 1 and 255, inclusive"
_INITIATORS = {
    "iqn": re.compile(r"iqn\.[0-9]{4}-[0-9]{2}\.([0-9A-Za-z.-]+)(:[^,;*&$|\s]+)$"),
    "eui": re.compile(r"^eui.[0-9A-Za-z]{16}$"),
    "naa": re.compile(r"^naa.[0-9A-Za-z]{32}$"),
}
_CACHING_MODES = ("None", "ReadOnly", "ReadWrite")
_DISK_KINDS = ("Dedicated", "Managed", "Shared")
_MANAGED = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
_BLOB = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"


def _needs(*keys: str) -> Callable[[dict[str, Any], str], Iterator[FieldError]]:
    def validate(source: dict[str, Any], path: str) -> Iterator[FieldError]:
        for key in keys:
            if not source.get(key):
                yield fe.required(f"{path}.{key}")

    return validate


def _host_path(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    host_path = source.get("path", "")
    if not host_path:
        yield fe.required(f"{path}.path")
        return
    if ".." in host_path.split("/"):
        yield fe.invalid(f"{path}.path", host_path, "must not contain '..'")
    yield from one_of(source.get("type", ""), _HOST_PATH_TYPES, f"{path}.type")


def _local(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    local = source.get("path", "")
    if not local:
        yield fe.required(f"{path}.path")
    elif ".." in local.split("/"):
        yield fe.invalid(f"{path}.path", local, "must not contain '..'")


def _git(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not source.get("repository"):
        yield fe.required(f"{path}.repository")
    directory = source.get("directory", "")
    if directory.startswith("/"):
        yield fe.invalid(f"{path}.directory", directory, "must be a relative path")
    if ".." in directory.split("/"):
        yield fe.invalid(f"{path}.directory", directory, "must not contain '..'")


def _partitioned(key: str) -> Callable[[dict[str, Any], str], Iterator[FieldError]]:
    def validate(source: dict[str, Any], path: str) -> Iterator[FieldError]:
        if not source.get(key):
            yield fe.required(f"{path}.{key}")
        partition = source.get("partition", 0)
        if not 0 <= partition <= 255:
            yield fe.invalid(f"{path}.partition", partition, _PARTITION)

    return validate


def _nfs(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from _needs("server", "path")(source, path)
    if not source.get("path", "").startswith("/"):
        yield fe.invalid(f"{path}.path", source.get("path", ""), "must be an absolute path")


def _iscsi(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not source.get("targetPortal"):
        yield fe.required(f"{path}.targetPortal")
    if not source.get("iqn"):
        yield fe.required(f"{path}.iqn")
    else:
        yield from _initiator(source["iqn"], f"{path}.iqn")
    lun = source.get("lun", 0)
    if not 0 <= lun <= 255:
        yield fe.invalid(f"{path}.lun", lun, _BYTE)
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and "secretRef" not in source:
        yield fe.required(f"{path}.secretRef")
    if "initiatorName" in source:
        yield from _initiator(source["initiatorName"], f"{path}.initiatorname")


def _initiator(name: str, path: str) -> Iterator[FieldError]:
    pattern = _INITIATORS.get(name[:3])
    if pattern is None:
        yield fe.invalid(path, name, "must be valid format starting with iqn, eui, or naa")
    elif not pattern.search(name):
        yield fe.invalid(path, name, "must be valid format")


def _fibre_channel(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    targets, lun = source.get("targetWWNs", ()), source.get("lun")
    if not targets and not source.get("wwids"):
        yield fe.required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both")
    if targets and source.get("wwids"):
        detail = "targetWWNs and wwids can not be specified simultaneously"
        yield fe.invalid(f"{path}.targetWWNs", list(targets), detail)
    if targets and lun is None:
        yield fe.required(f"{path}.lun", "lun is required if targetWWNs is specified")
    if targets and lun is not None and not 0 <= lun <= 255:
        yield fe.invalid(f"{path}.lun", lun, _BYTE)


def _flocker(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    name, uuid = source.get("datasetName", ""), source.get("datasetUUID", "")
    if not name and not uuid:
        yield fe.required(path, "one of datasetName and datasetUUID is required")
    if name and uuid:
        yield fe.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
    if "/" in name:
        yield fe.invalid(f"{path}.datasetName", name, "must not contain '/'")


def _quobyte(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    registry, pairs = (
        source.get("registry", ""),
        "must be a host:port pair or multiple pairs separated by commas",
    )
    if not registry:
        yield fe.required(f"{path}.registry", pairs)
    elif len(source.get("tenant", "")) >= 65:
        yield fe.required(f"{path}.tenant", "must be a UUID and may not exceed a length of 64 characters")
    else:
        for pair in registry.split(","):
            if pair.count(":") != 1:
                yield fe.invalid(f"{path}.registry", registry, pairs)
    if not source.get("volume"):
        yield fe.required(f"{path}.volume")


def _flex(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if not source.get("driver"):
        yield fe.required(f"{path}.driver")
    for key in sorted(source.get("options", {})):
        namespace = f".{key.partition('/')[0].lower()}"
        if namespace.endswith((".kubernetes.io", ".k8s.io")):
            detail = "kubernetes.io and k8s.io namespaces are reserved"
            yield fe.invalid(f"{path}.options[{key}]", key, detail)


def _azure_disk(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from _needs("diskName", "diskURI")(source, path)
    kind, uri = source.get("kind"), source.get("diskURI", "")
    if "cachingMode" in source:
        yield from one_of(source["cachingMode"], _CACHING_MODES, f"{path}.cachingMode")
    if kind is None:
        return
    yield from one_of(kind, _DISK_KINDS, f"{path}.kind")
    start, form = ("/subscriptions/", _MANAGED) if kind == "Managed" else ("https://", _BLOB)
    if not uri.startswith(start):
        yield fe.not_supported(f"{path}.diskURI", uri, (form,))


def _named_secret(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    if "secretRef" in source and not source["secretRef"].get("name"):
        yield fe.required(f"{path}.secretRef.name")


def _cinder(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from _needs("volumeID")(source, path)
    yield from _named_secret(source, path)


def _storage_os(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    name, namespace = source.get("volumeName", ""), source.get("volumeNamespace", "")
    if not name:
        yield fe.required(f"{path}.volumeName")
    yield from _label(name, f"{path}.volumeName")
    yield from _label(namespace, f"{path}.volumeNamespace")
    yield from _named_secret(source, path)


def _label(value: str, path: str) -> Iterable[FieldError]:
    return [fe.invalid(path, value, text) for text in rules.is_dns1123_label(value)] if value else ()


def _csi(source: dict[str, Any], path: str) -> Iterator[FieldError]:
    yield from validate_driver_name(source.get("driver", ""), f"{path}.driver")


SOURCES: dict[str, Callable[[dict[str, Any], str], Iterator[FieldError]]] = {
    "awsElasticBlockStore": _partitioned("volumeID"),
    "azureDisk": _azure_disk,
    "azureFile": _needs("secretName", "shareName"),
    "cephfs": _needs("monitors"),
    "cinder": _cinder,
    "csi": _csi,
    "fc": _fibre_channel,
    "flexVolume": _flex,
    "flocker": _flocker,
    "gcePersistentDisk": _partitioned("pdName"),
    "gitRepo": _git,
    "glusterfs": _needs("endpoints", "path"),
    "hostPath": _host_path,
    "iscsi": _iscsi,
    "local": _local,
    "nfs": _nfs,
    "photonPersistentDisk": _needs("pdID"),
    "portworxVolume": _needs("volumeID"),
    "quobyte": _quobyte,
    "rbd": _needs("monitors", "image"),
    "scaleIO": _needs("gateway", "system", "volumeName"),
    "storageos": _storage_os,
    "vsphereVolume": _needs("volumePath"),
}
"""Source -> its validation."""
