"""The Deployment controller: rolls pods out from one template to the next by scaling ReplicaSets."""

from __future__ import annotations

from collections.abc import Iterable

from kschedcore.api.machinery.conditions import condition_of
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change, controller_of
from kschedcore.controllers.activepods import is_active
from kschedcore.controllers.controller import Controller, Key, Requeue, Watch, watch_objects, watch_owned
from kschedcore.controllers.deployment.replicasets import Rollout
from kschedcore.controllers.deployment.sizes import (
    Size,
    is_rolling,
    replicas,
    rescaled,
    rolled,
    scaled_to_nothing,
)
from kschedcore.controllers.deployment.status import (
    is_complete,
    next_deadline,
    progress_status,
    replica_status,
)
from kschedcore.controllers.refmanager import claim, label_matcher, watch_orphans

__all__ = ["DeploymentController"]

_DEPLOYMENTS = "deployments.apps"
_REPLICA_SETS = "replicasets.apps"


class DeploymentController(Controller):
    """Keeps the ReplicaSets and the status of Deployments (``apps/v1``)."""

    name = "deployment-controller"

    def watches(self) -> Iterable[Watch]:
        """Return Deployments, their ReplicaSets, orphaned ReplicaSets, and pods that Recreate waits for."""
        yield watch_objects(_DEPLOYMENTS)
        yield watch_owned(_REPLICA_SETS, _DEPLOYMENTS)
        yield watch_orphans(self.informers, _REPLICA_SETS, _DEPLOYMENTS)
        yield Watch("pods", self._awaited)

    def _awaited(self, change: Change) -> Iterable[Key]:
        """Return the Deployment of a deleted pod, if its strategy is Recreate, which waits for old pods."""
        if change.new is not None:
            return ()
        namespace = change.object["metadata"].get("namespace", "")
        replica_set = self._controller(change.object, _REPLICA_SETS, namespace)
        deployment = replica_set and self._controller(replica_set, _DEPLOYMENTS, namespace)
        if not deployment or is_rolling(deployment):
            return ()
        return ((namespace, deployment["metadata"]["name"]),)

    def _controller(self, obj: Object, resource: str, namespace: Namespace) -> Object | None:
        reference = controller_of(obj)
        found = reference and self.informers[resource].seen(namespace, reference["name"])
        return found if found and reference and found["metadata"]["uid"] == reference["uid"] else None

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one Deployment."""
        deployment = self.informers[_DEPLOYMENTS].get(*key)
        if deployment is None:
            return None
        sets = self.informers[_REPLICA_SETS]
        owned = claim(self.client, sets, deployment, label_matcher(deployment))
        rollout = Rollout(self.client, self.events, self.clock.now(), deployment, owned, self._active)
        try:
            status = self._advance(rollout)
        except StatusError:
            # The status is written nevertheless: it has the reason of the failure.
            self._report(deployment, rollout.deployment)
            raise
        return next_deadline(self._report(deployment, {**rollout.deployment, "status": status}))

    def _report(self, before: Object, after: Object) -> Object:
        annotations = [each["metadata"].get("annotations", {}) for each in (before, after)]
        if annotations[0] == annotations[1] and before.get("status", {}) == after.get("status", {}):
            return after
        return self.client.update_status(after, _DEPLOYMENTS)

    def _advance(self, rollout: Rollout) -> Object:
        """Take the next step of the rollout; return the status after it."""
        deployment = rollout.deployment
        if deployment["metadata"].get("deletionTimestamp"):
            rollout.sync_revision()
            return self._at_rest(rollout)
        _report_pause(rollout)
        paused = deployment["spec"].get("paused")
        if paused or rollout.is_rescaled():
            rollout.sync_revision()
            rollout.resize(rescaled(rollout.deployment, rollout.new, rollout.old))
            if paused:
                rollout.clear_away()
            return self._at_rest(rollout)
        if is_rolling(deployment):
            self._roll(rollout)
        else:
            self._recreate(rollout)
        return progress_status(rollout.deployment, rollout.new, rollout.old, self.clock.now())

    def _at_rest(self, rollout: Rollout) -> Object:
        return replica_status(rollout.deployment, rollout.new, rollout.old, self.clock.now())

    def _roll(self, rollout: Rollout) -> None:
        new = rollout.ensure_new()
        growing = replicas(new) < replicas(rollout.deployment)
        leaving = rollout.leaving if growing else 0
        if not rollout.resize(rolled(rollout.deployment, new, rollout.old, leaving)):
            _clear_away_when_complete(rollout)

    def _active(self, replica_set: Object) -> int:
        return sum(map(is_active, self.informers["pods"].controlled_by(replica_set)))

    def _recreate(self, rollout: Rollout) -> None:
        rollout.sync_revision()
        if rollout.resize(scaled_to_nothing(rollout.old)) or self._old_pods_run(rollout):
            return
        new, wanted = rollout.ensure_new(), replicas(rollout.deployment)
        if replicas(new) != wanted:
            rollout.resize([Size(new, wanted)])
        _clear_away_when_complete(rollout)

    def _old_pods_run(self, rollout: Rollout) -> bool:
        """Return whether pods of old ReplicaSets still run, terminating or not."""
        for each in rollout.old:
            pods = self.informers["pods"].controlled_by(each)
            if each.get("status", {}).get("replicas", 0) or not all(map(has_ended, pods)):
                return True
        return False


def _report_pause(rollout: Rollout) -> None:
    """Set the Progressing condition, so that the time of a pause does not count as lack of progress."""
    progressing = condition_of(rollout.deployment, "Progressing")
    reason = progressing.get("reason") if progressing else None
    if reason == "ProgressDeadlineExceeded":
        return
    paused = bool(rollout.deployment["spec"].get("paused"))
    if paused != (reason == "DeploymentPaused"):
        state = "paused" if paused else "resumed"
        rollout.set_progressing("Unknown", f"Deployment{state.title()}", f"Deployment is {state}")


def _clear_away_when_complete(rollout: Rollout) -> None:
    if is_complete(rollout.deployment, rollout.deployment.get("status", {})):
        rollout.clear_away()
