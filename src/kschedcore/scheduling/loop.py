"""The scheduler as a component of a cluster: it watches, decides with the engine, and writes what it decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kschedcore.api.objects import Pod, decode
from kschedcore.client.events import EventRecorder
from kschedcore.client.informer import Change, Informers
from kschedcore.client.verbs import Client
from kschedcore.clock import Timers
from kschedcore.errors import KschedcoreError
from kschedcore.scheduling.binding import PodKey, key_of
from kschedcore.scheduling.cluster_state import ClusterState, is_ended, pod_key
from kschedcore.scheduling.cycle import Cycle, Phase, Pipeline
from kschedcore.scheduling.engine import Engine
from kschedcore.scheduling.hints import may_help
from kschedcore.scheduling.pending_pods import PendingPods, QueuedPod
from kschedcore.scheduling.plugin import Plugin
from kschedcore.scheduling.volume_promises import VolumePromises
from kschedcore.store.admission_types import Object, StatusError
from kschedcore.store.meta import timestamp
from kschedcore.store.objects import plain

__all__ = ["Scheduler"]

DEFAULT_NAME = "default-scheduler"

_BATCH = 256
"""So many pods are decided about in one turn at most."""


class Scheduler:
    """Schedules the pods of a cluster: a :class:`kschedcore.client.loop.Component`.

    The engine, its profiles and the pipeline behind a decision are those that a program calls directly. Nothing
    is kept that the API does not have: a scheduler may be stopped at any point and another started.

    Args:
        client: The API.
        informers: What the API has.
        clock: For back-offs and Permit's timeouts.
        config: A KubeSchedulerConfiguration; kube-scheduler's default otherwise.
        plugins: Plugins of one's own that the configuration may name.
        seed: Among equally good nodes draw with this seed; by default take the first by name.
    """

    def __init__(
        self,
        client: Client,
        informers: Informers,
        clock: Timers,
        *,
        config: Mapping[str, Any] | None = None,
        plugins: Iterable[type[Plugin]] = (),
        seed: int | None = None,
    ) -> None:
        self._client = client.named("kube-scheduler")
        self._informers = informers
        self._clock = clock
        self._events = EventRecorder(self._client, clock, DEFAULT_NAME)
        self.engine = Engine(
            config=config,
            plugins=plugins,
            tie_break="first" if seed is None else "random",
            seed=seed or 0,
        )
        self._promises = VolumePromises(self._client, informers)
        self._pipeline = Pipeline(self.engine, clock, self._bind)
        self._queue = PendingPods(clock, self._sort_key)
        self._state = ClusterState(self.engine, informers, self._on_change)

    def step(self) -> bool:
        """Bind what can be bound, or decide about the next pods."""
        if self._advance():
            return True
        batch = self._next_batch()
        if not batch:
            return False
        waiting = {key_of(queued.pod): queued for queued in batch}
        for cycle in self._pipeline.schedule_together([queued.pod for queued in batch]):
            if cycle.phase in (Phase.UNSCHEDULABLE, Phase.FAILED):
                self._failed(waiting[key_of(cycle.pod)], cycle)
        self._advance()
        return True

    def close(self) -> None:
        """Stop at once."""
        self._state.close()
        self._queue.close()

    @property
    def pending(self) -> list[QueuedPod]:
        """The pods that have no node yet."""
        return list(self._queue)

    def _sort_key(self, pod: Pod) -> Any:
        return self.engine.framework_of(pod).queue_sort.sort_key(pod)

    # -- what happens in the cluster ----------------------------------------------------------------

    def _on_change(self, resource: str, change: Change) -> None:
        if resource == "pods":
            self._on_pod(change)
            if not any(
                each is not None and each["spec"].get("nodeName") for each in (change.old, change.new)
            ):
                return

        def helps(queued: QueuedPod) -> bool:
            return any(may_help(plugin, resource, change, queued.pod) for plugin in queued.plugins)

        self._queue.event(helps)

    def _on_pod(self, change: Change) -> None:
        pod, key = change.new, pod_key(change.object)
        if (
            pod is None
            or pod["spec"].get("nodeName")
            or is_ended(pod)
            or pod["metadata"].get("deletionTimestamp")
        ):
            self._drop(change.object, gone=pod is None or not pod["spec"].get("nodeName"))
            return
        if pod["spec"].get("schedulerName", DEFAULT_NAME) not in self.engine.scheduler_names:
            return
        view = decode(Pod, pod)
        gated = self.engine.framework_of(view).pre_enqueue(view) is not None
        known = self._queue.get(key)
        if known is not None and known.pod.metadata.uid != view.metadata.uid:
            self._queue.remove(key)
            known = None
        if known is None:
            if self.engine.is_assumed(view):
                return
            if view.status.nominated_node_name:
                self.engine.nominate(view, view.status.nominated_node_name)
            self._queue.add(view, gated=gated)
            if gated:
                self._gated(pod, view)
        else:
            old = change.old
            other = old is None or old["spec"] != pod["spec"] or _labels(old) != _labels(pod)
            self._queue.update(view, gated=gated, may_help=other)

    def _drop(self, pod: Object, *, gone: bool) -> None:
        """A pod is not to be scheduled any more: it has a node, has ended, or is on its way out."""
        key = pod_key(pod)
        queued = self._queue.get(key)
        if queued is not None and queued.pod.metadata.uid == pod["metadata"]["uid"]:
            self._queue.remove(key)
        if gone:
            self._pipeline.cancel(key, "the pod was deleted")
            if pod.get("status", {}).get("nominatedNodeName"):
                self._forget_nomination(key)

    def _forget_nomination(self, key: PodKey) -> None:
        try:
            self.engine.remove_pod(key[1], key[0])
        except KschedcoreError:
            # It was neither bound nor nominated by now.
            return

    # -- deciding ---------------------------------------------------------------------------------------

    def _next_batch(self) -> list[QueuedPod]:
        """The next pods that may be decided about together: those with volumes go alone."""
        batch: list[QueuedPod] = []
        while len(batch) < _BATCH:
            queued = self._queue.pop()
            if queued is None:
                break
            batch.append(queued)
            if queued.pod.spec.volumes:
                break
        return batch

    def _advance(self) -> bool:
        """Carry on with the pods that have a node; whether there was one."""
        deadline = self._pipeline.deadline
        if deadline is None or deadline > self._clock.now():
            return False
        ended = self._pipeline.advance()
        for cycle in ended:
            queued = self._queue.get(key_of(cycle.pod))
            if cycle.phase is Phase.BOUND:
                self._queue.remove(key_of(cycle.pod))
                self._told_bound(cycle)
            elif queued is not None:
                self._failed(queued, cycle)
        coming = self._pipeline.deadline
        if coming is not None and coming > self._clock.now():
            self._clock.call_at(coming, lambda: None)
        return bool(ended)

    def _bind(self, pod: Pod, node: str) -> None:
        """Write a pod's node to the API, once its volumes are bound there."""
        self._promises.keep(pod, node)
        namespace, name = key_of(pod)
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": pod.metadata.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        self._client.subresource("pods", namespace, name, "binding", body)

    def _told_bound(self, cycle: Cycle) -> None:
        namespace, name = key_of(cycle.pod)
        pod = self._live(cycle.pod)
        if pod is not None:
            message = f"Successfully assigned {namespace}/{name} to {cycle.decision.node}"
            self._events.event(pod, "Normal", "Scheduled", message)

    # -- when there is no node --------------------------------------------------------------------------

    def _live(self, pod: Pod) -> Object | None:
        """The pod as the API has it, if it is still the same."""
        found = self._informers["pods"].get(*key_of(pod))
        return found if found is not None and found["metadata"]["uid"] == pod.metadata.uid else None

    def _failed(self, queued: QueuedPod, cycle: Cycle) -> None:
        """A pod goes back to the queue, and is told why."""
        pod = self._live(queued.pod)
        if pod is None or pod["spec"].get("nodeName"):
            self._queue.remove(key_of(queued.pod))
            return
        decision, status = cycle.decision, cycle.status
        if cycle.phase is Phase.UNSCHEDULABLE:
            diagnosis = decision.diagnosis
            plugins = frozenset() if diagnosis is None else diagnosis.plugins
            reason, message = "Unschedulable", decision.message
        else:
            plugins = frozenset({status.plugin}) if status is not None and status.plugin else frozenset()
            reason, message = "SchedulerError", "" if status is None else ", ".join(status.reasons)
        if self._promises.are_kept_waiting(queued.pod):
            # Not a failure: its volumes are on their way, and the claims will say when they are there.
            self._queue.put_back(queued, frozenset({"VolumeBinding"}))
            return
        self._events.event(pod, "Warning", "FailedScheduling", message)
        try:
            if decision.nominated_node is not None:
                self._evict(pod, decision.nominated_node, decision.victims)
            self._write_condition(pod, reason, message, decision.nominated_node)
        except StatusError:
            # What could not be written now is when the pod is tried again.
            plugins = frozenset()
        self._queue.put_back(queued, plugins)

    def _gated(self, pod: Object, view: Pod) -> None:
        gates = view.spec.scheduling_gates or ()
        names = " ".join(gate.name for gate in gates)
        self._write_condition(
            pod,
            "SchedulingGated",
            f"Scheduling is blocked due to non-empty scheduling gates: [{names}]",
            None,
        )

    def _write_condition(self, pod: Object, reason: str, message: str, nominated: str | None) -> None:
        status = plain(pod.get("status", {}))
        before = next((each for each in status.get("conditions", ()) if each["type"] == "PodScheduled"), None)
        now = timestamp(self._clock.now())
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": reason,
            "message": message,
            "lastProbeTime": None,
            "lastTransitionTime": before["lastTransitionTime"]
            if before and before["status"] == "False"
            else now,
        }
        others = [each for each in status.get("conditions", ()) if each["type"] != "PodScheduled"]
        status["conditions"] = [*others, condition]
        if nominated is not None:
            status["nominatedNodeName"] = nominated
        if before == condition and status == pod.get("status"):
            return
        self._client.update_status({**pod, "status": status}, "pods")

    def _evict(self, pod: Object, node: str, victims: Iterable[str]) -> None:
        """Preemption: take the victims away, for the pod that is nominated to their node."""
        for victim in victims:
            namespace, _, name = victim.partition("/")
            found = self._informers["pods"].get(namespace, name)
            if found is None or found["metadata"].get("deletionTimestamp"):
                continue
            scheduler = pod["spec"].get("schedulerName", DEFAULT_NAME)
            status = plain(found.get("status", {}))
            status.setdefault("conditions", []).append({
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "PreemptionByScheduler",
                "message": f"{scheduler}: preempting to accommodate a higher priority pod",
                "lastTransitionTime": timestamp(self._clock.now()),
            })  # fmt: skip
            self._client.update_status({**found, "status": status}, "pods")
            self._client.delete("pods", namespace, name, uid=found["metadata"]["uid"])
            message = f"Preempted by pod {pod['metadata']['uid']} on node {node}"
            self._events.event(found, "Normal", "Preempted", message)


def _labels(pod: Object) -> Any:
    return pod["metadata"].get("labels")
