"""The agents of all nodes as one component: kubelets that share queues, a clock and a client."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.times import later
from kschedcore.api.machinery.types import CLUSTER_SCOPE, UID, Object
from kschedcore.api.phases import FINISHED, has_ended
from kschedcore.client.events import EventRecorder
from kschedcore.client.informer import Change, Informers, by_node
from kschedcore.client.queue import WorkQueue
from kschedcore.client.verbs import Client
from kschedcore.clock import Timer, Timers
from kschedcore.nodes.addresses import NODES, PODS, AddressPool
from kschedcore.nodes.agenda import Agenda
from kschedcore.nodes.backoff import FIRST
from kschedcore.nodes.heartbeats import RENEWED_EVERY, STATUS_EVERY, Leases
from kschedcore.nodes.host import Host, Rejection
from kschedcore.nodes.memorywatch import MemoryWatch, usage_of
from kschedcore.nodes.needs import NeedsReader
from kschedcore.nodes.podstatus import rejected
from kschedcore.nodes.podworker import PodWorker
from kschedcore.nodes.registration import labelled, node_status, with_heartbeat
from kschedcore.nodes.reports import Reports
from kschedcore.nodes.resizing import granted_spec
from kschedcore.nodes.runtimes.interface import Runtime
from kschedcore.nodes.runtimes.simulated import SimulatedRuntime

__all__ = ["Context", "NodeAgents"]

_log = logging.getLogger(__name__)


REFUSAL_DELAY = timedelta(seconds=0.5)
"""Delay until a pod that its node rejects fails, for the watch, kubelet's sync and the status write.

