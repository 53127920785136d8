"""Pods that Permit holds between Reserve and Bind (framework.WaitingPod)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kschedcore.api.durations import format_duration
from kschedcore.engine.plugin import Assumed, Status

if TYPE_CHECKING:
    from kschedcore.engine.binding import PodKey

MAX_WAIT = 15 * 60.0
"""Seconds; the longest that a Permit plugin may hold a pod, whatever it asks for."""


class WaitingPod:
    """A pod that one or more Permit plugins hold.

    Args:
        assumed: The pod and its node.
        timeouts: Plugin -> seconds that it holds the pod at most.
        now: The time.

    Attributes:
        verdict: None while it waits; then the status that rejected it, or True.
    """

    def __init__(self, assumed: Assumed, timeouts: Mapping[str, float], now: datetime) -> None:
        self.assumed = assumed
        self.verdict: Status | bool | None = None
        self._timeouts = {plugin: min(timeout, MAX_WAIT) for plugin, timeout in timeouts.items()}
        self._since = now

    @property
    def pending(self) -> tuple[str, ...]:
        """The plugins that still hold it."""
        return tuple(self._timeouts) if self.verdict is None else ()

    @property
    def deadline(self) -> datetime:
        """When the first of them gives up."""
        return self._since + timedelta(seconds=min(self._timeouts.values()))

    def allow(self, plugin: str) -> None:
        """Let a plugin hold the pod no longer; the last one lets it go on."""
        self._timeouts.pop(plugin, None)
        if not self._timeouts and self.verdict is None:
            self.verdict = True

    def reject(self, plugin: str, message: str) -> None:
        """Send the pod back in a plugin's name."""
        if self.verdict is None:
            self.verdict = Status("Unschedulable", plugin, (message,))

    def expire(self, now: datetime) -> None:
        """Reject the pod if a plugin has held it for too long."""
        if self.verdict is None and self.deadline <= now:
            plugin = min(self._timeouts, key=self._timeouts.__getitem__)
            waited = format_duration(self._timeouts[plugin])
            self.reject(plugin, f"rejected due to timeout after waiting {waited} at plugin {plugin}")


class WaitingPods(Mapping["PodKey", WaitingPod]):
    """The waiting pods by namespace and name, in the order in which they came."""

    def __init__(self) -> None:
        self._pods: dict[PodKey, WaitingPod] = {}

    def __getitem__(self, key: PodKey) -> WaitingPod:
        return self._pods[key]

    def __iter__(self) -> Iterator[PodKey]:
        return iter(self._pods)

    def __len__(self) -> int:
        return len(self._pods)

    def add(self, key: PodKey, pod: WaitingPod) -> None:
        """Hold a pod."""
        self._pods[key] = pod

    def settled(self, now: datetime) -> list[WaitingPod]:
        """Take out the pods that wait no longer, allowed, rejected or held for too long."""
        for pod in self._pods.values():
            pod.expire(now)
        keys = [key for key, pod in self._pods.items() if pod.verdict is not None]
        return [self._pods.pop(key) for key in keys]

    @property
    def decided(self) -> bool:
        """Whether one was allowed or rejected."""
        return any(pod.verdict is not None for pod in self._pods.values())

    @property
    def deadline(self) -> datetime | None:
        """When the next of them is held for too long; None when none waits."""
        return min((pod.deadline for pod in self._pods.values() if pod.verdict is None), default=None)
