"""Taint eviction: pods leave nodes whose ``NoExecute`` taints they do not tolerate, or no longer do.

Rules: "Taints and Tolerations" in the reference; ``tolerationSeconds`` counts from when the taint was added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from kschedcore.api.machinery.disrupted import disrupted
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import Taint, Toleration, decode
from kschedcore.api.taints import tolerates
from kschedcore.client.informer import Change, by_node, key_of
from kschedcore.controllers.controller import Again, Context, Controller, Key, Watched

__all__ = ["TaintEvictionController"]


class TaintEvictionController(Controller):
    """Deletes pods that may not stay on their nodes.

    A taint that does not say when it was added counts from when it was seen.
    """

    name = "taint-eviction-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._seen: dict[tuple[str, str, str], datetime] = {}
        self.informers["pods"].add_index("node", by_node)

    def watches(self) -> Iterable[Watched]:
        """Nodes whose taints change, and pods that get a node or other tolerations."""
        return Watched("nodes", self._pods_of), Watched("pods", _concerned)

    def _pods_of(self, change: Change) -> Iterable[Key]:
        if change.new is None or _no_execute(change.old) == _no_execute(change.new):
            return ()
        name = change.new["metadata"]["name"]
        present = {(taint["key"], taint.get("value", "")) for taint in _no_execute(change.new)}
        for slot in [slot for slot in self._seen if slot[0] == name and slot[1:] not in present]:
            del self._seen[slot]
        return [key_of(pod) for pod in self.informers["pods"].seen_by("node", name)]

    def reconcile(self, key: Key) -> Again | None:
        """Look whether a pod may stay, and until when."""
        namespace, name = key
        pod = self.informers["pods"].get(namespace, name)
        if pod is None or pod["metadata"].get("deletionTimestamp") or not pod["spec"].get("nodeName"):
            return None
        node = self.informers["nodes"].get("", pod["spec"]["nodeName"])
        until = self._until(pod, node["metadata"]["name"], _no_execute(node)) if node is not None else None
        if until is None:
            return None
        if until > self.clock.now():
            return Again(until, background=True)
        self._evict(pod)
        return None

    def _until(self, pod: Object, node: str, taints: Sequence[Object]) -> datetime | None:
        """Until when the pod may stay; None for ever."""
        tolerations = [decode(Toleration, each) for each in pod["spec"].get("tolerations", ())]
        ends = []
        for taint in taints:
            view = decode(Taint, taint)
            # Of several that tolerate a taint, the first has the say.
            tolerating = next((each for each in tolerations if tolerates(each, view)), None)
            if tolerating is None:
                return self.clock.now()
            if tolerating.toleration_seconds is not None:
                ends.append(
                    self._since(node, taint) + timedelta(seconds=max(0, tolerating.toleration_seconds))
                )
        return min(ends, default=None)

    def _since(self, node: str, taint: Object) -> datetime:
        if taint.get("timeAdded"):
            return datetime.fromisoformat(taint["timeAdded"])
        return self._seen.setdefault((node, taint["key"], taint.get("value", "")), self.clock.now())

    def _evict(self, pod: Object) -> None:
        metadata, why = pod["metadata"], "Taint manager: deleting due to NoExecute taint"
        self.events.event(
            pod, "Normal", "TaintManagerEviction",
            f"Marking for deletion Pod {metadata['namespace']}/{metadata['name']}",
        )  # fmt: skip
        status = disrupted(pod, "DeletionByTaintManager", why, self.clock.now())
        self.client.update_status({**pod, "status": status}, "pods")
        self.client.delete("pods", metadata["namespace"], metadata["name"], uid=metadata["uid"])


def _no_execute(node: Object | None) -> list[Object]:
    taints = () if node is None else node["spec"].get("taints", ())
    return [taint for taint in taints if taint["effect"] == "NoExecute"]


def _concerned(change: Change) -> Iterable[Key]:
    old, new = change.old, change.new
    if new is None or not new["spec"].get("nodeName"):
        return ()
    same = (
        old is not None
        and old["spec"].get("nodeName") == new["spec"]["nodeName"]
        and old["spec"].get("tolerations") == new["spec"].get("tolerations")
    )
    return () if same else (key_of(new),)
