"""The ReplicaSets of one Deployment: finding or creating that of its template, scaling, deleting old ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from kschedcore.api.machinery.conditions import condition_of
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.client.events import EventRecorder
from kschedcore.client.verbs import Client
from kschedcore.controllers.controllerhistory import revision_hash
from kschedcore.controllers.deployment.annotations import (
    REVISION,
    desired_of,
    for_size,
    highest_revision,
    of_new,
    revision_of,
)
from kschedcore.controllers.deployment.sizes import Size, age, max_surge, new_size, replicas
from kschedcore.controllers.deployment.status import has_deadline, with_condition
from kschedcore.controllers.refmanager import controller_reference
from kschedcore.manifests.workloads import TEMPLATE_HASH

__all__ = ["Rollout"]

_RESOURCE = "replicasets.apps"
_KEEP_ALL = 2**31 - 1
"""The ``revisionHistoryLimit`` with which no ReplicaSet is deleted."""


class Rollout:
    """A Deployment and its ReplicaSets during one pass.

    Args:
        client: The API.
        events: The event recorder.
        now: The time.
        deployment: The stored Deployment.
        replica_sets: The Deployment's ReplicaSets.
        count_pods: Returns the number of active pods of a ReplicaSet.

    Attributes:
        deployment: The Deployment with the annotations and conditions to be written.
        new: The ReplicaSet of its template, if there is one.
        old: The others, the oldest first.
    """

    def __init__(
        self,
        client: Client,
        events: EventRecorder,
        now: datetime,
        deployment: Object,
        replica_sets: Iterable[Object],
        count_pods: Callable[[Object], int],
    ) -> None:
        self._client = client
        self._events = events
        self._now = now
        self._count_pods = count_pods
        self.deployment = deployment
        ordered = sorted(replica_sets, key=age)
        template = _unhashed(deployment["spec"]["template"])
        equal = (each for each in ordered if _unhashed(each["spec"]["template"]) == template)
        self.new: Object | None = next(equal, None)
        self.old: list[Object] = [each for each in ordered if each is not self.new]

    @property
    def all(self) -> list[Object]:
        """Every ReplicaSet, the new one last."""
        return [*self.old, *([] if self.new is None else [self.new])]

    @property
    def leaving(self) -> int:
        """Return the number of pods beyond the replicas of their ReplicaSets.

        Kubernetes ignores them; counting them keeps the actual number of pods within ``maxSurge``.
        """
        return sum(max(0, self._count_pods(each) - replicas(each)) for each in self.all)

    def is_rescaled(self) -> bool:
        """Return whether the Deployment was scaled since its ReplicaSets were last scaled."""
        wanted = replicas(self.deployment)
        sized = [desired_of(each) for each in self.all if replicas(each)]
        return any(desired is not None and desired != wanted for desired in sized)

    def set_progressing(self, value: str, reason: str, message: str) -> None:
        """Set the condition ``Progressing``, if the Deployment has a progress deadline."""
        if has_deadline(self.deployment):
            status = self.deployment.get("status", {})
            status = with_condition(status, "Progressing", value, reason, message, self._now)
            self.deployment = {**self.deployment, "status": status}

    def sync_revision(self) -> None:
        """Give the new ReplicaSet, if any, the highest revision, and the Deployment the same.

        Raises:
            StatusError: The ReplicaSet could not be written.
        """
        if self.new is None:
            return
        annotations = of_new(self.new, self.deployment, highest_revision(self.old) + 1)
        self.new = self._write(self.new, annotations, _as_patient(self.new["spec"], self.deployment))
        self._set_revision(revision_of(self.new))
        if condition_of(self.deployment, "Progressing") is None:
            name = self.new["metadata"]["name"]
            self.set_progressing("True", "FoundNewReplicaSet", f'Found new replica set "{name}"')

    def _set_revision(self, revision: int) -> None:
        metadata = self.deployment["metadata"]
        annotations = {**metadata.get("annotations", {}), REVISION: str(revision)}
        self.deployment = {**self.deployment, "metadata": {**metadata, "annotations": annotations}}

    def _write(self, replica_set: Object, annotations: dict[str, str], spec: Object) -> Object:
        metadata = replica_set["metadata"]
        if annotations == metadata.get("annotations", {}) and spec == replica_set["spec"]:
            return replica_set
        changed = {**replica_set, "metadata": {**metadata, "annotations": annotations}, "spec": spec}
        return self._client.update(changed, _RESOURCE)

    def ensure_new(self) -> Object:
        """Return the ReplicaSet of the Deployment's template; create it if there is none.

        Raises:
            StatusError: It could not be written.
        """
        self.sync_revision()
        if self.new is None:
            self.new = self._create()
            self._set_revision(revision_of(self.new))
            name = self.new["metadata"]["name"]
            self.set_progressing("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
        return self.new

    def _create(self) -> Object:
        size = new_size(self.deployment, 0, sum(map(replicas, self.old)) + self.leaving)
        revision = highest_revision(self.old) + 1
        while True:
            replica_set = self._made(size, revision)
            name = replica_set["metadata"]["name"]
            try:
                created = self._client.create(
                    _RESOURCE, self.deployment["metadata"]["namespace"], replica_set
                )
            except StatusError as refusal:
                if refusal.reason != "AlreadyExists":
                    self._record_failure(name, refusal)
                    raise
                # Another object has the name: a hash with another collision count gives another name.
                self._count_collision()
                continue
            if size:
                self._record("up", created, 0, size)
            return created

    def _made(self, size: int, revision: int) -> Object:
        """Return a new ReplicaSet of the template, named and labelled with the template's hash."""
        metadata, spec = self.deployment["metadata"], self.deployment["spec"]
        template = _unhashed(spec["template"])
        mark = revision_hash(template, self.deployment.get("status", {}).get("collisionCount", 0))
        labels = {**template.get("metadata", {}).get("labels", {}), TEMPLATE_HASH: mark}
        selector = spec["selector"]
        matched = {**selector.get("matchLabels", {}), TEMPLATE_HASH: mark}
        made: Object = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{metadata['name']}-{mark}",
                "labels": labels,
                "ownerReferences": [controller_reference(self.deployment)],
            },
            "spec": _as_patient(
                {
                    "replicas": size,
                    "selector": {**selector, "matchLabels": matched},
                    "template": {**template, "metadata": {**template.get("metadata", {}), "labels": labels}},
                },
                self.deployment,
            ),
        }
        annotations = for_size(of_new(made, self.deployment, revision), *self._bounds())
        return {**made, "metadata": {**made["metadata"], "annotations": annotations}}

    def _bounds(self) -> tuple[int, int]:
        wanted = replicas(self.deployment)
        return wanted, wanted + max_surge(self.deployment)

    def _count_collision(self) -> None:
        status = self.deployment.get("status", {})
        count = status.get("collisionCount", 0) + 1
        self.deployment = {**self.deployment, "status": {**status, "collisionCount": count}}

    def _record_failure(self, name: str, refusal: StatusError) -> None:
        message = f'Failed to create new replica set "{name}": {refusal.message}'
        self.set_progressing("False", "ReplicaSetCreateError", message)
        self._events.event(self.deployment, "Warning", "ReplicaSetCreateError", message)

    def resize(self, sizes: Sequence[Size]) -> bool:
        """Scale ReplicaSets, one after the other; return whether any was changed.

        Raises:
            StatusError: One could not be written.
        """
        return sum(self._resize(size) for size in sizes) > 0

    def _resize(self, size: Size) -> bool:
        uid = size.replica_set["metadata"]["uid"]
        current = next(each for each in self.all if each["metadata"]["uid"] == uid)
        before = replicas(current)
        annotations = for_size(current["metadata"].get("annotations", {}), *self._bounds())
        changed = self._write(current, annotations, {**current["spec"], "replicas": size.replicas})
        self._replace(current, changed)
        if size.replicas == before:
            return False
        self._record("up" if size.replicas > before else "down", changed, before, size.replicas)
        return True

    def _replace(self, before: Object, after: Object) -> None:
        if before is self.new:
            self.new = after
        else:
            self.old = [after if each is before else each for each in self.old]

    def _record(self, way: str, replica_set: Object, before: int, after: int) -> None:
        name = replica_set["metadata"]["name"]
        message = f"Scaled {way} replica set {name} from {before} to {after}"
        self._events.event(self.deployment, "Normal", "ScalingReplicaSet", message)

    def clear_away(self) -> None:
        """Delete the oldest ReplicaSets without replicas beyond ``revisionHistoryLimit``.

        Raises:
            StatusError: One could not be deleted.
        """
        limit = self.deployment["spec"].get("revisionHistoryLimit", _KEEP_ALL)
        if limit == _KEEP_ALL:
            return
        kept = [each for each in self.old if not each["metadata"].get("deletionTimestamp")]
        by_revision = sorted(kept, key=lambda each: (revision_of(each), age(each)))
        for each in by_revision[: max(0, len(kept) - limit)]:
            if not _is_empty(each):
                continue
            metadata = each["metadata"]
            self._client.delete(_RESOURCE, metadata["namespace"], metadata["name"], uid=metadata["uid"])


def _as_patient(spec: Object, deployment: Object) -> Object:
    """Return a ReplicaSet's spec with the Deployment's ``minReadySeconds``."""
    seconds = deployment["spec"].get("minReadySeconds", 0)
    return spec if spec.get("minReadySeconds", 0) == seconds else {**spec, "minReadySeconds": seconds}


def _is_empty(replica_set: Object) -> bool:
    metadata, status = replica_set["metadata"], replica_set.get("status", {})
    observed = status.get("observedGeneration", 0) >= metadata.get("generation", 0)
    return observed and not replicas(replica_set) and not status.get("replicas", 0)


def _unhashed(template: Object) -> Object:
    """Return the template without the hash label that distinguishes ReplicaSets."""
    metadata = template.get("metadata", {})
    labels = metadata.get("labels", {})
    if TEMPLATE_HASH not in labels:
        return template
    kept = {key: value for key, value in labels.items() if key != TEMPLATE_HASH}
    return {**template, "metadata": {**metadata, "labels": kept}}
