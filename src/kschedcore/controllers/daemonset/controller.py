"""The DaemonSet controller: one pod on every eligible node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.api.phases import has_ended
from kschedcore.client.informer import Change, key_of
from kschedcore.controllers.activepods import ready_since
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
from kschedcore.controllers.controllerhistory import POD_LABEL, History
from kschedcore.controllers.daemonset.backoff import FailedPodBackOff
from kschedcore.controllers.daemonset.nodepods import Eligibility, NodePods, pods_by_node
from kschedcore.controllers.daemonset.update import Revision, Work, excess, rolling_update, surges
from kschedcore.controllers.podcontrol import is_available, next_available, pod_from_template
from kschedcore.controllers.refmanager import claim, selector_of, watch_orphans
from kschedcore.manifests.daemons import daemon_spec, pinned

__all__ = ["DaemonSetController"]

_SETS = "daemonsets.apps"
_BURST = 250
"""Maximum number of pods created or deleted in one pass (``BurstReplicas``)."""


class DaemonSetController(Controller):
    """Keeps the pods, revisions and status of DaemonSets (``apps/v1``)."""

    name = "daemonset-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        revisions = self.informers["controllerrevisions.apps"]
        self._history = History(self.client, revisions, lambda suffix: {POD_LABEL: suffix})
        self._eligibility = Eligibility()
        self._back_off = FailedPodBackOff()

    def watches(self) -> Iterable[Watch]:
        """Return DaemonSets, their pods, orphaned pods, and nodes."""
        yield watch_objects(_SETS)
        yield watch_owned("pods", _SETS)
        yield watch_orphans(self.informers, "pods", _SETS)
        yield Watch("nodes", self._concerned)

    def _concerned(self, change: Change) -> Iterable[Key]:
        """Return every DaemonSet when a node is added, deleted, or changes labels or taints; heartbeats are ignored."""
        old, new = change.old, change.new
        if old is not None and new is not None:
            same_labels = old["metadata"].get("labels") == new["metadata"].get("labels")
            if same_labels and old.get("spec", {}).get("taints") == new.get("spec", {}).get("taints"):
                return ()
        return map(key_of, self.informers[_SETS].all())

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one DaemonSet."""
        daemon_set = self.informers[_SETS].get(*key)
        if daemon_set is None or daemon_set["metadata"].get("deletionTimestamp"):
            # Its ControllerRevisions may be deleted before its pods, so its status can no longer be computed.
            self._eligibility.forget(key)
            self._back_off.forget(key)
            return None
        revisions = self._history.revisions(daemon_set)
        current, collisions = self._history.current(daemon_set, revisions)
        revision = Revision.of(daemon_set, current)
        pods = self._pods(daemon_set)
        found = self._pods_by_node(daemon_set, pods)
        work, again = self._plan(daemon_set, revision, found)
        refused = self._do(daemon_set, revision, work)
        if work:
            pods = self._pods(daemon_set)
            found = self._pods_by_node(daemon_set, pods)
        earlier = [each for each in revisions if each["metadata"]["name"] != current["metadata"]["name"]]
        self._truncate(daemon_set, earlier, pods)
        self._write(daemon_set, self._status(daemon_set, revision, collisions, found))
        available = next_available(pods, _min_ready(daemon_set), self.clock.now())
        first = min((each for each in (again, available) if each is not None), key=_when, default=None)
        return requeue_after(refused, first)

    def _pods(self, daemon_set: Object) -> list[Object]:
        selector = selector_of(daemon_set)
        return claim(
            self.client,
            self.informers["pods"],
            daemon_set,
            lambda pod: selector.matches(pod["metadata"].get("labels", {})),
        )

    def _pods_by_node(self, daemon_set: Object, pods: Iterable[Object]) -> list[NodePods]:
        # A finished pod that is being deleted does not occupy its node: it may be waiting for a finalizer.
        staying = [pod for pod in pods if not (has_ended(pod) and pod["metadata"].get("deletionTimestamp"))]
        return pods_by_node(daemon_set, self.informers["nodes"].all(), staying, self._eligibility)

    def _plan(
        self, daemon_set: Object, revision: Revision, found: list[NodePods]
    ) -> tuple[Work, Requeue | None]:
        """Plan one pod per node, then the rolling update; return the work and when to requeue."""
        work, due = Work(), []
        for node_pods in found:
            again = self._look(daemon_set, revision, node_pods, work)
            due += [] if again is None else [again]
        if not work and daemon_set["spec"].get("updateStrategy", {}).get("type") == "RollingUpdate":
            work = rolling_update(
                daemon_set, found, revision, lambda pod: self._is_available(daemon_set, pod)
            )
        return work, min(due, key=_when, default=None)

    def _look(
        self, daemon_set: Object, revision: Revision, node_pods: NodePods, work: Work
    ) -> Requeue | None:
        """Add the changes for one node to ``work``; return when to requeue."""
        if node_pods.decision.should_run and not node_pods.pods:
            work.create.append(node_pods.node)
        elif node_pods.decision.should_continue:
            return self._prune(daemon_set, revision, node_pods, work)
        elif node_pods.exists:
            work.delete += _staying(node_pods.pods)
        else:
            # A pod that was never bound to the deleted node is not finished by any agent.
            work.delete += [pod for pod in _staying(node_pods.pods) if not pod["spec"].get("nodeName")]
        return None

    def _prune(
        self, daemon_set: Object, revision: Revision, node_pods: NodePods, work: Work
    ) -> Requeue | None:
        """Delete finished and surplus pods of one node."""
        again, running = None, []
        for pod in _staying(node_pods.pods):
            phase = pod.get("status", {}).get("phase")
            if phase == "Failed":
                due = self._back_off.due(daemon_set, node_pods.node, self.clock.now())
                if due is not None:
                    again = Requeue(due)
                    continue
                message = f"Found failed daemon pod {_where(pod, node_pods)}, will try to kill it"
                self.events.event(daemon_set, "Warning", "FailedDaemonPod", message)
                work.delete.append(pod)
            elif phase == "Succeeded":
                message = f"Found succeeded daemon pod {_where(pod, node_pods)}, will try to delete it"
                self.events.event(daemon_set, "Normal", "SucceededDaemonPod", message)
                work.delete.append(pod)
            else:
                running.append(pod)
        work.delete += excess(
            running, revision, lambda pod: self._is_available(daemon_set, pod), surge=surges(daemon_set)
        )
        return again

    def _is_available(self, daemon_set: Object, pod: Object) -> bool:
        return is_available(pod, _min_ready(daemon_set), self.clock.now())

    def _do(self, daemon_set: Object, revision: Revision, work: Work) -> StatusError | None:
        """Create and delete pods, up to the first request that is refused."""
        try:
            for pod in self._new_pods(daemon_set, revision, work.create[:_BURST]):
                self._create(daemon_set, pod)
            for pod in work.delete[:_BURST]:
                self._delete(daemon_set, pod)
        except StatusError as refusal:
            return refusal
        return None

    def _new_pods(self, daemon_set: Object, revision: Revision, nodes: Iterable[str]) -> Iterator[Object]:
        pod = pod_from_template(daemon_set, daemon_set["spec"]["template"])
        metadata, spec = pod["metadata"], daemon_spec(pod["spec"])
        labels = {**metadata.get("labels", {}), **revision.labels()}
        metadata = {**metadata, "labels": labels, "generateName": f"{daemon_set['metadata']['name']}-"}
        for node in nodes:
            yield {**pod, "metadata": metadata, "spec": pinned(spec, node)}

    def _create(self, daemon_set: Object, pod: Object) -> None:
        try:
            made = self.client.create("pods", daemon_set["metadata"]["namespace"], pod)
        except StatusError as refusal:
            self.events.event(daemon_set, "Warning", "FailedCreate", f"Error creating: {refusal}")
            raise
        message = f"Created pod: {made['metadata']['name']}"
        self.events.event(daemon_set, "Normal", "SuccessfulCreate", message)

    def _delete(self, daemon_set: Object, pod: Object) -> None:
        metadata = pod["metadata"]
        try:
            self.client.delete("pods", metadata["namespace"], metadata["name"], uid=metadata["uid"])
        except StatusError as refusal:
            self.events.event(daemon_set, "Warning", "FailedDelete", f"Error deleting: {refusal}")
            raise
        self.events.event(daemon_set, "Normal", "SuccessfulDelete", f"Deleted pod: {metadata['name']}")

    def _truncate(self, daemon_set: Object, earlier: list[Object], pods: Iterable[Object]) -> None:
        hashes = {pod["metadata"].get("labels", {}).get(POD_LABEL) for pod in pods}
        live = {
            each["metadata"]["name"]
            for each in earlier
            if each["metadata"].get("labels", {}).get(POD_LABEL) in hashes
        }
        limit = daemon_set["spec"].get("revisionHistoryLimit", 10)
        self._history.truncate(earlier, live, len(earlier) - limit)

    def _status(
        self, daemon_set: Object, revision: Revision, collisions: int, found: Iterable[NodePods]
    ) -> Object:
        ours = list(found)
        wanted = [node_pods for node_pods in ours if node_pods.decision.should_run]
        # Of two pods on a node the older one counts.
        first = [node_pods.pods[0] for node_pods in wanted if node_pods.pods]
        available = sum(self._is_available(daemon_set, pod) for pod in first)
        counts = {
            "observedGeneration": daemon_set["metadata"].get("generation", 0),
            "updatedNumberScheduled": sum(map(revision.has, first)),
            "numberAvailable": available,
            "numberUnavailable": len(wanted) - available,
            "collisionCount": collisions,
        }
        before = daemon_set.get("status", {})
        return {
            "currentNumberScheduled": len(first),
            "numberMisscheduled": sum(
                each.exists and not each.decision.should_run and bool(each.pods) for each in ours
            ),
            "desiredNumberScheduled": len(wanted),
            "numberReady": sum(ready_since(pod) is not None for pod in first),
            **{key: count for key, count in counts.items() if count},
            **{key: before[key] for key in ("conditions",) if key in before},
        }

    def _write(self, daemon_set: Object, status: Object) -> None:
        if status != daemon_set.get("status", {}):
            self.client.update_status({**daemon_set, "status": status}, _SETS)


def _min_ready(daemon_set: Object) -> int:
    seconds: int = daemon_set["spec"].get("minReadySeconds", 0)
    return seconds


def _when(again: Requeue) -> datetime:
    return again.at


def _where(pod: Object, node_pods: NodePods) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']} on node {node_pods.node}"


def _staying(pods: Iterable[Object]) -> list[Object]:
    return [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
