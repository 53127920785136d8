"""The ReplicaSet controller: keeps ``spec.replicas`` pods of a template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.times import later, timestamp
from kschedcore.api.machinery.types import Object
from kschedcore.client.informer import controller_of
from kschedcore.controllers.activepods import is_active, is_terminating, pods_to_delete, ready_since
from kschedcore.controllers.controller import (
    Controller,
    Key,
    Requeue,
    Watch,
    requeue_after,
    watch_objects,
    watch_owned,
)
from kschedcore.controllers.podcontrol import (
    is_namespace_terminating,
    next_available,
    pod_from_template,
)
from kschedcore.controllers.refmanager import claim, label_matcher, watch_orphans

__all__ = ["ReplicaSetController"]

_BURST = 500
"""Maximum number of pods created or deleted in one pass (``BurstReplicas``)."""

_FAILURE = "ReplicaFailure"


class ReplicaSetController(Controller):
    """Keeps the pods and the counts in the status of ReplicaSets (``apps/v1``).

    ReplicationControllers have the same fields, so their controller is a subclass.

    Attributes:
        resource: The qualified plural of the owners.
        counts_terminating: Whether the status has ``terminatingReplicas`` (KEP-3973).
    """

    name = "replicaset-controller"
    resource: ClassVar[str] = "replicasets.apps"
    counts_terminating: ClassVar[bool] = True

    def watches(self) -> Iterable[Watch]:
        """Return the owners, their pods, and orphaned pods."""
        yield watch_objects(self.resource)
        yield watch_owned("pods", self.resource)
        yield watch_orphans(self.informers, "pods", self.resource)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one ReplicaSet."""
        replica_set = self.informers[self.resource].get(*key)
        if replica_set is None:
            return None
        selected, informer = label_matcher(replica_set), self.informers["pods"]
        pods = claim(self.client, informer, replica_set, selected, eligible=is_active)
        terminating = sum(
            is_terminating(pod) and selected(pod) for pod in informer.controlled_by(replica_set)
        )
        refused: StatusError | None = None
        if not replica_set["metadata"].get("deletionTimestamp"):
            try:
                self._scale(replica_set, pods)
            except StatusError as refusal:
                # No pods are created in a terminating namespace.
                refused = None if is_namespace_terminating(refusal) else refusal
        # As in Kubernetes, the status is of the pods at the beginning of the pass: created and deleted pods trigger
        # the next pass, and a Deployment sees a lost pod before its replacement.
        status = self._status(replica_set, pods, terminating, refused)
        if status != replica_set.get("status", {}):
            self.client.update_status({**replica_set, "status": status}, self.resource)
        available = next_available(pods, _min_ready(replica_set), self.clock.now())
        return requeue_after(refused, available)

    def _scale(self, replica_set: Object, pods: Sequence[Object]) -> None:
        """Create or delete pods."""
        missing = _wanted(replica_set) - len(pods)
        for _ in range(min(missing, _BURST)):
            self._create(replica_set)
        surplus = min(-missing, _BURST)
        if surplus > 0:
            for victim in pods_to_delete(pods, surplus, self._related(replica_set, pods), self.clock.now()):
                self._delete(replica_set, victim)

    def _create(self, replica_set: Object) -> None:
        metadata = replica_set["metadata"]
        pod = pod_from_template(replica_set, replica_set["spec"]["template"])
        pod["metadata"]["generateName"] = f"{metadata['name']}-"
        try:
            created = self.client.create("pods", metadata["namespace"], pod)
        except StatusError as refusal:
            if not is_namespace_terminating(refusal):
                message = f"Error creating: {refusal.message}"
                self.events.event(replica_set, "Warning", "FailedCreate", message)
            raise
        self.events.event(
            replica_set, "Normal", "SuccessfulCreate", f"Created pod: {created['metadata']['name']}"
        )

    def _delete(self, replica_set: Object, pod: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        try:
            deleted = self.client.delete("pods", metadata["namespace"], metadata["name"], uid=metadata["uid"])
        except StatusError as refusal:
            self.events.event(replica_set, "Warning", "FailedDelete", f"Error deleting: {refusal.message}")
            raise
        if deleted:
            self.events.event(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {metadata['name']}")

    def _related(self, replica_set: Object, pods: Sequence[Object]) -> Iterable[Object]:
        """Return the active pods of all ReplicaSets with the same controller."""
        controller = controller_of(replica_set)
        if controller is None:
            return pods
        siblings = self.informers[self.resource].by("controller", controller["uid"])
        return [
            pod for each in siblings for pod in self.informers["pods"].controlled_by(each) if is_active(pod)
        ]

    def _status(
        self, replica_set: Object, pods: Sequence[Object], terminating: int, refused: StatusError | None
    ) -> Object:
        labels = replica_set["spec"]["template"]["metadata"].get("labels", {}).items()
        latest = later(self.clock.now(), -_min_ready(replica_set))
        ready = [since for pod in pods if (since := ready_since(pod)) is not None]
        counts = {
            "fullyLabeledReplicas": sum(labels <= pod["metadata"].get("labels", {}).items() for pod in pods),
            "readyReplicas": len(ready),
            "availableReplicas": sum(since <= latest for since in ready),
            "observedGeneration": replica_set["metadata"].get("generation", 0),
        }
        status: Object = {"replicas": len(pods)} | {key: count for key, count in counts.items() if count}
        if self.counts_terminating:
            status["terminatingReplicas"] = terminating
        conditions = self._conditions(replica_set, pods, refused)
        return status | ({"conditions": conditions} if conditions else {})

    def _conditions(
        self, replica_set: Object, pods: Sequence[Object], refused: StatusError | None
    ) -> list[Object]:
        before = replica_set.get("status", {}).get("conditions", [])
        others = [each for each in before if each["type"] != _FAILURE]
        if refused is None:
            return others
        if len(others) < len(before):
            # The first failure is kept until there is none.
            return list(before)
        condition = {
            "type": _FAILURE,
            "status": "True",
            "lastTransitionTime": timestamp(self.clock.now()),
            "reason": "FailedCreate" if len(pods) < _wanted(replica_set) else "FailedDelete",
            "message": refused.message,
        }
        return [*others, condition]


def _wanted(replica_set: Object) -> int:
    replicas: int = replica_set["spec"].get("replicas", 1)
    return replicas


def _min_ready(replica_set: Object) -> int:
    seconds: int = replica_set["spec"].get("minReadySeconds", 0)
    return seconds
