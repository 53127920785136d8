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
"""Seconds; the upper bound of a Permit plugin's timeout."""


class WaitingPod:
    """A pod that one or more Permit plugins hold.

    Args:
        assumed: The pod and its node.
        timeouts: Plugin -> its timeout in seconds.
        now: The time.

    Attributes:
        verdict: None while the pod waits; then the status that rejected it, or True.
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
        """The earliest timeout of a plugin."""
        return self._since + timedelta(seconds=min(self._timeouts.values()))

    def allow(self, plugin: str) -> None:
        """Allow the pod in a plugin's name; it proceeds once every plugin has allowed it."""
        self._timeouts.pop(plugin, None)
        if not self._timeouts and self.verdict is None:
            self.verdict = True

    def reject(self, plugin: str, message: str) -> None:
        """Reject the pod in a plugin's name."""
        if self.verdict is None:
            self.verdict = Status("Unschedulable", plugin, (message,))

    def preempt(self) -> None:
        """Send the pod back to back-off, since a more important pod takes its place (v1.36's ``Preempt``)."""
        if self.verdict is None:
            self.verdict = Status("Error", "", ("waiting on permit for pod: preempted",))

    def expire(self, now: datetime) -> None:
        """Reject the pod if a plugin's timeout has passed."""
        if self.verdict is None and self.deadline <= now:
            plugin = min(self._timeouts, key=self._timeouts.__getitem__)
            waited = format_duration(self._timeouts[plugin])
            self.reject(plugin, f"rejected due to timeout after waiting {waited} at plugin {plugin}")


class WaitingPods(Mapping["PodKey", WaitingPod]):
    """The waiting pods by namespace and name, in the order in which they were added."""

    def __init__(self) -> None:
        self._pods: dict[PodKey, WaitingPod] = {}

    def __getitem__(self, key: PodKey) -> WaitingPod:
        return self._pods[key]

    def __iter__(self) -> Iterator[PodKey]:
        return iter(self._pods)

    def __len__(self) -> int:
        return len(self._pods)

    def add(self, key: PodKey, pod: WaitingPod) -> None:
        """Add a pod."""
        self._pods[key] = pod

    def settled(self, now: datetime) -> list[WaitingPod]:
        """Remove and return the pods that were allowed, rejected or timed out."""
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
        """The earliest timeout of all pods; None when none waits."""
        return min((pod.deadline for pod in self._pods.values() if pod.verdict is None), default=None)
