"""Validation of PersistentVolume, PersistentVolumeClaim and StorageClass."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import Any

from kschedcore.api import labels as rules
from kschedcore.api.machinery import field_errors as fe
from kschedcore.api.machinery.field_errors import FieldError
from kschedcore.api.quantity import Quantity
from kschedcore.rules.validation.claims import ACCESS_MODES, validate_claim, validate_claim_update
from kschedcore.rules.validation.common import fixed_fields, immutable, one_of, validate_label_selector
from kschedcore.rules.validation.metadata import (
    dns_subdomain_name,
    validate_metadata,
    validate_metadata_update,
)
from kschedcore.rules.validation.placement import validate_node_selector
from kschedcore.rules.validation.resources import validate_not_negative, validate_quantity
from kschedcore.rules.validation.volume_sources import SOURCES

__all__ = ["CREATE", "UPDATE"]

_NOT_SOURCES = frozenset(
    {
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "storageClassName",
        "persistentVolumeReclaimPolicy", "volumeMode", "volumeAttributesClassName",
    }
)  # fmt: skip
_SOURCE_ORDER = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs",
    "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
    "azureDisk", "scaleIO", "local", "storageos", "csi",
)  # fmt: skip
_SECRETS = (
    "controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef",
)  # fmt: skip
_RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")


def _volume(volume: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(volume["metadata"], dns_subdomain_name, namespaced=False)
    yield from _volume_spec(volume["spec"])


def _volume_spec(spec: dict[str, Any]) -> Iterator[FieldError]:
    modes = spec.get("accessModes", ())
    if not modes:
        yield fe.required("spec.accessModes")
    for mode in modes:
        if mode not in ACCESS_MODES:
            yield fe.not_supported("spec.accessModes", mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and any(
        mode in ACCESS_MODES for mode in modes if mode != "ReadWriteOncePod"
    ):
        yield fe.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes")
    capacity = spec.get("capacity", {})
    if not capacity:
        yield fe.required("spec.capacity")
    if "storage" not in capacity or len(capacity) > 1:
        struct = fe.go_struct("core.ResourceList", capacity)
        yield fe.not_supported("spec.capacity", struct, ("storage",))
    for name, text in capacity.items():
        yield from validate_quantity(name, text, f"spec.capacity[{name}]")
        if Quantity.parse(text) <= Quantity.parse("0"):
            yield fe.invalid(f"spec.capacity[{name}]", text, "must be greater than zero")
    yield from one_of(
        spec["persistentVolumeReclaimPolicy"], _RECLAIM_POLICIES, "spec.persistentVolumeReclaimPolicy"
    )
    required = spec.get("nodeAffinity", {}).get("required")
    if required is not None:
        yield from validate_node_selector(required, "spec.nodeAffinity.required")
    yield from _volume_sources(spec)
    recycled = spec["persistentVolumeReclaimPolicy"] == "Recycle"
    if recycled and posixpath.normpath(spec.get("hostPath", {}).get("path") or ".") in ("/", "//"):
        detail = "may not be 'recycle' for a hostPath mount of '/'"
        yield fe.forbidden("spec.persistentVolumeReclaimPolicy", detail)
    yield from _volume_classes(spec)


def _volume_sources(spec: dict[str, Any]) -> Iterator[FieldError]:
    """Validate the source; of several, the first in Kubernetes' order counts."""
    sources = sorted((key for key in spec if key not in _NOT_SOURCES), key=_source_order)
    for key in sources[:1]:
        if key in SOURCES:
            yield from SOURCES[key](
                spec[key], "spec.persistentDisk" if key == "gcePersistentDisk" else f"spec.{key}"
            )
        if key == "local" and "required" not in spec.get("nodeAffinity", {}):
            yield fe.required("spec.nodeAffinity", "Local volume requires node affinity")
        if key == "csi":
            yield from _csi_volume(spec[key])
    for key in sources[1:]:
        yield fe.forbidden(f"spec.{key}", "may not specify more than 1 volume type")
    if not sources:
        yield fe.required("spec", "must specify a volume type")


def _source_order(source: str) -> int:
    return _SOURCE_ORDER.index(source) if source in _SOURCE_ORDER else len(_SOURCE_ORDER)


