"""In-tree volumes as the CSI drivers that replaced them know them (KEP-625).

Which they are follows Kubernetes' csi-translation-lib v0.36; of its drivers NodeVolumeLimits counts those of AWS, GCE,
Azure disks, Cinder and Portworx.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

__all__ = ["PORTWORX", "driver_of", "translated"]

_EBS = "ebs.csi.aws.com"
_GCE = "pd.csi.storage.gke.io"
_AZURE = "disk.csi.azure.com"
_CINDER = "cinder.csi.openstack.org"
PORTWORX = "pxd.portworx.com"

_DRIVERS: Mapping[str, str] = {
    "kubernetes.io/aws-ebs": _EBS,
    "kubernetes.io/gce-pd": _GCE,
    "kubernetes.io/azure-disk": _AZURE,
    "kubernetes.io/cinder": _CINDER,
    "kubernetes.io/portworx-volume": PORTWORX,
    "kubernetes.io/azure-file": "",
    "kubernetes.io/vsphere-volume": "",
}
"""In-tree provisioner -> the driver that replaced it; empty where its volumes are not counted."""

_ZONES = ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone")
_EBS_ID = re.compile(r"vol-[^/]*")


class _Disk(Protocol):
    @property
    def volume_id(self) -> str | None: ...


class _Named(Protocol):
    @property
    def pd_name(self) -> str | None: ...


class _Managed(Protocol):
    @property
    def disk_uri(self) -> str | None: ...
    @property
    def kind(self) -> str | None: ...


class Source(Protocol):
    """The in-tree sources of a pod's volume or of a PersistentVolume."""

    @property
    def aws_elastic_block_store(self) -> _Disk | None: ...
    @property
    def gce_persistent_disk(self) -> _Named | None: ...
    @property
    def azure_disk(self) -> _Managed | None: ...
    @property
    def cinder(self) -> _Disk | None: ...
    @property
    def portworx_volume(self) -> _Disk | None: ...


def driver_of(provisioner: str) -> str:
    """Return the CSI driver that provisions the volumes of a storage class; empty when they are not counted."""
    return _DRIVERS.get(provisioner, provisioner)


def translated(source: Source, labels: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """Return (driver, volume handle) of an in-tree volume; None for other volumes and those that cannot be translated.

    Args:
        source: The volume.
        labels: The labels of a PersistentVolume, which name the zones of a GCE disk.
    """
    if source.aws_elastic_block_store is not None:
        return _if_any(_EBS, _ebs_id(source.aws_elastic_block_store.volume_id or ""))
    if source.gce_persistent_disk is not None:
        return _if_any(_GCE, _gce_id(source.gce_persistent_disk.pd_name or "", labels or {}))
    if source.azure_disk is not None:
        managed = (source.azure_disk.kind or "managed").lower() == "managed"
        return _if_any(_AZURE, (source.azure_disk.disk_uri or "") if managed else "")
    if source.cinder is not None:
        return _if_any(_CINDER, source.cinder.volume_id or "")
    if source.portworx_volume is not None:
        return _if_any(PORTWORX, source.portworx_volume.volume_id or "")
    return None


def _if_any(driver: str, handle: str) -> tuple[str, str] | None:
    return (driver, handle) if handle else None


def _ebs_id(volume: str) -> str:
    """Return the id in ``aws://ZONE/vol-1``, ``aws:///vol-1`` or ``vol-1``."""
    if not volume.startswith("aws://"):
        return volume
    found = urlsplit(volume).path.strip("/")
    return found if _EBS_ID.fullmatch(found) else ""


def _gce_id(name: str, labels: Mapping[str, str]) -> str:
    zones = next((labels[key] for key in _ZONES if labels.get(key)), "").split("__")
    if len(zones) == 1:
        return f"projects/UNSPECIFIED/zones/{zones[0] or 'UNSPECIFIED'}/disks/{name}"
    regions = (
        {zone.rpartition("-")[0] for zone in zones} if all(zone.count("-") == 2 for zone in zones) else set()
    )
    return f"projects/UNSPECIFIED/regions/{regions.pop()}/disks/{name}" if len(regions) == 1 else ""
