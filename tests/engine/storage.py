"""Storage objects for tests of whole scenarios."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

DRIVER = "csi.example.com"
LOCAL = "kubernetes.io/no-provisioner"
ZONE = "topology.kubernetes.io/zone"
BETA_ZONE = "failure-domain.beta.kubernetes.io/zone"


def storage_class(
    name: str, provisioner: str = DRIVER, mode: str = "WaitForFirstConsumer", **more: Any
) -> Json:
    """A storage class."""
    return {
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": provisioner,
        "volumeBindingMode": mode,
        **more,
    }


def claim(
    name: str,
    *,
    size: str | None = "1Gi",
    cls: str = "wait",
    bound_to: str = "",
    modes: tuple[str, ...] = ("ReadWriteOnce",),
    namespace: str = "default",
    node: str = "",
    meta: Json | None = None,
    **spec: Any,
) -> Json:
    """A claim; ``bound_to`` names its volume, ``node`` is the node it has been promised to."""
    annotations = {
        **({"pv.kubernetes.io/bind-completed": "yes"} if bound_to else {}),
        **({"volume.kubernetes.io/selected-node": node} if node else {}),
    }
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "annotations": annotations,
            **(meta or {}),
        },
        "spec": {
            "accessModes": list(modes),
            "storageClassName": cls,
            "resources": {"requests": {} if size is None else {"storage": size}},
            **({"volumeName": bound_to} if bound_to else {}),
            **spec,
        },
        "status": {"phase": "Bound" if bound_to else "Pending"},
    }


def volume(
    name: str,
    *,
    size: str = "1Gi",
    cls: str = "wait",
    node: str = "",
    handle: str = "",
    phase: str = "Available",
    labels: Json | None = None,
    reserved: str = "",
    meta: Json | None = None,
    **spec: Any,
) -> Json:
    """A volume; only ``node`` can reach it, and it is reserved for the claim ``reserved``."""
    if node:
        term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    if handle:
        spec["csi"] = {"driver": DRIVER, "volumeHandle": handle}
    if reserved:
        spec["claimRef"] = {"namespace": "default", "name": reserved, "uid": f"uid-default-{reserved}"}
    return {
        "kind": "PersistentVolume",
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels or {}, **(meta or {})},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": size},
            "storageClassName": cls,
            **spec,
        },
        "status": {"phase": phase},
    }


def csi_node(name: str, limit: int | None, driver: str = DRIVER) -> Json:
    """A CSINode with one driver."""
    entry: Json = {"name": driver, "nodeID": name}
    if limit is not None:
        entry["allocatable"] = {"count": limit}
    return {"kind": "CSINode", "metadata": {"name": name}, "spec": {"drivers": [entry]}}


def csi_driver(name: str = DRIVER, *, tracked: bool = True) -> Json:
    """A CSI driver, and whether it publishes its capacity."""
    return {"kind": "CSIDriver", "metadata": {"name": name}, "spec": {"storageCapacity": tracked}}


def capacity(name: str, size: str, topology: Json | None, cls: str = "wait", **more: Any) -> Json:
    """A CSIStorageCapacity."""
    return {
        "kind": "CSIStorageCapacity",
        "metadata": {"name": name, "namespace": "default"},
        "storageClassName": cls,
        "capacity": size,
        **({} if topology is None else {"nodeTopology": topology}),
        **more,
    }


def attachment(name: str, node: str, volume_name: str) -> Json:
    """A volume that is attached to a node."""
    return {
        "kind": "VolumeAttachment",
        "metadata": {"name": name},
        "spec": {"attacher": DRIVER, "nodeName": node, "source": {"persistentVolumeName": volume_name}},
    }


def uses(*claims: str) -> list[Json]:
    """A pod's volumes: one for each claim."""
    return [{"name": f"v{i}", "persistentVolumeClaim": {"claimName": name}} for i, name in enumerate(claims)]