def _csi_volume(source: dict[str, Any]) -> Iterator[FieldError]:
    if not source.get("volumeHandle"):
        yield fe.required("spec.csi.volumeHandle")
    for key in _SECRETS:
        if key not in source:
            continue
        name, namespace = source[key].get("name", ""), source[key].get("namespace", "")
        if not name:
            yield fe.required(f"spec.csi.{key}.name")
        else:
            texts = rules.is_dns1123_subdomain(name)
            yield from (fe.invalid(f"spec.csi.{key}.name", name, text) for text in texts)
        if not namespace:
            yield fe.required(f"spec.csi.{key}.namespace")
        else:
            texts = rules.is_dns1123_label(namespace)
            yield from (fe.invalid(f"spec.csi.{key}.namespace", namespace, text) for text in texts)


def _volume_classes(spec: dict[str, Any]) -> Iterator[FieldError]:
    name, attributes = spec.get("storageClassName", ""), spec.get("volumeAttributesClassName")
    if name:
        texts = rules.is_dns1123_subdomain(name)
        yield from (fe.invalid("spec.storageClassName", name, text) for text in texts)
    yield from one_of(spec.get("volumeMode", "Filesystem"), ("Block", "Filesystem"), "spec.volumeMode")
    if attributes is None:
        return
    if not attributes:
        yield fe.required("spec.volumeAttributesClassName", "an empty string is disallowed")
    else:
        texts = rules.is_dns1123_subdomain(attributes)
        yield from (fe.invalid("spec.volumeAttributesClassName", attributes, text) for text in texts)
    if "csi" not in spec:
        yield fe.required("spec.csi", "has to be specified when using volumeAttributesClassName")


def _volume_update(volume: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from _volume(volume)
    new_sources = {key: value for key, value in volume["spec"].items() if key not in _NOT_SOURCES}
    if new_sources != {key: value for key, value in old["spec"].items() if key not in _NOT_SOURCES}:
        yield fe.forbidden(
            "spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation"
        )
    if volume["spec"].get("volumeMode") != old["spec"].get("volumeMode"):
        yield fe.invalid("volumeMode", volume["spec"].get("volumeMode"), "field is immutable")
    affinity, was = volume["spec"].get("nodeAffinity"), old["spec"].get("nodeAffinity")
    if was is not None and affinity != was:
        detail = "field is immutable, except for updating from beta label to GA"
        yield fe.invalid("nodeAffinity", affinity, detail)


def _storage_class(storage: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(storage["metadata"], dns_subdomain_name, namespaced=False)
    provisioner = storage.get("provisioner", "")
    if not provisioner:
        yield fe.required("provisioner", "")
    else:
        texts = rules.is_qualified_name(provisioner.lower())
        yield from (fe.invalid("provisioner", provisioner, text) for text in texts)
    yield from one_of(storage["reclaimPolicy"], ("Delete", "Retain"), "reclaimPolicy")
    modes = ("Immediate", "WaitForFirstConsumer")
    yield from one_of(storage["volumeBindingMode"], modes, "volumeBindingMode")


def _storage_class_update(storage: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(storage["metadata"], old["metadata"])
    for key in ("parameters", "provisioner", "reclaimPolicy"):
        if storage.get(key) != old.get(key):
            yield fe.forbidden(key, f"updates to {key} are forbidden.")
    yield from fixed_fields("storageclasses.storage.k8s.io", storage, old)


def _storage_capacity(found: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata(found["metadata"], dns_subdomain_name, namespaced=True)
    yield from _storage_capacity_fields(found)


def _storage_capacity_fields(found: dict[str, Any]) -> Iterator[FieldError]:
    if "nodeTopology" in found:
        yield from validate_label_selector(found["nodeTopology"], "nodeTopology")
    name = found["storageClassName"]
    yield from (fe.invalid("storageClassName", name, text) for text in rules.is_dns1123_subdomain(name))
    for path in ("capacity", "maximumVolumeSize"):
        if path in found:
            yield from validate_not_negative(Quantity.parse(found[path]), path)


def _storage_capacity_update(found: dict[str, Any], old: dict[str, Any]) -> Iterable[FieldError]:
    yield from validate_metadata_update(found["metadata"], old["metadata"])
    yield from _storage_capacity_fields(found)
    topologies = found.get("nodeTopology"), old.get("nodeTopology")
    yield from immutable(*topologies, "nodeTopology", "v1.LabelSelector")
    yield from immutable(found["storageClassName"], old["storageClassName"], "storageClassName")


CREATE = {
    "CSIStorageCapacity": _storage_capacity,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": validate_claim,
    "StorageClass": _storage_class,
}
UPDATE = {
    "CSIStorageCapacity": _storage_capacity_update,
    "PersistentVolume": _volume_update,
    "PersistentVolumeClaim": validate_claim_update,
    "StorageClass": _storage_class_update,
}
