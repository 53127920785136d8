"""Storage: classes, claims in every state, and bound and unbound volumes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from kschedcore.api.machinery.types import Object
from kschedcore.testing.strategies.vocabulary import (
    CLAIMS,
    DRIVER,
    HOSTNAME,
    NAMESPACES,
    STORAGE_CLASSES,
    ZONE,
    ZONES,
)

__all__ = ["storages"]

_ACCESS_MODES = (["ReadWriteOnce"], ["ReadWriteMany"], ["ReadWriteOncePod"])
_SIZES = ("1Gi", "2Gi", "5Gi")
_ORDERLY = ("bound", "waiting")
_STATES = ("bound", "waiting", "unbound", "selected", "lost", "going")


@st.composite
def storages(draw: st.DrawFn, node_names: Sequence[str]) -> Object:
    """Draw the storage objects of a cluster: classes, volumes, claims and CSINodes, by their cluster keys.

    In half of the clusters all claims exist and are valid, so that nodes are filtered by volumes.

    Args:
        draw: Hypothesis' own.
        node_names: The nodes that local volumes may be on.
    """
    orderly = draw(st.booleans())
    claims: list[Object] = []
    volumes: list[Object] = []
    for namespace in NAMESPACES:
        for name in CLAIMS if orderly else draw(st.lists(st.sampled_from(CLAIMS), unique=True)):
            claim = draw(_claims(namespace, name, _ORDERLY if orderly else _STATES))
            volume_name = claim["spec"].get("volumeName")
            if volume_name and (orderly or draw(st.integers(0, 3)) < 3):
                volumes.append(draw(_bound_volumes(claim, volume_name)))
            claims.append(claim)
    volumes += [draw(_local_volumes(f"local-{n}", node_names)) for n in range(draw(st.integers(0, 3)))]
    return {
        "storageClasses": draw(_storage_classes()),
        "persistentVolumeClaims": claims,
        "persistentVolumes": volumes,
        "csiNodes": [draw(_csi_nodes(name)) for name in node_names if draw(st.booleans())],
    }


@st.composite
def _storage_classes(draw: st.DrawFn) -> list[Object]:
    zones = draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True))
    allowed = [{"matchLabelExpressions": [{"key": ZONE, "values": zones}]}]
    classes: list[Object] = [
        {"provisioner": DRIVER, "volumeBindingMode": "Immediate"},
        {"provisioner": DRIVER, "volumeBindingMode": "WaitForFirstConsumer"},
        {"provisioner": DRIVER, "volumeBindingMode": "WaitForFirstConsumer", "allowedTopologies": allowed},
        {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"},
    ]
    return [
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, **fields}
        for name, fields in zip(STORAGE_CLASSES, classes, strict=True)
    ]


@st.composite
def _claims(draw: st.DrawFn, namespace: str, name: str, states: tuple[str, ...]) -> Object:
    state = draw(st.sampled_from(states))
    classes = STORAGE_CLASSES[1:] if state == "waiting" else STORAGE_CLASSES
    claim: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "annotations": {},
        },
        "spec": {
            "accessModes": draw(st.sampled_from(_ACCESS_MODES)),
            "storageClassName": draw(st.sampled_from(classes)),
            "resources": {"requests": {"storage": draw(st.sampled_from(_SIZES))}},
        },
        "status": {"phase": "Bound" if state == "bound" else "Lost" if state == "lost" else "Pending"},
    }
    if state in ("bound", "lost"):
        claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = "yes"
        claim["spec"]["volumeName"] = f"volume-{namespace}-{name}"
    if state == "selected":
        claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = "node-0"
    if state == "going":
        claim["metadata"]["deletionTimestamp"] = "2026-01-01T01:00:00Z"
    return claim


@st.composite
def _bound_volumes(draw: st.DrawFn, claim: Object, name: str) -> Object:
    """Draw CSI volumes: with zone labels, with zone affinity, or without. Two may be the same disk."""
    metadata: Object = {"name": name, "uid": f"uid-{name}"}
    if draw(st.booleans()):
        metadata["labels"] = {ZONE: draw(st.sampled_from(["z1", "z2", "z1__z3"]))}
    volume: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": metadata,
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": "5Gi"},
            "storageClassName": claim["spec"]["storageClassName"],
            "csi": {"driver": DRIVER, "volumeHandle": draw(st.sampled_from([name, "shared"]))},
            "claimRef": {
                "namespace": claim["metadata"]["namespace"],
                "name": claim["metadata"]["name"],
                "uid": claim["metadata"]["uid"],
            },
        },
        "status": {"phase": "Bound"},
    }
    if draw(st.booleans()):
        zones = draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True))
        volume["spec"]["nodeAffinity"] = _reachable_from(ZONE, zones)
    return volume


@st.composite
def _local_volumes(draw: st.DrawFn, name: str, node_names: Sequence[str]) -> Object:
    """Draw an unbound local volume of a node."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "spec": {
            "accessModes": draw(st.sampled_from(_ACCESS_MODES)),
            "capacity": {"storage": draw(st.sampled_from(_SIZES))},
            "storageClassName": "local",
            "local": {"path": "/mnt"},
            "nodeAffinity": _reachable_from(HOSTNAME, [draw(st.sampled_from(node_names))]),
        },
        "status": {"phase": "Available"},
    }


@st.composite
def _csi_nodes(draw: st.DrawFn, name: str) -> Object:
    driver: Object = {"name": DRIVER, "nodeID": name, "topologyKeys": [ZONE]}
    count = draw(st.sampled_from([None, 1, 2]))
    if count is not None:
        driver["allocatable"] = {"count": count}
    disks: Object = {"name": "pd.csi.storage.gke.io", "nodeID": name, "allocatable": {"count": 1}}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": name},
        "spec": {"drivers": [driver, *([disks] if draw(st.booleans()) else [])]},
    }


def _reachable_from(key: str, values: list[str]) -> Object:
    expression = {"key": key, "operator": "In", "values": values}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