Without it, a controller that replaces rejected pods would create them endlessly at one moment.
"""


class Context(Protocol):
    """The client, informers and clock of the agents."""

    @property
    def client(self) -> Client:
        """Reads and writes the API."""

    @property
    def informers(self) -> Informers:
        """The objects of the API."""

    @property
    def clock(self) -> Timers:
        """Simulated or wall-clock time."""


class NodeAgents:
    """Runs the pods of every node: a :class:`kschedcore.client.loop.Component`.

    The state of running pods is recovered from their statuses, so agents may be stopped at any point and others
    started in their place with the same runtime.

    Args:
        context: The API, its informers and the clock.
        runtime: The container runtime; by default a simulated one with default behaviours.
        seed: Seed of the default runtime.
        failed: The names of nodes that have failed; pass the same set to agents that replace these.
        implied_heartbeats: Whether leases are valid without being renewed (:mod:`kschedcore.nodes.heartbeats`).
        start_events: Whether to record an event for each container that is pulled, created and started.
    """

    def __init__(
        self,
        context: Context,
        runtime: Runtime | None = None,
        *,
        seed: int = 0,
        failed: set[str] | None = None,
        implied_heartbeats: bool = True,
        start_events: bool = False,
    ) -> None:
        self._client = context.client.named("kubelet")
        self._clock = context.clock
        self._nodes, self._pods = context.informers["nodes"], context.informers["pods"]
        self._events = EventRecorder(self._client, context.clock, "kubelet")
        self._runtime: Runtime = SimulatedRuntime(seed=seed) if runtime is None else runtime
        self._failed = set() if failed is None else failed
        leases = context.informers["leases.coordination.k8s.io"]
        self._leases = Leases(self._client, leases, implied=implied_heartbeats)
        self._start_events = start_events
        self._needs = NeedsReader()
        self._hosts: dict[str, Host] = {}
        self._workers: dict[str, PodWorker] = {}
        self._refused: dict[str, tuple[datetime, Rejection]] = {}
        self._bound: dict[str, Object] = {}
        self._node_ips, self._pod_ips = AddressPool(NODES), AddressPool(PODS)
        self._found_ips: dict[str, str] = {}
        self._node_queue: WorkQueue[str] = WorkQueue(self._clock)
        self._pod_queue: WorkQueue[str] = WorkQueue(self._clock)
        self._agenda = Agenda(self._clock, self._pod_queue.add)
        self._memory = MemoryWatch(self._runtime)
        self._memory_queue: WorkQueue[str] = WorkQueue(self._clock)
        self._looks = Agenda(self._clock, self._memory_queue.add)
        self._beat: Timer | None = None
        if not implied_heartbeats:
            self._beat_on()
        self._pods.add_index("node", by_node)
        self._nodes.listen(self._on_node)
        self._pods.listen(self._on_pod)

    def step(self) -> bool:
        """Process the queued nodes, or else the queued pods, or else the queued memory checks."""
        for queue, work in (
            (self._node_queue, self._sync_node),
            (self._pod_queue, self._sync_pod),
            (self._memory_queue, self._check_memory),
        ):
            if len(queue):
                for key in queue.drain():
                    _retrying(queue, key, work)
                return True
        return False

    def close(self) -> None:
        """Stop at once; containers keep running."""
        self._nodes.unlisten(self._on_node)
        self._pods.unlisten(self._on_pod)
        if self._beat is not None:
            self._beat.cancel()
        for agenda in (self._agenda, self._looks):
            agenda.close()
        for queue in (self._node_queue, self._pod_queue, self._memory_queue):
            queue.close()

    def fail(self, node: str) -> None:
        """Disconnect a node: its containers keep running, but its agent neither reads nor writes the API."""
        self._failed.add(node)
        host = self._hosts.get(node)
        if host is not None:
            self._leases.lapse(host.node, self._clock.now())

    def repair(self, node: str, *, rebooted: bool = False) -> None:
        """Reconnect a disconnected node.

        Args:
            node: Its name.
            rebooted: Whether the node's containers were lost; otherwise it was only disconnected.
        """
        self._failed.discard(node)
        self._node_queue.add(node)
        self._memory_queue.add(node)
        for pod in self._pods.by("node", node):
            uid = pod["metadata"]["uid"]
            self._pod_queue.add(uid)
            if rebooted and (worker := self._resumed(pod)) is not None:
                worker.lose(self._clock.now())

    def _resumed(self, pod: Object) -> PodWorker | None:
        """Return the worker of an admitted pod, created from its status after a restart; None if there is none."""
        host, status = self._hosts.get(pod["spec"]["nodeName"]), pod.get("status", {})
        worker = self._workers.get(pod["metadata"]["uid"])
        if worker is not None or host is None or "startTime" not in status or status["phase"] in FINISHED:
            return worker
        return self._admit(host, pod, self._clock.now())

    def usage(self, pod: Object, container: str = "") -> dict[str, int] | None:
        """Return the usage of a pod's running containers, or of one: ``cpu`` in millicores, ``memory`` in bytes.

        None if no container runs, or the node has failed.
        """
        worker = self._workers.get(pod["metadata"]["uid"])
        if worker is None or pod["spec"].get("nodeName") in self._failed:
            return None
        by_name = usage_of(worker, self._runtime, self._clock.now())
        used = [each for name, each in by_name.items() if container in ("", name)]
        if not used:
            return None
        return {"cpu": sum(each.cpu for each in used), "memory": sum(each.memory for each in used)}

    def _beat_on(self) -> None:
        """Send the heartbeats of every node, now and periodically."""
        for name in self._hosts:
            self._node_queue.add(name)
        self._beat = self._clock.call_after(RENEWED_EVERY.total_seconds(), self._beat_on, background=True)

    def _on_node(self, change: Change) -> None:
        name = change.object["metadata"]["name"]
        host = self._hosts.get(name)
        if host is None or host.node is not change.new:
            self._node_queue.add(name)

    def _on_pod(self, change: Change) -> None:
        pod = change.object
        uid = pod["metadata"]["uid"]
        if change.new is None:
            if self._bound.pop(uid, None) is not None:
                self._forget(uid, pod["spec"].get("nodeName", ""))
            if (ip := self._found_ips.pop(uid, None)) is not None:
                self._pod_ips.give(ip)
        elif pod["spec"].get("nodeName"):
            known = self._bound.get(uid)
            if known is None:
                self._find_address(pod)
            # The agent's own status writes are ignored.
            if known is None or _version(known) < _version(pod):
                self._bound[uid] = pod
                self._pod_queue.add(uid)

    def _find_address(self, pod: Object) -> None:
        """Mark the address of a pod that already has one as allocated, even if its node does not exist."""
        ip = pod.get("status", {}).get("podIP")
        if ip and not has_ended(pod) and not pod["spec"].get("hostNetwork"):
            self._pod_ips.keep(ip)
            self._found_ips[pod["metadata"]["uid"]] = ip

    def _sync_node(self, name: str) -> None:
        """Register a new node, update it, or drop it."""
        node = self._nodes.get(CLUSTER_SCOPE, name)
        host = self._hosts.get(name)
        if host is not None and (node is None or node["metadata"]["uid"] != host.node["metadata"]["uid"]):
            self._drop(host)
            host = None
        if node is None:
            return
        if host is None:
            host = self._add_host(node)
        if name in self._failed:
            host.take(node)
            return
        now = self._clock.now()
        self._leases.renew(node, now)
        with_labels = labelled(node)
        if with_labels is not None:
            node = self._client.update(with_labels, "nodes")
        status = node_status(node, host.ip, now)
        if not self._leases.implied:
            status = with_heartbeat(status, now, STATUS_EVERY)
        self._record(host, node, status)

    def _add_host(self, node: Object) -> Host:
        name = node["metadata"]["name"]
        host = self._hosts[name] = Host(node, self._address(node), self._pool(node))
        for pod in self._pods.by("node", name):
            self._pod_queue.add(pod["metadata"]["uid"])
            # Mark the addresses of running pods as allocated.
            if (ip := pod.get("status", {}).get("podIP", host.ip)) != host.ip:
                host.pods.keep(ip)
        return host

    def _record(self, host: Host, node: Mapping[str, Any], status: Object) -> None:
        if status != node.get("status"):
            node = self._client.update_status({**node, "status": status}, "nodes")
        host.take(node)

    def _check_memory(self, name: str) -> None:
        host = self._hosts.get(name)
        if host is None or name in self._failed:
            return
        workers = [self._workers[uid] for uid in host.workers]
        finding = self._memory.look(host, workers, self._clock.now())
        self._looks.set(name, None, finding.again)
        if finding.victim is not None:
            self._pod_queue.add(finding.victim.pod["metadata"]["uid"])
        self._record(host, host.node, finding.status)

    def _address(self, node: Object) -> str:
        for each in node.get("status", {}).get("addresses", ()):
            if each["type"] == "InternalIP":
                self._node_ips.keep(each["address"])
                return str(each["address"])
        return self._node_ips.take()

    def _pool(self, node: Object) -> AddressPool:
        cidr = node.get("spec", {}).get("podCIDR")
        try:
            return AddressPool(cidr) if cidr else self._pod_ips
        except ValueError as error:
            self._events.event(node, "Warning", "CIDRNotAvailable", f"podCIDR {cidr!r}: {error}")
            return self._pod_ips

    def _drop(self, host: Host) -> None:
        """Drop a deleted node and its containers."""
        for uid in list(host.workers):
            self._forget(uid, host.name)
        for pod in self._pods.by("node", host.name):
            # The pod exists until it is deleted, and keeps its address until then.
            self._find_address(pod)
        self._looks.set(host.name, None, None)
        self._memory.forget(host.name)
        self._node_ips.give(host.ip)
        # A later node of this name is another node.
        self._failed.discard(host.name)
        del self._hosts[host.name]

    def _forget(self, uid: UID, node: str) -> None:
        """Drop a pod that was removed from the node."""
        host = self._hosts.get(node)
        worker = self._workers.pop(uid, None)
        if self._refused.pop(uid, None) is not None:
            self._agenda.set(uid, None, None)
        if worker is not None:
            self._found_ips.pop(uid, None)
            self._agenda.set(uid, None, None)
            if host is not None and worker.ip != host.ip:
                host.pods.give(worker.ip)
        if host is not None:
            host.release(uid)
            # A deferred resize may be possible now.
            for other in host.deferred:
                self._pod_queue.add(other)

    def _sync_pod(self, uid: str) -> None:
        """Advance a pod to the current time."""
        pod = self._bound.get(uid)
        if pod is None:
            return
        host = self._hosts.get(pod["spec"]["nodeName"])
        if host is None or host.name in self._failed:
            return
        worker = self._workers.get(uid)
        now = self._clock.now()
        admitted = worker is None
        if worker is None:
            if has_ended(pod):
                self._finish_deletion(pod)
                return
            worker = self._admit(host, pod, now)
            if worker is None:
                return
        changed = pod["spec"] is not worker.pod["spec"]
        worker.take(pod)
        if changed or (worker.resize is not None and not admitted):
            self._resize(host, worker, now)
        worker.sync(now)
        reported = not worker.unnoticed(now) and self._report(worker, now)
        if reported and (host.measured or host.under_pressure):
            self._memory_queue.add(host.name)
        if worker.over:
            self._forget(UID(uid), host.name)
            self._finish_deletion(worker.pod)
        else:
            self._agenda.set(uid, worker.foreground, worker.background)

    def _admit(self, host: Host, pod: Object, now: datetime) -> PodWorker | None:
        """Admit or refuse a new pod; a pod that ran before the agent was started is admitted."""
        uid, status = pod["metadata"]["uid"], pod.get("status", {})
        needs = self._needs.of(pod["spec"])
        if "startTime" not in status:
            refused = self._refused.get(uid)
            if refused is None and (reason := host.admit(pod, needs)) is not None:
                refused = self._refused[uid] = later(now, REFUSAL_DELAY), reason
            if refused is not None:
                self._refuse(pod, *refused, now)
                return None
        try:
            ip = self._pod_ip(host, pod)
        except LookupError as full:
            message = f"Failed to create pod sandbox: {full}"
            self._events.event(pod, "Warning", "FailedCreatePodSandBox", message)
            self._agenda.set(uid, None, now + FIRST)
            return None
        host.occupy(uid, needs)
        if self._runtime.measures(pod):
            host.measured.add(uid)
        reports = Reports(self._events, pod, starts=self._start_events)
        if problem := self._runtime.configuration_error(pod):
            reports.warn("InvalidBehaviour", problem)
        worker = PodWorker(pod, host.ip, ip, self._runtime, reports, now)
        self._workers[uid] = worker
        if worker.resizing:
            # The agents were restarted: the resize is checked once they know all pods of the node.
            host.release(uid)
            host.occupy(uid, self._needs.of(granted_spec(pod["spec"], worker.containers)))
            worker.resize = worker.resize or Rejection("Deferred", "")
            self._pod_queue.add(uid)
        return worker

    def _resize(self, host: Host, worker: PodWorker, now: datetime) -> None:
        """Allocate the resources of a running pod's resize, if the node has them."""
        uid = worker.pod["metadata"]["uid"]
        if worker.resizing and uid in host.workers:
            worker.resize = host.resize(uid, self._needs.of(worker.pod["spec"]))
            if worker.resize is None:
                worker.grant(now)
        else:
            worker.resize = None
        (host.deferred.discard if worker.resize is None else host.deferred.add)(uid)

    def _refuse(self, pod: Object, due: datetime, reason: Rejection, now: datetime) -> None:
        """Set a pod that its node does not admit to Failed, once it is due."""
        uid = pod["metadata"]["uid"]
        if now < due and "deletionTimestamp" not in pod["metadata"]:
            self._agenda.set(uid, due, None)
            return
        status = rejected(pod, *reason, now)
        written = self._client.update_status({**pod, "status": status}, "pods")
        self._events.event(pod, "Warning", *reason)
        del self._refused[uid]
        self._finish_deletion(written)

    def _pod_ip(self, host: Host, pod: Object) -> str:
        if pod["spec"].get("hostNetwork"):
            return host.ip
        known: str | None = pod.get("status", {}).get("podIP")
        return known or host.pods.take()

    def _report(self, worker: PodWorker, now: datetime) -> bool:
        """Write a pod's status; return whether it changed."""
        status = worker.status(now)
        if status == worker.pod.get("status"):
            return False
        written = self._client.update_status({**worker.pod, "status": status}, "pods")
        self._bound[written["metadata"]["uid"]] = written
        worker.take(written)
        return True

    def _finish_deletion(self, pod: Object) -> None:
        """Delete a terminated pod from the API with grace period 0."""
        metadata = pod["metadata"]
        namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]
        if not metadata.get("deletionGracePeriodSeconds"):
            return
        deleted = self._client.delete("pods", namespace, name, uid=uid, grace_seconds=0)
        if not deleted and (live := self._pods.get(namespace, name)) and live["metadata"]["uid"] == uid:
            # It was changed concurrently.
            self._pod_queue.retry(uid)


def _retrying(queue: WorkQueue[str], key: str, work: Callable[[str], None]) -> None:
    try:
        work(key)
    except StatusError:
        queue.retry(key)
    except Exception:
        # An error with one pod or node must not affect the others.
        _log.exception("node agents: failed on %s; tried again after a back-off", key)
        queue.retry(key)
    else:
        queue.forget(key)


def _version(obj: Object) -> int:
    return int(obj["metadata"]["resourceVersion"])
