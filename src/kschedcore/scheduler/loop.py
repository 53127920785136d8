"""The scheduler component: watches the cluster, decides with the engine, and writes the decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Namespace, Object
from kschedcore.api.objects import Pod
from kschedcore.api.objects.views import pod_view
from kschedcore.api.phases import has_ended
from kschedcore.api.versions import DEFAULT, Release, Rule
from kschedcore.client.informer import Change, Informers
from kschedcore.client.verbs import Client
from kschedcore.clock import Timer, Timers
from kschedcore.engine.binding import PodKey, key_of
from kschedcore.engine.config.loading import load_config
from kschedcore.engine.devices.claims import key_of_claim
from kschedcore.engine.engine import Engine
from kschedcore.engine.plugin import Plugin, Status
from kschedcore.engine.plugins.dynamic_resources import DynamicResources
from kschedcore.engine.volumes import claims_of
from kschedcore.errors import KschedcoreError
from kschedcore.scheduler.claim_writer import CLAIMS, ClaimWriter, LateDevicesError
from kschedcore.scheduler.cluster_state import ClusterState, pod_key
from kschedcore.scheduler.cycle import Cycle, NotReady, Phase, Pipeline
from kschedcore.scheduler.outcomes import DEFAULT_NAME, Outcomes
from kschedcore.scheduler.pending_pods import Backoff, PendingPods, QueuedPod
from kschedcore.scheduler.volume_binder import UnboundVolumesError, VolumeBinder
from kschedcore.scheduler.waiting import WaitingPods

__all__ = ["Scheduler"]

_POLL = timedelta(seconds=5)
"""The interval at which PreBind checks whether devices are ready."""

_BATCH = 256
"""Maximum number of pods that are decided in one turn."""


class Scheduler:
    """Schedules the pods of a cluster: a :class:`kschedcore.client.loop.Component`.

    The engine, its profiles and the pipeline are those that programs use directly. The scheduler keeps no state that is
    not in the API: it may be stopped at any point and another one started.

    Args:
        client: The API.
        informers: The API's objects.
        clock: For back-offs and Permit's timeouts.
        config: A KubeSchedulerConfiguration; kube-scheduler's default otherwise.
        plugins: Plugins that the configuration may name, besides the in-tree ones.
        seed: Seed of the random choice among equally good nodes; by default the first by name is chosen.
        release: The Kubernetes version and feature gates to follow.
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
        release: Release = DEFAULT,
    ) -> None:
        self._client = client.named("kube-scheduler")
        self._informers = informers
        self._clock = clock
        self._outcomes = Outcomes(self._client, informers, clock)
        configuration = load_config(config)
        self.engine = Engine(
            config=configuration,
            plugins=plugins,
            tie_break="first" if seed is None else "random",
            seed=seed or 0,
            kubernetes=release,
        )
        self._volume_binder = VolumeBinder(self._client, informers)
        conditions = release.enabled("DRADeviceBindingConditions")
        self._claims = ClaimWriter(self._client, clock, binding_conditions=conditions)
        self._waits_for_devices: dict[PodKey, datetime] = {}
        self._release = release
        self._pipeline = Pipeline(
            self.engine,
            clock,
            self._bind,
            works=self._works,
            pre_bind=self._pre_bind,
            expect=self._expect if release.enabled("NominatedNodeNameForExpectation") else None,
        )
        self._queue = PendingPods(
            clock,
            self._sort_key,
            pop_early=release.enabled("SchedulerPopFromBackoffQ"),
            backoff=Backoff(
                timedelta(seconds=configuration.pod_initial_backoff_seconds),
                timedelta(seconds=configuration.pod_max_backoff_seconds),
            ),
        )
        self._wake: Timer | None = None
        self._state = ClusterState(self.engine, informers, self._on_change)

    def step(self) -> bool:
        """Run the binding cycles that are ready, or else decide about the next pods."""
        if self._advance():
            return True
        batch = self._next_batch()
        if not batch:
            return False
        tried = {key_of(queued.pod): queued for queued in batch}
        for cycle in self._pipeline.schedule_together([queued.pod for queued in batch]):
            if cycle.phase in (Phase.UNSCHEDULABLE, Phase.FAILED):
                self._failed(tried[key_of(cycle.pod)], cycle)
        self._advance()
        return True

    def close(self) -> None:
        """Stop at once."""
        if self._wake is not None:
            self._wake.cancel()
        self._state.close()
        self._queue.close()

    @property
    def pending(self) -> list[QueuedPod]:
        """The pods that have no node yet."""
        return list(self._queue)

    @property
    def waiting(self) -> WaitingPods:
        """The pods that Permit holds, to be allowed or rejected."""
        return self._pipeline.waiting

    def _sort_key(self, pod: Pod) -> Any:
        return self.engine.framework_of(pod).queue_sort.sort_key(pod)

    # -- events ----------------------------------------------------------------

    def _on_change(self, resource: str, change: Change) -> None:
        if resource == "pods":
            self._on_pod(change)
            if not any(
                each is not None and each["spec"].get("nodeName") for each in (change.old, change.new)
            ):
                return
        if resource == CLAIMS:
            self._open_gates()
        self._requeue_for(resource, change)

    def _open_gates(self) -> None:
        """Queue the pods that waited for their claims to be created."""
        for queued in [each for each in self._queue if each.gated and each.pod.spec.resource_claims]:
            if self.engine.framework_of(queued.pod).pre_enqueue(queued.pod) is None:
                self._queue.update(queued.pod, gated=False, may_help=True)

    def _requeue_for(self, resource: str, change: Change, below: int | None = None) -> None:
        """Requeue the pods that an event may make schedulable.

        Args:
            resource: The resource of the event.
            change: The event.
            below: The priority of a pod whose nomination has ended: then pods of a higher priority are left alone, and
                the pod itself is not.
        """

        def concerns(plugins: frozenset[str]) -> bool:
            return any(self.engine.hints.may_concern(plugin, resource) for plugin in plugins)

        subject = change.object["metadata"]["uid"]

        def helps(queued: QueuedPod) -> bool:
            # A pod's own deletion does not make it schedulable.
            scheduler = queued.pod.spec.scheduler_name or DEFAULT_NAME
            if (
                queued.pod.metadata.uid == subject
                if below is None
                else (queued.pod.spec.priority or 0) > below
            ):
                return False
            return any(
                self.engine.hints.may_help(scheduler, plugin, resource, change, queued.pod)
                for plugin in queued.plugins
            )

        self._queue.event(concerns, helps)

    def _on_forgotten(self, pod: Object, node: str | None) -> None:
        """Handle a forgotten pod as if a pod had been deleted from its node, and its claims deallocated."""
        self._requeue_for("pods", Change({**pod, "spec": {**pod["spec"], "nodeName": node}}, None))
        if pod["spec"].get("resourceClaims"):
            metadata = {"uid": ""}
            allocated = {"metadata": metadata, "status": {"allocation": {}}}
            self._requeue_for(CLAIMS, Change(allocated, {"metadata": metadata}))

    def _on_nomination_ended(self, pod: Object) -> None:
        """Handle the end of a nomination as if the pod had been deleted from that node.

        The pod's requests were reserved there against pods of no higher priority.
        """
        on_node = {**pod, "spec": {**pod["spec"], "nodeName": pod["status"]["nominatedNodeName"]}}
        self._requeue_for("pods", Change(on_node, None), below=pod["spec"].get("priority", 0))

    def _on_pod(self, change: Change) -> None:
        pod, key = change.new, pod_key(change.object)
        if (
            pod is None
            or pod["spec"].get("nodeName")
            or has_ended(pod)
            or pod["metadata"].get("deletionTimestamp")
        ):
            self._drop(change.object, gone=pod is None or not pod["spec"].get("nodeName"))
            return
        if pod["spec"].get("schedulerName", DEFAULT_NAME) not in self.engine.scheduler_names:
            return
        view = pod_view(pod)
        gated = self.engine.framework_of(view).pre_enqueue(view) is not None
        known = self._queue.get(key)
        if known is not None and known.pod.metadata.uid != view.metadata.uid:
            self._queue.remove(key)
            known = None
        if known is None:
            if self.engine.is_assumed(view):
                return
            self._follow_nomination(view, "")
            self._queue.add(view, gated=gated)
        else:
            old = change.old
            self._follow_nomination(view, known.pod.status.nominated_node_name or "")
            other = old is None or old["spec"] != pod["spec"] or _labels(old) != _labels(pod)
            self._queue.update(view, gated=gated, may_help=other)
            if old is None or _nomination(old) in ("", _nomination(pod)):
                return
            if not self.engine.is_assumed(view):
                self._on_nomination_ended(old)

    def _drop(self, pod: Object, *, gone: bool) -> None:
        """Drop a pod that is bound, has finished or is terminating."""
        key = pod_key(pod)
        queued = self._queue.get(key)
        if queued is not None and queued.pod.metadata.uid == pod["metadata"]["uid"]:
            self._queue.remove(key)
        self._waits_for_devices.pop(key, None)
        if gone:
            cycle = self._pipeline.cancel(key, "the pod was deleted")
            if cycle is not None:
                self._on_forgotten(pod, cycle.decision.node)
            elif _nomination(pod) and not pod["spec"].get("nodeName"):
                self._on_nomination_ended(pod)
            self.engine.withdraw_nomination(key[1], key[0])

    def _follow_nomination(self, pod: Pod, before: str) -> None:
        """Take over a pod's nomination from its status if it has changed.

        The nomination of an assumed pod only announces the node on which it is accounted already.
        """
        node = pod.status.nominated_node_name or ""
        if node == before or self.engine.is_assumed(pod):
            return
        if node:
            self.engine.nominate(pod, node)
        else:
            namespace, name = key_of(pod)
            self.engine.withdraw_nomination(name, namespace)

    # -- deciding ---------------------------------------------------------------------------------------

    def _next_batch(self) -> list[QueuedPod]:
        """Pop the next pods that can be decided in one batch; a pod with claims is the last of its batch."""
        batch: list[QueuedPod] = []
        while len(batch) < _BATCH:
            queued = self._queue.pop()
            if queued is None:
                break
            batch.append(queued)
            if any(claims_of(queued.pod)):
                break
        return batch

    def _advance(self) -> bool:
        """Run the binding cycles that are ready, and return whether one ended."""
        deadline = self._pipeline.deadline
        if deadline is None or deadline > self._clock.now():
            self._wake_at(deadline)
            return False
        ended = self._pipeline.advance()
        for cycle in ended:
            # Recording the event of one binding may deliver events of the others, which drops them from the queue.
            if cycle.phase is Phase.BOUND:
                self._outcomes.bound(cycle.pod, cycle.decision.node or "")
            queued = self._queue.get(key_of(cycle.pod))
            if queued is None or queued.pod.metadata.uid != cycle.pod.metadata.uid:
                continue
            if cycle.phase is Phase.BOUND:
                self._queue.remove(key_of(cycle.pod))
            else:
                self._failed(queued, cycle)
        self._wake_at(self._pipeline.deadline)
        return bool(ended)

    def _wake_at(self, when: datetime | None) -> None:
        """Schedule a wake-up at the earliest Permit timeout."""
        if self._wake is not None:
            if self._wake.call is not None and self._wake.when == when:
                return
            self._wake.cancel()
        self._wake = None if when is None else self._clock.call_at(when, lambda: None)

    def _works(self, pod: Pod) -> bool:
        """Return whether there is work to do before a pod can be bound."""
        return self._volume_binder.has_work(pod) or bool(self.engine.claims_of(pod))

    def _expect(self, pod: Pod, node: str) -> None:
        """Announce the node that a pod will be bound to; binding does not depend on that."""
        live = self._outcomes.live(pod)
        if live is not None:
            with suppress(StatusError):
                self._outcomes.expect(live, node)

    def _pre_bind(self, pod: Pod, node: str) -> Status | None:
        """Select the node for the pod's volumes, write its claims, and wait for its devices."""
        try:
            self._volume_binder.select_node(pod, node)
        except KschedcoreError as error:
            return _failed_before_binding("VolumeBinding", error)
        claims = [key_of_claim(claim) for claim in self.engine.claims_of(pod)]
        if not claims:
            return None
        key, now = key_of(pod), self._clock.now()
        try:
            if key not in self._waits_for_devices:
                self._claims.write(pod, self.engine.assumed_claims(pod))
            since, timeout = self._waits_for_devices.get(key, now), self._binding_timeout(pod)
            ready = self._claims.are_ready(claims, since, timeout)
        except KschedcoreError as error:
            if isinstance(error, LateDevicesError):
                namespace, name = error.claim
                self.engine.note_late_claim(name, namespace)
            return _failed_before_binding("DynamicResources", error)
        if ready:
            self._waits_for_devices.pop(key, None)
            return None
        if key not in self._waits_for_devices:
            self._waits_for_devices[key] = now
            self._outcomes.waits(pod, node)
        raise NotReady(min(_POLL, since + timeout - now))

    def _binding_timeout(self, pod: Pod) -> timedelta:
        """Return how long a pod may wait for its devices."""
        for plugin in self.engine.framework_of(pod).plugins:
            if isinstance(plugin, DynamicResources):
                return plugin.args.longest_binding
        return timedelta()

    def _give_claims_back(self, pod: Pod) -> None:
        """Take back the reservations that were written for a pod that is not bound after all (Unreserve)."""
        self._waits_for_devices.pop(key_of(pod), None)
        with suppress(StatusError):
            self._claims.unreserve(pod, [key_of_claim(claim) for claim in self.engine.claims_of(pod)])

    def _bind(self, pod: Pod, node: str) -> None:
        """Write the binding of a pod to the API."""
        namespace, name = key_of(pod)
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": pod.metadata.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        self._client.subresource("pods", Namespace(namespace), name, "binding", body)

    # -- failures --------------------------------------------------------------------------

    def _failed(self, queued: QueuedPod, cycle: Cycle) -> None:
        """Requeue a pod, and write why it has no node."""
        pod = self._outcomes.live(queued.pod)
        if pod is None or pod["spec"].get("nodeName"):
            if self._queue.get(key_of(queued.pod)) is queued:
                self._queue.remove(key_of(queued.pod))
            return
        if cycle.phase is Phase.FAILED:
            self._on_forgotten(pod, cycle.decision.node)
        if cycle.status is not None and isinstance(cycle.status.cause, UnboundVolumesError):
            # Not a failure: events of its claims requeue the pod when they are bound.
            self._queue.put_back(queued, frozenset({"VolumeBinding"}))
            return
        if cycle.past_permit:
            self._give_claims_back(queued.pod)
        plugins = cycle.plugins
        try:
            self._report(pod, cycle)
        except StatusError:
            # The status is written when the pod is tried again.
            plugins = frozenset()
        self._queue.put_back(queued, plugins)

    def _report(self, pod: Object, cycle: Cycle) -> None:
        """Write why a pod has no node, and evict the victims of a preemption that helps it."""
        decision = cycle.decision
        nominated = (
            None if decision.keeps_nomination and cycle.status is None else decision.nominated_node or ""
        )
        if nominated:
            for victim in decision.victims:
                self._evict(victim, pod, nominated)
            self._outcomes.withdraw_nominations(nominated, below=pod["spec"].get("priority", 0))
        if decision.node is None:
            self._claims.release(decision.claims)
        self._outcomes.failed(pod, cycle.reason, cycle.message, nominated)

    def _evict(self, victim: str, preemptor: Object, node: str) -> None:
        namespace, _, name = victim.partition("/")
        found = self._informers["pods"].get(Namespace(namespace), name)
        if self._sent_back((namespace, name)):
            if found is not None:
                self._outcomes.preempted(found, preemptor, node)
        elif found is not None:
            self._outcomes.evict(found, preemptor, node)

    def _sent_back(self, victim: PodKey) -> bool:
        """Let a victim that is not bound yet give its resources back; return whether it was such a one."""
        if self._release.has(Rule.PREEMPTION_ENDS_BINDING):
            return self._pipeline.preempt(victim)
        held = self._pipeline.waiting.get(victim)
        if held is None:
            return False
        held.reject("DefaultPreemption", "preemption")
        return True


def _nomination(pod: Object) -> str:
    node: str = pod.get("status", {}).get("nominatedNodeName", "")
    return node


def _failed_before_binding(plugin: str, error: KschedcoreError) -> Status:
    return Status("Error", plugin, (f'running PreBind plugin "{plugin}": {error}',), cause=error)


def _labels(pod: Object) -> Any:
    return pod["metadata"].get("labels")
