"""The ReplicaSet controller: as many pods of a template as were asked for, no more and no fewer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from kschedcore.api.objects import LabelSelector, decode
from kschedcore.api.selectors import Selector, label_selector
from kschedcore.client.informer import Change, controller_of, key_of
from kschedcore.controllers.controller import Again, Controller, Key, Watched, itself, owner
from kschedcore.controllers.victims import is_active, ready_since, victims
from kschedcore.store.admission_types import StatusError
from kschedcore.store.objects import plain

__all__ = ["ReplicaSetController"]

Object = dict[str, Any]

_BURST = 500
"""So many pods are made or deleted in one pass at most, as kube-controller-manager does."""


class ReplicaSetController(Controller):
    """Keeps the pods and the counts in the status of ReplicaSets (``apps/v1``)."""

    name = "replicaset-controller"

    def watches(self) -> Iterable[Watched]:
        """ReplicaSets, their pods, and pods that nobody owns."""
        return itself("replicasets.apps"), owner("pods", "replicasets.apps"), Watched("pods", self._adopters)

    def _adopters(self, change: Change) -> Iterable[Key]:
        pod = change.new
        if pod is None or controller_of(pod) is not None:
            return ()
        sets = self.informers["replicasets.apps"].in_namespace(pod["metadata"]["namespace"])
        labels = pod["metadata"].get("labels", {})
        return [key_of(each) for each in sets if _selector(each).matches(labels)]

    def reconcile(self, key: Key) -> Again | None:
        """Bring a ReplicaSet nearer to its spec."""
        replica_set = self.informers["replicasets.apps"].get(*key)
        if replica_set is None:
            return None
        refused: StatusError | None = None
        self._claim(replica_set)
        if not replica_set["metadata"].get("deletionTimestamp"):
            try:
                self._scale(replica_set)
            except StatusError as refusal:
                refused = refusal
        pods = self._pods(replica_set)
        status = self._status(replica_set, pods, "" if refused is None else refused.message)
        if status != replica_set.get("status", {}):
            self.client.update_status({**replica_set, "status": status}, "replicasets.apps")
        if refused is not None:
            raise refused
        return self._next_available(replica_set, pods)

    def _pods(self, replica_set: Object) -> list[Object]:
        return [pod for pod in self.informers["pods"].controlled_by(replica_set) if is_active(pod)]

    def _claim(self, replica_set: Object) -> None:
        """Release pods that it selects no more, and adopt orphans that it does."""
        metadata, selector = replica_set["metadata"], _selector(replica_set)
        if metadata.get("deletionTimestamp"):
            return
        for pod in self._pods(replica_set):
            if not selector.matches(pod["metadata"].get("labels", {})):
                self._own(pod, replica_set, adopt=False)
        for pod in self.informers["pods"].orphans(metadata["namespace"]):
            if is_active(pod) and selector.matches(pod["metadata"].get("labels", {})):
                self._own(pod, replica_set, adopt=True)

    def _own(self, pod: Object, replica_set: Object, *, adopt: bool) -> None:
        uid = replica_set["metadata"]["uid"]
        owners = [each for each in pod["metadata"].get("ownerReferences", ()) if each["uid"] != uid]
        owners += [_reference(replica_set)] if adopt else []
        self.client.update({**pod, "metadata": {**pod["metadata"], "ownerReferences": owners}}, "pods")

    def _scale(self, replica_set: Object) -> None:
        """Make or delete pods."""
        namespace, pods = replica_set["metadata"]["namespace"], self._pods(replica_set)
        missing = replica_set["spec"].get("replicas", 1) - len(pods)
        for _ in range(min(missing, _BURST)):
            self.client.create("pods", namespace, _pod(replica_set))
        surplus = min(max(-missing, 0), _BURST)
        for victim in victims(pods, surplus, self._related(replica_set), self.clock.now()):
            metadata = victim["metadata"]
            self.client.delete("pods", namespace, metadata["name"], uid=metadata["uid"])

    def _related(self, replica_set: Object) -> list[Object]:
        """Active pods of the ReplicaSets that have the same controller, its own among them."""
        controller = controller_of(replica_set)
        if controller is None:
            return self._pods(replica_set)
        siblings = self.informers["replicasets.apps"].by("controller", controller["uid"])
        return [pod for each in siblings for pod in self._pods(each)]

    def _next_available(self, replica_set: Object, pods: list[Object]) -> Again | None:
        """When the next ready pod has been so for ``minReadySeconds``."""
        delay = timedelta(seconds=replica_set["spec"].get("minReadySeconds", 0))
        times = [since + delay for pod in pods if (since := ready_since(pod)) is not None]
        coming: list[datetime] = [time for time in times if time > self.clock.now()]
        return Again(min(coming)) if coming else None

    def _status(self, replica_set: Object, pods: list[Object], refusal: str) -> Object:
        spec, now = replica_set["spec"], self.clock.now()
        labels = spec["template"]["metadata"].get("labels", {}).items()
        delay = timedelta(seconds=spec.get("minReadySeconds", 0))
        ready = [since for pod in pods if (since := ready_since(pod)) is not None]
        counts = {
            "fullyLabeledReplicas": sum(labels <= p["metadata"].get("labels", {}).items() for p in pods),
            "readyReplicas": len(ready),
            "availableReplicas": sum(since + delay <= now for since in ready),
            "observedGeneration": replica_set["metadata"].get("generation", 0),
        }
        status: Object = {"replicas": len(pods)} | {key: count for key, count in counts.items() if count}
        conditions = self._conditions(replica_set, refusal)
        return status | ({"conditions": conditions} if conditions else {})

    def _conditions(self, replica_set: Object, refusal: str) -> list[Object]:
        before = replica_set.get("status", {}).get("conditions", [])
        failing = next((each for each in before if each["type"] == "ReplicaFailure"), None)
        others = [each for each in before if each["type"] != "ReplicaFailure"]
        if not refusal:
            return others
        if failing is not None:
            return [*others, failing]
        condition = {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": "FailedCreate",
            "message": refusal,
        }
        return [*others, condition]


def _selector(replica_set: Object) -> Selector:
    return label_selector(decode(LabelSelector, replica_set["spec"]["selector"]))


def _reference(replica_set: Object) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": replica_set["metadata"]["name"],
        "uid": replica_set["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _pod(replica_set: Object) -> Object:
    """A pod of the template, its name left to the API server."""
    template = plain(replica_set["spec"]["template"])
    given = template.get("metadata", {})
    metadata = {key: given[key] for key in ("labels", "annotations", "finalizers") if given.get(key)}
    metadata["generateName"] = f"{replica_set['metadata']['name']}-"
    metadata["ownerReferences"] = [_reference(replica_set)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
