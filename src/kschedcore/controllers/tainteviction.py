"""Taint eviction: pods leave nodes whose ``NoExecute`` taints they do not tolerate, or no longer do.

Rules: "Taints and Tolerations" in the reference, ``pkg/controller/tainteviction``. ``tolerationSeconds`` counts
from when the controller first sees the pod on the tainted node, not from the taint's ``timeAdded``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from kschedcore.api.machinery.conditions import disrupted
from kschedcore.api.machinery.times import later
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.api.objects import Taint, Toleration, decode
from kschedcore.api.taints import tolerates
from kschedcore.client.informer import Change, by_node, key_of
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch

__all__ = ["TaintEvictionController"]


class _Eviction(NamedTuple):
    """A scheduled eviction: when it was scheduled, and when it is due."""

    scheduled: datetime
    due: datetime


class TaintEvictionController(Controller):
    """Deletes pods that may not stay on their nodes.

    Scheduled evictions are kept in memory, as in Kubernetes: after a restart they are scheduled again.
    """

    name = "taint-eviction-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._evictions: dict[Key, _Eviction] = {}
        self.informers["pods"].add_index("node", by_node)

    def watches(self) -> Iterable[Watch]:
        """Return nodes whose taints change, and pods that get a node or other tolerations."""
        return Watch("nodes", self._pods_on), Watch("pods", self._changed_pod)

    def _pods_on(self, change: Change) -> Iterable[Key]:
        if _no_execute(change.old) == _no_execute(change.new):
            return ()
        name = change.object["metadata"]["name"]
        return [key_of(pod) for pod in self.informers["pods"].seen_by("node", name)]

    def _changed_pod(self, change: Change) -> Iterable[Key]:
        old, new = change.old, change.new
        if new is None:
            self._evictions.pop(key_of(change.object), None)
            return ()
        if not new["spec"].get("nodeName"):
            return ()
        same = (
            old is not None
            and old["spec"].get("nodeName") == new["spec"]["nodeName"]
            and old["spec"].get("tolerations") == new["spec"].get("tolerations")
        )
        return () if same else (key_of(new),)

    def reconcile(self, key: Key) -> Requeue | None:
        """Evict one pod, schedule its eviction, or cancel a scheduled eviction."""
        namespace, name = key
        pod = self.informers["pods"].get(namespace, name)
        if pod is None or pod["metadata"].get("deletionTimestamp") or not pod["spec"].get("nodeName"):
            self._evictions.pop(key, None)
            return None
        now, scheduled = self.clock.now(), self._evictions.get(key)
        if scheduled is not None and scheduled.due <= now:
            del self._evictions[key]
            self._evict(pod)
            return None
        seconds = _tolerated_seconds(
            pod, _no_execute(self.informers["nodes"].get(CLUSTER_SCOPE, pod["spec"]["nodeName"]))
        )
        due = None if seconds is None else later(now, seconds)
        if due is None:
            if scheduled is not None:
                del self._evictions[key]
                self._event(pod, "Cancelling deletion of Pod")
            return None
        if due <= now:
            self._evictions.pop(key, None)
            self._evict(pod)
            return None
        # A scheduled eviction is not changed (``processPodOnNode``): the toleration that ends first counts.
        if scheduled is None:
            scheduled = self._evictions[key] = _Eviction(now, due)
        return Requeue(scheduled.due, background=True)

    def _evict(self, pod: Object) -> None:
        metadata, why = pod["metadata"], "Taint manager: deleting due to NoExecute taint"
        self._event(pod, "Marking for deletion Pod")
        status = disrupted(pod, "DeletionByTaintManager", why, self.clock.now())
        self.client.update_status({**pod, "status": status}, "pods")
        self.client.delete("pods", metadata["namespace"], metadata["name"], uid=metadata["uid"])

    def _event(self, pod: Object, what: str) -> None:
        namespace, name = key_of(pod)
        self.events.event(pod, "Normal", "TaintManagerEviction", f"{what} {namespace}/{name}")


def _no_execute(node: Object | None) -> list[Object]:
    taints = () if node is None else node["spec"].get("taints", ())
    return [taint for taint in taints if taint["effect"] == "NoExecute"]


def _tolerated_seconds(pod: Object, taints: Sequence[Object]) -> int | None:
    """Return how long the pod tolerates all of the taints, 0 if it does not; None for ever."""
    tolerations = [decode(Toleration, each) for each in pod["spec"].get("tolerations", ())]
    shortest: int | None = None
    for taint in taints:
        view = decode(Taint, taint)
        # Of several tolerations that match a taint, the first counts.
        tolerating = next((each for each in tolerations if tolerates(each, view)), None)
        if tolerating is None:
            return 0
        if (seconds := tolerating.toleration_seconds) is not None:
            seconds = max(0, seconds)
            shortest = seconds if shortest is None else min(shortest, seconds)
    return shortest
