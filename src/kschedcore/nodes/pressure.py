"""Node-pressure eviction: what happens when a node's memory runs out (kubelet's ``eviction`` manager).

Less than 100Mi left is pressure: the node says so and evicts one pod after another, first those that use more
than they request, then the less important, then those furthest above their request. The condition stays for
five minutes after the pressure has gone.
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
    "CALM_AFTER", "GRACE_SECONDS", "LOOKED_AT_EVERY", "THRESHOLD", "Candidate", "eviction_message", "is_critical",
    "is_unwelcome", "victims",
]  # fmt: skip

THRESHOLD: Final = 100 * 1024 * 1024
"""Bytes that have to be available (``evictionHard: memory.available<100Mi``)."""

LOOKED_AT_EVERY: Final = timedelta(seconds=10)
"""How often the memory is measured."""

CALM_AFTER: Final = timedelta(minutes=5)
"""``evictionPressureTransitionPeriod``."""

GRACE_SECONDS: Final = 1
"""What an evicted pod has to end in."""

_CRITICAL: Final = 2_000_000_000
_PRESSURE: Final = Taint(key="node.kubernetes.io/memory-pressure", effect="NoSchedule")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pod that may be evicted.

    Attributes:
        pod: The pod.
        requested: The memory it requests, in bytes.
        used: What each of its containers uses, in bytes.
    """

    pod: Mapping[str, Any]
    requested: int
    used: Mapping[str, int]

    @property
    def total(self) -> int:
        """What it uses, in bytes."""
        return sum(self.used.values())


def victims(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that may be evicted, the first to go first (``rankMemoryPressure``); names decide between equals."""

    def rank(candidate: Candidate) -> tuple[bool, int, int, str, str]:
        excess, metadata = candidate.total - candidate.requested, candidate.pod["metadata"]
        priority = candidate.pod["spec"].get("priority", 0)
        return excess <= 0, priority, -excess, metadata["namespace"], metadata["name"]

    return sorted((each for each in candidates if not is_critical(each.pod)), key=rank)


def is_critical(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is too important to be evicted (``kubelettypes.IsCriticalPod``)."""
    return bool(pod["spec"].get("priority", 0) >= _CRITICAL)


def is_unwelcome(pod: Mapping[str, Any], tolerations: tuple[Toleration, ...]) -> bool:
    """Whether a node under memory pressure does not let a pod in: one of best effort that does not bear it."""
    if pod.get("status", {}).get("qosClass") != "BestEffort" or is_critical(pod):
        return False
    return find_untolerated((_PRESSURE,), tolerations) is not None


def eviction_message(candidate: Candidate, available: int) -> str:
    """Why a pod was evicted, in kubelet's words."""
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
