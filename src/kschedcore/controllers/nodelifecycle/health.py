"""A node's health by its conditions and heartbeats, and the resulting taints.

Rules: "Nodes" and "Taint based Evictions" in the reference; ``pkg/controller/nodelifecycle``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kschedcore.api.machinery.times import parse_time, timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.nodes.heartbeats import renewed_at

__all__ = [
    "GRACE",
    "NOT_READY",
    "UNREACHABLE",
    "condition_taints",
    "eviction_taint",
    "is_ready",
    "last_heartbeat",
    "ready_status",
    "silent_conditions",
    "with_taints",
]

GRACE = timedelta(seconds=50)
"""Time without a heartbeat after which a node is unknown (``--node-monitor-grace-period``, v1.32 and later)."""

STARTUP_GRACE = timedelta(seconds=60)
"""The same for a node that never sent a heartbeat (``--node-startup-grace-period``)."""

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_READY_KEYS = {"False": NOT_READY, "Unknown": UNREACHABLE}
_BY_CONDITION = {*_PRESSURES.values(), NOT_READY, UNREACHABLE, _UNSCHEDULABLE}
_POSTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions that a node's agent posts."""


def _conditions(node: Object) -> dict[str, Object]:
    return {each["type"]: each for each in node.get("status", {}).get("conditions", ())}


def ready_status(node: Object) -> str:
    """Return the Ready condition's status: ``True``, ``False``, ``Unknown``; empty if there is none."""
    status: str = _conditions(node).get("Ready", {}).get("status", "")
    return status


def is_ready(node: Object) -> bool:
    """Return whether the node is ready."""
    return ready_status(node) == "True"


def last_heartbeat(node: Object, lease: Object | None, now: datetime) -> tuple[datetime, timedelta]:
    """Return the time of the node's last heartbeat and its grace period."""
    times = [] if lease is None else [renewed_at(lease, now)]
    times.append(parse_time(_conditions(node).get("Ready", {}).get("lastHeartbeatTime")))
    seen = [time for time in times if time is not None]
    if not seen:
        return parse_time(node["metadata"]["creationTimestamp"]) or now, STARTUP_GRACE
    return max(seen), GRACE


def silent_conditions(node: Object, now: datetime) -> list[Object]:
    """Return the conditions of a node without recent heartbeats, all ``Unknown``."""
    before = _conditions(node)
    known = dict(before)
    for kind in _POSTED:
        condition = before.get(kind)
        if condition is None:
            reason, message = "NodeStatusNeverUpdated", "Kubelet never posted node status."
            known[kind] = {
                "type": kind, "status": "Unknown", "reason": reason, "message": message,
                "lastHeartbeatTime": node["metadata"]["creationTimestamp"],
                "lastTransitionTime": timestamp(now),
            }  # fmt: skip
        elif condition["status"] != "Unknown":
            known[kind] = {
                **condition, "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
                "lastTransitionTime": timestamp(now),
            }  # fmt: skip
    return list(known.values())


def condition_taints(node: Object) -> set[str]:
    """Return the keys of the ``NoSchedule`` taints for the node's conditions."""
    conditions = _conditions(node)
    keys = {key for kind, key in _PRESSURES.items() if conditions.get(kind, {}).get("status") == "True"}
    ready = _READY_KEYS.get(ready_status(node))
    if ready is not None:
        keys.add(ready)
    if node["spec"].get("unschedulable"):
        keys.add(_UNSCHEDULABLE)
    return keys


def eviction_taint(node: Object) -> str | None:
    """Return the key of the ``NoExecute`` taint for the node's Ready condition."""
    return _READY_KEYS.get(ready_status(node))


def with_taints(node: Object, no_schedule: set[str], no_execute: str | None, now: datetime) -> list[Object]:
    """Return the node's taints with those for its conditions replaced."""
    kept = []
    present = set()
    for taint in node["spec"].get("taints", ()):
        key, effect = taint["key"], taint["effect"]
        ours = (effect == "NoSchedule" and key in _BY_CONDITION) or (
            effect == "NoExecute" and key in (NOT_READY, UNREACHABLE)
        )
        if not ours or (key in no_schedule if effect == "NoSchedule" else key == no_execute):
            kept.append(taint)
            present.add((key, effect))
    wanted = [(key, "NoSchedule") for key in sorted(no_schedule)]
    wanted += [(no_execute, "NoExecute")] if no_execute is not None else []
    added = [
        {"key": key, "effect": effect, "timeAdded": timestamp(now)}
        for key, effect in wanted
        if (key, effect) not in present
    ]
    return [*kept, *added]
