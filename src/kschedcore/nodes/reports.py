"""Events of a pod, with kubelet's reasons and messages."""

from __future__ import annotations

from kschedcore.api.machinery.types import Object
from kschedcore.client.events import EventRecorder

__all__ = ["Reports"]


class Reports:
    """Records the events of one pod.

    Args:
        events: The event recorder.
        pod: The pod.
        starts: Whether to record an event for every container that is pulled, created and started.
    """

    __slots__ = ("_events", "pod", "starts")

    def __init__(self, events: EventRecorder, pod: Object, *, starts: bool) -> None:
        self._events = events
        self.pod = pod
        self.starts = starts

    def normal(self, reason: str, message: str) -> None:
        """Record a Normal event."""
        self._events.event(self.pod, "Normal", reason, message)

    def warn(self, reason: str, message: str) -> None:
        """Record a Warning event."""
        self._events.event(self.pod, "Warning", reason, message)

    def started(self, container: str, image: str) -> None:
        """Record that a container was started."""
        if self.starts:
            self.normal("Pulled", f'Container image "{image}" already present on machine')
            self.normal("Created", f"Created container: {container}")
            self.normal("Started", f"Started container {container}")
