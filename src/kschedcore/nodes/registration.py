"""The node status that an agent reports: labels, capacity, conditions, addresses, software (``nodestatus``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_DNS, uuid5

from kschedcore.api.machinery.conditions import is_true
from kschedcore.api.machinery.times import EARLIEST, parse_time, timestamp
from kschedcore.api.machinery.types import Object

__all__ = ["DEFAULT_CAPACITY", "labelled", "node_status", "with_condition", "with_heartbeat"]


DEFAULT_CAPACITY: Final = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"}
"""The capacity of a node that has none in its status."""

_HEALTHY: Final = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
_VERSION: Final = "v1.36.2"
_DECLARED: Final = ["InPlacePodLevelResourcesVerticalScaling", "RestartAllContainersOnContainerExits"]
"""``status.declaredFeatures`` of a v1.36 kubelet with the default feature gates (KEP-5328)."""


def labelled(node: Mapping[str, Any]) -> Object | None:
    """Return the node with the labels that an agent sets; None if it has them."""
    metadata = node["metadata"]
    own = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": metadata["name"],
        "kubernetes.io/os": "linux",
    }
    labels = metadata.get("labels", {})
    if own.keys() <= labels.keys():
        return None
    return {**node, "metadata": {**metadata, "labels": {**own, **labels}}}


def node_status(node: Mapping[str, Any], ip: str, now: datetime) -> Object:
    """Return the status of a healthy node, keeping the fields it already has.

    Args:
        node: The node.
        ip: The node's address.
        now: The time, for changed conditions.
    """
    before = node.get("status", {})
    capacity = before.get("capacity") or before.get("allocatable") or DEFAULT_CAPACITY
    name = node["metadata"]["name"]
    status = {
        **before,
        "capacity": capacity,
        "allocatable": before.get("allocatable") or capacity,
        "addresses": before.get("addresses")
        or [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {**_software(name), **_node_info(before.get("nodeInfo", {}))},
        "declaredFeatures": before.get("declaredFeatures") or _DECLARED,
    }
    for kind, value, reason, message in _HEALTHY:
        pressed = kind == "MemoryPressure" and is_true({"status": status}, kind)
        if not pressed:
            status = with_condition(status, kind, value, reason, message, now)
    return status


def with_condition(
    status: Mapping[str, Any], kind: str, value: str, reason: str, message: str, now: datetime
) -> Object:
    """Return a node's status with one condition replaced; its transition time is set if it changed."""
    conditions = list(status.get("conditions", ()))
    wanted = {"type": kind, "status": value, "reason": reason, "message": message}
    for place, each in enumerate(conditions):
        if each["type"] != kind:
            continue
        if wanted.items() <= each.items():
            return dict(status)
        since = each.get("lastTransitionTime") if each.get("status") == value else None
        conditions[place] = {
            **wanted, "lastHeartbeatTime": timestamp(now), "lastTransitionTime": since or timestamp(now)
        }  # fmt: skip
        return {**status, "conditions": conditions}
    conditions.append({**wanted, "lastHeartbeatTime": timestamp(now), "lastTransitionTime": timestamp(now)})
    return {**status, "conditions": conditions}


def with_heartbeat(status: Mapping[str, Any], now: datetime, every: timedelta) -> Object:
    """Return a node's status with a new heartbeat in the agent's conditions, if the last is ``every`` ago."""
    own = {kind for kind, *_ in _HEALTHY}
    beats = [each["lastHeartbeatTime"] for each in status["conditions"] if each["type"] in own]
    if now - max(parse_time(each) or EARLIEST for each in beats) < every:
        return dict(status)
    conditions = [
        {**each, "lastHeartbeatTime": timestamp(now)} if each["type"] in own else each
        for each in status["conditions"]
    ]
    return {**status, "conditions": conditions}


def _node_info(info: Mapping[str, Any]) -> Object:
    return {key: value for key, value in info.items() if value}


def _software(name: str) -> Object:
    machine = uuid5(NAMESPACE_DNS, name)
    return {
        "architecture": "amd64",
        "bootID": str(uuid5(machine, "boot")),
        "containerRuntimeVersion": "containerd://2.1.0",
        "kernelVersion": "6.8.0",
        "kubeProxyVersion": "",
        "kubeletVersion": _VERSION,
        "machineID": machine.hex,
        "operatingSystem": "linux",
        "osImage": "Linux",
        "systemUUID": str(uuid5(machine, "system")),
    }
