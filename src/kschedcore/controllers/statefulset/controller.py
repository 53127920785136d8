"""The StatefulSet controller: pods with stable names and claims, created and replaced in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change, key_of
from kschedcore.controllers.controller import (
    Context,
    Controller,
    Key,
    Requeue,
    Watch,
    requeue_after,
    watch_objects,
    watch_owned,
)
from kschedcore.controllers.controllerhistory import History, template_of
from kschedcore.controllers.podcontrol import next_available
from kschedcore.controllers.refmanager import claim, selector_of, watch_orphans
from kschedcore.controllers.statefulset.claims import claims_of, is_stale, with_owners
from kschedcore.controllers.statefulset.pods import (
    has_identity,
    has_storage,
    is_member,
    is_terminating,
    ordinal_of,
    parent_of,
    revision_of,
    stateful_pod,
)
from kschedcore.controllers.statefulset.rollout import Rollout
from kschedcore.manifests.stateful_sets import identity_labels, with_claims

__all__ = ["StatefulSetController"]

_SETS = "statefulsets.apps"
_CLAIMS = "persistentvolumeclaims"

_BURST = 500
"""Maximum number of pods created in one pass; the pods' own events bring about the next one."""


class StatefulSetController(Controller):
    """Keeps the pods, claims, revisions and status of StatefulSets (``apps/v1``).

    As in Kubernetes, with ``OrderedReady`` one pass creates, deletes or waits for at most one pod; scaling comes
    before updating, and an update that does not become available stops (its pod has to be deleted by hand, see
    "Forced rollback" in the reference).
    """

    name = "statefulset-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        revisions = self.informers["controllerrevisions.apps"]
        self._history = History(
            self.client, revisions, lambda suffix: {"controller.kubernetes.io/hash": suffix}
        )

    def watches(self) -> Iterable[Watch]:
        """Return StatefulSets, their pods, orphaned pods, and deleted claims of earlier pods."""
        yield watch_objects(_SETS)
        yield watch_owned("pods", _SETS)
        yield watch_orphans(self.informers, "pods", _SETS)
        yield Watch(_CLAIMS, _collected)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one StatefulSet."""
        stateful_set = self.informers[_SETS].get(*key)
        if stateful_set is None:
            return None
        selector = selector_of(stateful_set)

        def member(pod: Object) -> bool:
            labels = pod["metadata"].get("labels", {})
            return is_member(stateful_set, pod) and selector.matches(labels)

        pods = claim(self.client, self.informers["pods"], stateful_set, member)
        if is_terminating(stateful_set):
            before = stateful_set.get("status", {})
            names = before.get("currentRevision", ""), before.get("updateRevision", "")
            rollout = Rollout(stateful_set, pods, *names, self.clock.now())
            self._write(stateful_set, rollout.status(before.get("collisionCount", 0)))
            return None
        refused: StatusError | None = None
        try:
            self._roll(stateful_set, pods)
        except StatusError as refusal:
            refused = refusal
        available = next_available(pods, stateful_set["spec"].get("minReadySeconds", 0), self.clock.now())
        return requeue_after(refused, available)

    def _roll(self, stateful_set: Object, pods: list[Object]) -> None:
        revisions = self._history.revisions(stateful_set)
        update, collisions = self._history.current(stateful_set, revisions)
        wanted = stateful_set.get("status", {}).get("currentRevision")
        current = next((each for each in revisions if each["metadata"]["name"] == wanted), update)
        names = current["metadata"]["name"], update["metadata"]["name"]
        rollout = Rollout(stateful_set, pods, *names, self.clock.now())
        outdated, refused = None, None
        templates = {revision["metadata"]["name"]: template_of(revision) for revision in (current, update)}
        try:
            if self._establish(rollout, lambda name: templates[name]):
                outdated = rollout.next_outdated()
                if outdated is not None:
                    self._delete(stateful_set, outdated)
        except StatusError as refusal:
            refused = refusal
        self._write(stateful_set, rollout.status(collisions, replaced=outdated is not None))
        self._truncate(stateful_set, revisions, {*names, *map(revision_of, pods)})
        if refused is not None:
            raise refused

    def _establish(self, rollout: Rollout, template: Callable[[str], Object]) -> bool:
        """Create and delete pods up to ``spec.replicas``; return whether the update may continue."""
        missing = 0
        for ordinal, pod in rollout.replicas():
            if pod is None:
                missing += 1
                if missing > _BURST:
                    return False
                revision = rollout.revision_for(ordinal)
                settled = self._make(
                    rollout, stateful_pod(rollout.set, template(revision), revision, ordinal)
                )
            else:
                settled = self._update_pod(rollout, pod)
            if rollout.ordered and not settled:
                return False
        for pod in rollout.condemned:
            self._keep_claims(rollout.set, pod)
        for pod in rollout.removable():
            self._delete(rollout.set, pod)
        return not (rollout.ordered and rollout.condemned)

    def _make(self, rollout: Rollout, pod: Object) -> bool:
        """Create a missing pod; return whether the next in order may be processed."""
        if any(is_stale(each, rollout.set, pod) for each in self._claims(rollout.set, pod)):
            # The claim is deleted with the earlier pod of this name; until then it cannot be mounted.
            return False
        try:
            self._make_claims(rollout.set, pod)
            self.client.create("pods", rollout.set["metadata"]["namespace"], pod)
        except StatusError as refusal:
            if refusal.reason != "AlreadyExists":
                self._record(rollout.set, "create", pod, refusal)
            raise
        self._record(rollout.set, "create", pod)
        return False

    def _update_pod(self, rollout: Rollout, pod: Object) -> bool:
        """Update an existing pod; return whether the next in order may be processed."""
        if has_ended(pod):
            if not is_terminating(pod):
                self._delete(rollout.set, pod)
            return False
        if pod.get("status", {}).get("phase") == "Pending":
            self._make_claims(rollout.set, pod)
        if rollout.ordered and not rollout.is_settled(pod):
            return False
        self._keep_claims(rollout.set, pod)
        self._identify(rollout.set, pod)
        return True

    def _make_claims(self, stateful_set: Object, pod: Object) -> None:
        for wanted in claims_of(stateful_set, pod):
            found = self.informers[_CLAIMS].get(*key_of(wanted))
            if found is None:
                self._make_claim(stateful_set, pod, wanted)
            elif is_terminating(found):
                raise StatusError(409, "Conflict", f"pvc {found['metadata']['name']} is being deleted")
        self._keep_claims(stateful_set, pod)

    def _make_claim(self, stateful_set: Object, pod: Object, wanted: Object) -> None:
        about = (wanted["metadata"]["name"], pod["metadata"]["name"], stateful_set["metadata"]["name"])
        try:
            self.client.create(_CLAIMS, wanted["metadata"]["namespace"], wanted)
        except StatusError as refusal:
            message = "Create Claim {} for Pod {} in StatefulSet {} failed error: {}".format(*about, refusal)
            self.events.event(stateful_set, "Warning", "FailedCreate", message)
            raise
        message = "Create Claim {} Pod {} in StatefulSet {} success".format(*about)
        self.events.event(stateful_set, "Normal", "SuccessfulCreate", message)

    def _keep_claims(self, stateful_set: Object, pod: Object) -> None:
        for found in self._claims(stateful_set, pod):
            changed = with_owners(found, stateful_set, pod)
            if changed is not found:
                self.client.update(changed, _CLAIMS)

    def _claims(self, stateful_set: Object, pod: Object) -> list[Object]:
        """Return the existing claims of a pod."""
        keys = (key_of(each) for each in claims_of(stateful_set, pod))
        return [found for key in keys if (found := self.informers[_CLAIMS].get(*key)) is not None]

    def _identify(self, stateful_set: Object, pod: Object) -> None:
        """Restore the identity (labels, volumes) of a pod that was adopted or changed."""
        if has_identity(pod) and has_storage(stateful_set, pod):
            return
        metadata, spec = pod["metadata"], pod["spec"]
        labels = {**metadata.get("labels", {}), **identity_labels(metadata["name"])}
        if not has_storage(stateful_set, pod):
            self._make_claims(stateful_set, pod)
            spec = {**spec, "volumes": with_claims(stateful_set, spec.get("volumes", ()), ordinal_of(pod))}
        try:
            self.client.update({**pod, "metadata": {**metadata, "labels": labels}, "spec": spec}, "pods")
        except StatusError as refusal:
            self._record(stateful_set, "update", pod, refusal)
            raise
        self._record(stateful_set, "update", pod)

    def _delete(self, stateful_set: Object, pod: Object) -> None:
        metadata = pod["metadata"]
        try:
            self.client.delete("pods", metadata["namespace"], metadata["name"], uid=metadata["uid"])
        except StatusError as refusal:
            self._record(stateful_set, "delete", pod, refusal)
            raise
        self._record(stateful_set, "delete", pod)

    def _record(
        self, stateful_set: Object, verb: str, pod: Object, refusal: StatusError | None = None
    ) -> None:
        what = (
            f"{verb.title()} Pod {pod['metadata']['name']} in StatefulSet {stateful_set['metadata']['name']}"
        )
        if refusal is None:
            self.events.event(stateful_set, "Normal", f"Successful{verb.title()}", f"{what} successful")
        else:
            message = f"{what} failed error: {refusal}"
            self.events.event(stateful_set, "Warning", f"Failed{verb.title()}", message)

    def _truncate(self, stateful_set: Object, revisions: list[Object], live: set[str]) -> None:
        spare = [each for each in revisions if each["metadata"]["name"] not in live]
        limit = stateful_set["spec"].get("revisionHistoryLimit", 10)
        self._history.truncate(revisions, live, len(spare) - limit)

    def _write(self, stateful_set: Object, status: Object) -> None:
        if status != stateful_set.get("status", {}):
            self.client.update_status({**stateful_set, "status": status}, _SETS)


def _collected(change: Change) -> Iterable[Key]:
    """Return the sets of the pods with which a claim was deleted."""
    if change.new is not None:
        return ()
    metadata = change.object["metadata"]
    pods = [each["name"] for each in metadata.get("ownerReferences", ()) if each["kind"] == "Pod"]
    return [(metadata["namespace"], parent) for name in pods if (parent := parent_of(name)) is not None]
