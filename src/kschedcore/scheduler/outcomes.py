"""Write the outcomes of scheduling to the API: conditions, nominations, evictions and events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kschedcore.api.machinery.conditions import disrupted, with_condition
from kschedcore.api.machinery.types import DEFAULT_NAMESPACE, Object
from kschedcore.api.objects import Pod
from kschedcore.client.events import EventRecorder
from kschedcore.client.informer import Informers
from kschedcore.client.verbs import Client
from kschedcore.clock import Clock
from kschedcore.engine.binding import key_of

__all__ = ["Outcomes"]

DEFAULT_NAME = "default-scheduler"
_BY_NOMINATED_NODE = "nominated node"


class Outcomes:
    """Writes outcomes. Every method may raise StatusError, and may be called again afterwards.

    Args:
        client: The API.
        informers: The API's objects.
        clock: The time, for conditions and events.
    """

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._pods = informers["pods"]
        self._pods.add_index(_BY_NOMINATED_NODE, _nominated_node)
        self._events = EventRecorder(client, clock, DEFAULT_NAME)

    def live(self, pod: Pod) -> Object | None:
        """Return the stored pod, or None if it is gone or replaced by another of its name."""
        found = self._pods.get(pod.metadata.namespace or DEFAULT_NAMESPACE, pod.metadata.name)
        return found if found is not None and found["metadata"]["uid"] == pod.metadata.uid else None

    def bound(self, pod: Pod, node: str) -> None:
        """Record the event of a binding."""
        found = self.live(pod)
        if found is not None:
            namespace, name = key_of(pod)
            message = f"Successfully assigned {namespace}/{name} to {node}"
            self._events.event(found, "Normal", "Scheduled", message)

    def failed(self, pod: Object, reason: str, message: str, nominated: str | None) -> None:
        """Write the condition and the event of a pod that has no node.

        Args:
            pod: The stored pod.
            reason: Of the condition ``PodScheduled``.
            message: Of the condition and the event.
            nominated: Its ``status.nominatedNodeName`` from now on, ``""`` for none; None leaves it as it is.
        """
        self._events.event(pod, "Warning", "FailedScheduling", message)
        status = dict(pod.get("status", {}))
        condition = {
            "type": "PodScheduled", "status": "False", "reason": reason, "message": message,
            "lastProbeTime": None,
        }  # fmt: skip
        status["conditions"] = with_condition(status.get("conditions", ()), condition, self._clock.now())
        if nominated:
            status["nominatedNodeName"] = nominated
        elif nominated is not None:
            status.pop("nominatedNodeName", None)
        if status != pod.get("status"):
            self._client.update_status({**pod, "status": status}, "pods")

    def expect(self, pod: Object, node: str) -> None:
        """Write the node that a pod is about to be bound to as its nomination."""
        if pod.get("status", {}).get("nominatedNodeName") != node:
            metadata = pod["metadata"]
            patch = {"status": {"nominatedNodeName": node}}
            self._client.patch("pods", metadata["namespace"], metadata["name"], patch, subresource="status")

    def waits(self, pod: Pod, node: str) -> None:
        """Record that a pod waits for its devices (KEP-5007)."""
        found = self.live(pod)
        if found is not None:
            message = f"waiting for binding conditions for device on node {node}"
            self._events.event(found, "Normal", "BindingConditionsPending", message)

    def preempted(self, victim: Object, preemptor: Object, node: str) -> None:
        """Record that a pod made way for another."""
        message = f"Preempted by pod {preemptor['metadata']['uid']} on node {node}"
        self._events.event(victim, "Normal", "Preempted", message)

    def evict(self, victim: Object, preemptor: Object, node: str) -> None:
        """Evict a victim for the preemptor that is nominated to its node."""
        if victim["metadata"].get("deletionTimestamp"):
            return
        scheduler = preemptor["spec"].get("schedulerName", DEFAULT_NAME)
        message = f"{scheduler}: preempting to accommodate a higher priority pod"
        status = disrupted(victim, "PreemptionByScheduler", message, self._clock.now())
        if status != victim.get("status"):
            self._client.update_status({**victim, "status": status}, "pods")
        metadata = victim["metadata"]
        self._client.delete("pods", metadata["namespace"], metadata["name"], uid=metadata["uid"])
        self.preempted(victim, preemptor, node)

    def withdraw_nominations(self, node: str, below: int) -> None:
        """Clear the nominations of lower priority to a node, as prepareCandidate does."""
        for pod in self._pods.by(_BY_NOMINATED_NODE, node):
            if pod["spec"].get("priority", 0) < below:
                metadata = pod["metadata"]
                patch = {"status": {"nominatedNodeName": None}}
                self._client.patch(
                    "pods", metadata["namespace"], metadata["name"], patch, subresource="status"
                )


def _nominated_node(pod: Object) -> Iterable[Any]:
    node = pod.get("status", {}).get("nominatedNodeName")
    return (node,) if node and not pod["spec"].get("nodeName") else ()
