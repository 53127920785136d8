"""Defaults of a pod's volumes and of PersistentVolume sources."""

from __future__ import annotations

from typing import Any

__all__ = ["default_source", "default_volume", "pull_policy"]

# The defaults of each volume source.
_SOURCES: dict[str, dict[str, Any]] = {
    "secret": {"defaultMode": 0o644},
    "configMap": {"defaultMode": 0o644},
    "downwardAPI": {"defaultMode": 0o644},
    "projected": {"defaultMode": 0o644},
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": False},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def default_volume(volume: dict[str, Any]) -> None:
    """Fill the defaults of a pod's volume; one without a source is an ``emptyDir``."""
    if volume.keys() <= {"name"}:
        volume["emptyDir"] = {}
    default_source(volume)
    for item in volume.get("downwardAPI", {}).get("items", ()):
        _default_field(item)
    for source in volume.get("projected", {}).get("sources") or ():
        for item in source.get("downwardAPI", {}).get("items", ()):
            _default_field(item)
        if "serviceAccountToken" in source:
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
        if "podCertificate" in source:
            source["podCertificate"].setdefault("maxExpirationSeconds", 86400)
    image = volume.get("image")
    if image is not None and not image.get("pullPolicy"):
        image["pullPolicy"] = pull_policy(image.get("reference", ""))
    template = volume.get("ephemeral", {}).get("volumeClaimTemplate")
    if template is not None:
        template["spec"].setdefault("volumeMode", "Filesystem")


def default_source(holder: dict[str, Any]) -> None:
    """Fill the defaults of the volume source of ``holder``."""
    for name, defaults in _SOURCES.items():
        source = holder.get(name)
        if source is not None:
            for key, value in defaults.items():
                source.setdefault(key, value)


def _default_field(item: dict[str, Any]) -> None:
    if "fieldRef" in item:
        item["fieldRef"].setdefault("apiVersion", "v1")


def pull_policy(image: str) -> str:
    """Return ``Always`` for an image with the tag ``latest``, which is the default tag; else ``IfNotPresent``."""
    if not image or "@" in image:
        return "IfNotPresent"
    name, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if name and (not tag or tag == "latest") else "IfNotPresent"
