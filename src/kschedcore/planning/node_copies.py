"""New nodes that look like another one."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

__all__ = ["ZONES", "csi_node_copy", "node_copy", "slice_copy"]

ZONES: Final = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
"""The labels of zones, the present one first."""

_HOSTNAME: Final = "kubernetes.io/hostname"
_OF_CONTROLLERS: Final = "node.kubernetes.io/"
"""The key prefixes of taints that express a node's current condition."""


_STATUS: Final = ("capacity", "allocatable", "declaredFeatures")
"""The parts of a status that follow from the kind of machine and its kubelet."""


def node_copy(node: Mapping[str, Any], name: str, zone: str = "") -> dict[str, Any]:
    """Return a new node like another one.

    Args:
        node: The node, whole.
        name: The name of the new one, which is its hostname label as well.
        zone: Its zone; that of the copied node by default.
    """
    labels = {**(node["metadata"].get("labels") or {}), _HOSTNAME: name}
    if zone:
        labels[ZONES[0]] = zone
    taints = (node.get("spec") or {}).get("taints") or ()
    status = node.get("status") or {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": [dict(each) for each in taints if not each["key"].startswith(_OF_CONTROLLERS)]},
        "status": {key: deepcopy(status[key]) for key in _STATUS if key in status},
    }


def csi_node_copy(csi_node: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the CSINode of a new node, with the drivers and volume limits of another one."""
    return {
        "apiVersion": csi_node["apiVersion"],
        "kind": csi_node["kind"],
        "metadata": {"name": name},
        "spec": {
            "drivers": [
                {**each, "nodeID": name} for each in (csi_node.get("spec") or {}).get("drivers") or ()
            ]
        },
    }


def slice_copy(resource_slice: Mapping[str, Any], node: str, name: str) -> dict[str, Any]:
    """Return the ResourceSlice of a new node, with the devices of another one.

    Args:
        resource_slice: The slice of the other node, whole.
        node: The other node.
        name: The new node.
    """
    spec = deepcopy(dict(resource_slice["spec"]))
    spec["nodeName"] = name
    pool = spec.get("pool")
    if pool:
        own = str(pool.get("name", ""))
        pool["name"] = own.replace(node, name) if node in own else f"{own}-{name}"
    own = str(resource_slice["metadata"]["name"])
    return {
        "apiVersion": resource_slice["apiVersion"],
        "kind": resource_slice["kind"],
        "metadata": {"name": own.replace(node, name) if node in own else f"{own}-{name}"},
        "spec": spec,
    }
