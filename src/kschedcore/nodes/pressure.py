"""Node-pressure eviction for memory (kubelet's ``eviction`` manager).

With less than 100Mi available the node has MemoryPressure and evicts one pod after another: first pods that use more
than they request, then those of lower priority, then those furthest above their request. The condition stays for five
minutes after the pressure is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from kschedcore.api.objects import Taint, Toleration
from kschedcore.api.quantity import Quantity, value
from kschedcore.api.taints import find_untolerated

__all__ = [
    "CALM_AFTER", "CHECK_EVERY", "GRACE_SECONDS", "THRESHOLD", "Candidate", "eviction_message", "is_critical",
    "is_rejected_under_pressure", "victims",
]  # fmt: skip

THRESHOLD: Final = 100 * 1024 * 1024
"""Minimum available bytes (``evictionHard: memory.available<100Mi``)."""

CHECK_EVERY: Final = timedelta(seconds=10)
"""Interval of memory checks."""

CALM_AFTER: Final = timedelta(minutes=5)
"""``evictionPressureTransitionPeriod``."""

GRACE_SECONDS: Final = 1
"""Grace period of an evicted pod."""

_CRITICAL: Final = 2_000_000_000
_PRESSURE: Final = Taint(key="node.kubernetes.io/memory-pressure", effect="NoSchedule")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pod that may be evicted.

    Attributes:
        pod: The pod.
        requested: The memory it requests, in bytes.
        used: The usage of each container, in bytes.
    """

    pod: Mapping[str, Any]
    requested: int
    used: Mapping[str, int]

    @property
    def total(self) -> int:
        """The memory usage of the pod, in bytes."""
        return sum(self.used.values())


def victims(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the pods that may be evicted, in eviction order (``rankMemoryPressure``), then by name."""

    def rank(candidate: Candidate) -> tuple[bool, int, int, str, str]:
        excess, metadata = candidate.total - candidate.requested, candidate.pod["metadata"]
        priority = candidate.pod["spec"].get("priority", 0)
        return excess <= 0, priority, -excess, metadata["namespace"], metadata["name"]

    return sorted((each for each in candidates if not is_critical(each.pod)), key=rank)


def is_critical(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod is critical and so not evicted (``kubelettypes.IsCriticalPod``)."""
    return bool(pod["spec"].get("priority", 0) >= _CRITICAL)


def is_rejected_under_pressure(pod: Mapping[str, Any], tolerations: tuple[Toleration, ...]) -> bool:
    """Return whether a node under memory pressure rejects a pod: BestEffort without a toleration of the taint."""
    if pod.get("status", {}).get("qosClass") != "BestEffort" or is_critical(pod):
        return False
    return find_untolerated((_PRESSURE,), tolerations) is not None


def eviction_message(candidate: Candidate, available: int) -> str:
    """Return kubelet's message for an evicted pod."""
    message = f"The node was low on resource: memory. Threshold quantity: {_bytes(THRESHOLD)}, "
    message += f"available: {_bytes(available)}. "
    for container in candidate.pod["spec"]["containers"]:
        used = candidate.used.get(container["name"], 0)
        requested = value(container.get("resources", {}).get("requests", {}).get("memory", 0))
        if used > requested:
            message += (
                f"Container {container['name']} was using {_bytes(used)}, request is {_bytes(requested)}, "
            )
            message += "has larger consumption of memory. "
    return message


def _bytes(amount: int) -> str:
    return str(Quantity(max(amount, 0) * 10**9, "BinarySI"))
