"""Defaults of claims, volumes, storage classes and CSI drivers."""

from __future__ import annotations

from typing import Any

from kschedcore.rules.defaults.volumes import default_source

__all__ = ["DEFAULTS", "default_claim"]


def default_claim(claim: dict[str, Any]) -> None:
    """Fill the defaults of a PersistentVolumeClaim or a StatefulSet's claim template."""
    claim["status"].setdefault("phase", "Pending")
    claim["spec"].setdefault("volumeMode", "Filesystem")


def _volume(obj: dict[str, Any]) -> None:
    obj["status"].setdefault("phase", "Pending")
    spec = obj["spec"]
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")
    default_source(spec)


def _storage_class(obj: dict[str, Any]) -> None:
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")


def _csi_driver(obj: dict[str, Any]) -> None:
    spec = obj["spec"]
    spec.setdefault("attachRequired", True)
    spec.setdefault("podInfoOnMount", False)
    spec.setdefault("storageCapacity", False)
    spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
    spec.setdefault("volumeLifecycleModes", ["Persistent"])
    spec.setdefault("requiresRepublish", False)
    spec.setdefault("seLinuxMount", False)


DEFAULTS = {
    "PersistentVolumeClaim": default_claim,
    "PersistentVolume": _volume,
    "StorageClass": _storage_class,
    "CSIDriver": _csi_driver,
}
