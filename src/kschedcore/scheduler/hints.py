"""Queueing hints: which events may help a pod that a plugin rejected (KEP-4247).

A pod that found no node is tried again only when something happened that one of the plugins that rejected it
says may help. A hint looks at one event and one pod; it may be wrong in saying that an event helps, and must
never be wrong in saying that it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kschedcore.api.objects import Pod, Taint, decode
from kschedcore.api.phases import has_ended
from kschedcore.api.quantity import Quantity
from kschedcore.api.taints import find_untolerated
from kschedcore.client.informer import Change
from kschedcore.rules.amounts import pod_requests
from kschedcore.rules.resize import what_runs

__all__ = ["may_concern", "may_help"]

Object = Mapping[str, Any]
Hint = Callable[[Change, Pod], bool]

_STORAGE = (
    "persistentvolumeclaims",
    "persistentvolumes",
    "storageclasses.storage.k8s.io",
    "csinodes.storage.k8s.io",
    "csidrivers.storage.k8s.io",
    "csistoragecapacities.storage.k8s.io",
    "volumeattachments.storage.k8s.io",
)


def may_concern(plugin: str, resource: str) -> bool:
    """Whether events about a resource may help any pod that ``plugin`` rejected."""
    hints = _HINTS.get(plugin)
    return hints is None or resource in hints


def may_help(plugin: str, resource: str, change: Change, pod: Pod) -> bool:
    """Whether an event may help a pod that ``plugin`` rejected.

    Args:
        plugin: Its name; of one that is not known here, every event may help.
        resource: What the event is about, ``nodes``; ``pods`` stands for pods that have a node.
        change: The event.
        pod: The pod.
    """
    hints = _HINTS.get(plugin)
    if hints is None:
        return True
    hint = hints.get(resource)
    return hint is not None and hint(change, pod)


def _always(_change: Change, _pod: Pod) -> bool:
    return True


def _added(change: Change, _pod: Pod) -> bool:
    return change.old is None


def _gone(change: Change, _pod: Pod) -> bool:
    """A pod has left its node, or needs nothing of it from now on."""
    old, new = change.old, change.new
    return old is not None and not has_ended(old) and (new is None or has_ended(new))


def _gone_or_smaller(change: Change, pod: Pod) -> bool:
    if _gone(change, pod):
        return True
    old, new = change.old, change.new
    if old is None or new is None or not old["spec"].get("nodeName"):
        return False
    # Of a pod that has a node, only what it asks for can change, and it may have become less.
    return old["spec"] != new["spec"] or what_runs(old) != what_runs(new)


def _counts_otherwise(change: Change, _pod: Pod) -> bool:
    """A pod came, went, or bears other labels: it counts elsewhere or not at all."""
    old, new = change.old, change.new
    if old is None or new is None or bool(old["spec"].get("nodeName")) != bool(new["spec"].get("nodeName")):
        return True
    leaving = bool(old["metadata"].get("deletionTimestamp")) != bool(new["metadata"].get("deletionTimestamp"))
    return leaving or has_ended(old) != has_ended(new) or _labels(old) != _labels(new)


def _labels(obj: Object) -> Object:
    labels: Object = obj["metadata"].get("labels", {})
    return labels


def _more_room(change: Change, pod: Pod) -> bool:
    """A node came, or has more of something that the pod asks for."""
    old, new = change.old, change.new
    if new is None:
        return False
    if old is None:
        return True
    before, now = _allocatable(old), _allocatable(new)
    if before == now:
        return False
    asked = {"pods", *pod_requests(pod.spec)}
    return any(_amount(now, name) > _amount(before, name) for name in asked)


def _allocatable(node: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = node.get("status", {}).get("allocatable", {})
    return found


def _amount(amounts: Mapping[str, str], name: str) -> Quantity:
    return Quantity.parse(amounts.get(name, "0"))


def _other_labels(change: Change, _pod: Pod) -> bool:
    old, new = change.old, change.new
    return old is None or (new is not None and _labels(old) != _labels(new))


def _nodes_come_and_go(change: Change, pod: Pod) -> bool:
    return change.new is None or _other_labels(change, pod)


def _domains_change(change: Change, pod: Pod) -> bool:
    """Which nodes count in a domain may follow from their taints as well (``nodeTaintsPolicy: Honor``)."""
    return _nodes_come_and_go(change, pod) or _taints(change.old) != _taints(change.new)


def _taints(node: Object | None) -> Any:
    return None if node is None else node["spec"].get("taints")


def _tolerated_by_now(change: Change, pod: Pod) -> bool:
    new = change.new
    return (
        new is not None and _tolerated(new, pod) and (change.old is None or not _tolerated(change.old, pod))
    )


def _tolerated(node: Object, pod: Pod) -> bool:
    taints = [decode(Taint, taint) for taint in node["spec"].get("taints", ())]
    return find_untolerated(taints, pod.spec.tolerations or ()) is None


def _open_by_now(change: Change, pod: Pod) -> bool:
    old, new = change.old, change.new
    if new is None or new["spec"].get("unschedulable"):
        return False
    return old is None or bool(old["spec"].get("unschedulable")) or _tolerated_by_now(change, pod)


_STORAGE_HINTS: Mapping[str, Hint] = dict.fromkeys(_STORAGE, _always)

_HINTS: Mapping[str, Mapping[str, Hint]] = {
    "NodeResourcesFit": {"nodes": _more_room, "pods": _gone_or_smaller},
    "NodeAffinity": {"nodes": _other_labels},
    "NodeName": {"nodes": _added},
    "NodePorts": {"nodes": _added, "pods": _gone},
    "NodeUnschedulable": {"nodes": _open_by_now},
    "TaintToleration": {"nodes": _tolerated_by_now},
    "InterPodAffinity": {"nodes": _nodes_come_and_go, "pods": _counts_otherwise},
    "PodTopologySpread": {"nodes": _domains_change, "pods": _counts_otherwise},
    "VolumeBinding": {"nodes": _other_labels, **_STORAGE_HINTS},
    "VolumeZone": {"nodes": _other_labels, **_STORAGE_HINTS},
    "VolumeRestrictions": {"nodes": _added, "pods": _gone, "persistentvolumeclaims": _always},
    "NodeVolumeLimits": {"nodes": _added, "pods": _gone, **_STORAGE_HINTS},
    "SchedulingGates": {},
}
