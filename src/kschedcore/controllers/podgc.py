"""The pod garbage collector: force-deletes pods that no node agent will finish.

These are pods of deleted nodes, pods deleted before they were bound, pods of nodes with the out-of-service taint, and
the oldest finished pods above a threshold.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kschedcore.api.machinery.conditions import disrupted, is_true
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change, by_node, key_of
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch, watch_objects

__all__ = ["PodGarbageCollector"]

QUARANTINE = timedelta(seconds=40)
"""Time after the deletion of a node until its pods are deleted."""

THRESHOLD = 12_500
"""Maximum number of finished pods (``--terminated-pod-gc-threshold``)."""

_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


class PodGarbageCollector(Controller):
    """Force-deletes pods.

    The time of a node's deletion is lost in a restart; the wait then starts again.
    """

    name = "pod-garbage-collector"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._missed: dict[str, datetime] = {}
        pods = self.informers["pods"]
        pods.add_index("node", by_node)
        pods.add_index("ended", lambda pod: ("",) if has_ended(pod) else ())

    def watches(self) -> Iterable[Watch]:
        """Return pods, and nodes, which concern their pods."""
        return watch_objects("pods"), Watch("nodes", self._pods_of)

    def _pods_of(self, change: Change) -> Iterable[Key]:
        node = change.object["metadata"]["name"]
        if change.new is not None:
            self._missed.pop(node, None)
        return [key_of(pod) for pod in self.informers["pods"].seen_by("node", node)]

    def reconcile(self, key: Key) -> Requeue | None:
        """Delete a pod that no node agent will finish."""
        namespace, name = key
        pod = self.informers["pods"].get(namespace, name)
        if pod is None:
            return None
        if has_ended(pod) and self.informers["pods"].count("ended", "") > THRESHOLD:
            self._delete_oldest()
            return None
        node_name, leaving = pod["spec"].get("nodeName"), pod["metadata"].get("deletionTimestamp")
        if not node_name:
            if leaving:
                self._delete(pod)
            return None
        node = self.informers["nodes"].get(CLUSTER_SCOPE, node_name)
        if node is None:
            return self._without_node(pod, node_name)
        out = any(taint["key"] == _OUT_OF_SERVICE for taint in node["spec"].get("taints", ()))
        if leaving and out and not is_true(node, "Ready"):
            self._delete(pod)
        return None

    def _without_node(self, pod: Object, node: str) -> Requeue | None:
        due = self._missed.setdefault(node, self.clock.now()) + QUARANTINE
        if self.clock.now() < due:
            return Requeue(due)
        if not has_ended(pod):
            status = disrupted(
                pod, "DeletionByPodGC", "PodGC: node no longer exists", self.clock.now(), phase="Failed"
            )
            pod = self.client.update_status({**pod, "status": status}, "pods")
        self._delete(pod)
        return None

    def _delete_oldest(self) -> None:
        ended = self.informers["pods"].by("ended", "")
        ended.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], key_of(pod)))
        for pod in ended[: len(ended) - THRESHOLD]:
            self._delete(pod)

    def _delete(self, pod: Object) -> None:
        metadata = pod["metadata"]
        self.client.delete(
            "pods", metadata["namespace"], metadata["name"], uid=metadata["uid"], grace_seconds=0
        )


def _phase(pod: Object) -> str:
    phase: str = pod.get("status", {}).get("phase", "")
    return phase
