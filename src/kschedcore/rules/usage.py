"""Exact amounts: what a pod asks for, as quantities that keep their format (``resource.PodRequests``).

:mod:`kschedcore.rules.requests` answers the same question in the scheduler's integers; quotas and limit ranges
show amounts to people and store them, so the unit in which they were written must survive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from kschedcore.api.quantity import Quantity

__all__ = ["ResourceList", "added", "container_requests", "parse", "pod_limits", "pod_requests", "qos_class"]

ResourceList = dict[str, Quantity]
_QOS_RESOURCES = ("cpu", "memory")


def parse(amounts: Mapping[str, str]) -> ResourceList:
    """A resource list of a manifest as quantities."""
    return {name: _quantity(text) for name, text in amounts.items()}


_quantity = lru_cache(maxsize=4096)(Quantity.parse)


def added(left: Mapping[str, Quantity], right: Mapping[str, Quantity]) -> ResourceList:
    """Both lists, summed where they meet."""
    total = dict(left)
    for name, quantity in right.items():
        total[name] = total[name] + quantity if name in total else quantity
    return total


def pod_requests(spec: Mapping[str, Any]) -> ResourceList:
    """What a pod requests: its containers with sidecars, or its hungriest init phase, plus overhead."""
    return _pod_amounts(spec, "requests")


def pod_limits(spec: Mapping[str, Any]) -> ResourceList:
    """What a pod is limited to; overhead counts only where a limit is set."""
    return _pod_amounts(spec, "limits")


def container_requests(spec: Mapping[str, Any]) -> ResourceList:
    """What a pod's containers request together, whatever the pod says of itself."""
    return _container_amounts(spec, "requests")


def _container_amounts(spec: Mapping[str, Any], side: str) -> ResourceList:
    total: ResourceList = {}
    for container in spec.get("containers") or ():
        total = added(total, parse(container.get("resources", {}).get(side, {})))
    sidecars: ResourceList = {}
    peak: ResourceList = {}
    for container in spec.get("initContainers", ()):
        amounts = parse(container.get("resources", {}).get(side, {}))
        if container.get("restartPolicy") == "Always":
            total = added(total, amounts)
            sidecars = added(sidecars, amounts)
            amounts = sidecars
        else:
            amounts = added(amounts, sidecars)
        peak = _largest(peak, amounts)
    return _largest(total, peak)


def _pod_amounts(spec: Mapping[str, Any], side: str) -> ResourceList:
    total = _container_amounts(spec, side)
    total.update(parse(spec.get("resources", {}).get(side, {})))
    overhead = parse(spec.get("overhead", {}))
    if side == "limits":
        overhead = {name: quantity for name, quantity in overhead.items() if name in total}
    return added(total, overhead)


def _largest(left: Mapping[str, Quantity], right: Mapping[str, Quantity]) -> ResourceList:
    result = dict(left)
    for name, quantity in right.items():
        if name not in result or quantity > result[name]:
            result[name] = quantity
    return result


def qos_class(spec: Mapping[str, Any]) -> str:
    """``Guaranteed``, ``Burstable`` or ``BestEffort`` (``qos.ComputePodQOS``), over cpu and memory."""
    everyone = [*(spec.get("containers") or ()), *spec.get("initContainers", ())]
    resources = [spec["resources"]] if spec.get("resources") else [c.get("resources", {}) for c in everyone]
    requests = [_positive(r.get("requests", {})) for r in resources]
    limits = [_positive(r.get("limits", {})) for r in resources]
    if not any(requests) and not any(limits):
        return "BestEffort"
    guaranteed = all(len(limit) == len(_QOS_RESOURCES) for limit in limits)
    if guaranteed and _summed(requests) == _summed(limits):
        return "Guaranteed"
    return "Burstable"


def _positive(amounts: Mapping[str, str]) -> ResourceList:
    zero = Quantity.parse("0")
    parsed = parse({name: text for name, text in amounts.items() if name in _QOS_RESOURCES})
    return {name: quantity for name, quantity in parsed.items() if quantity > zero}


def _summed(lists: Iterable[ResourceList]) -> ResourceList:
    total: ResourceList = {}
    for amounts in lists:
        total = added(total, amounts)
    return total
