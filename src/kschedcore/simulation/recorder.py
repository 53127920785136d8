"""Records a simulation: pods, events and samples as rows, and totals."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from kschedcore.api.machinery.conditions import condition_of, is_true
from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.api.objects import PodSpec
from kschedcore.api.objects.decoding import decode
from kschedcore.api.phases import has_ended
from kschedcore.api.quantity import milli_value, value
from kschedcore.client.informer import controller_of
from kschedcore.cluster import Cluster
from kschedcore.rules.amounts import pod_requests
from kschedcore.simulation.availability import Availability
from kschedcore.simulation.capacity import Capacity
from kschedcore.simulation.rows import EventRow, PodRow, Rows, SampleRow
from kschedcore.simulation.steps import ZONE
from kschedcore.simulation.totals import Totals

__all__ = ["QUOTA", "Recorder"]

QUOTA = "exceeded quota"
"""Text that identifies refusals by a quota, in responses and in events."""

_OWNED = frozenset({"ReplicaSet", "Job"})
"""Kinds whose objects may themselves have a controller."""

_WORKLOADS = ("deployments", "statefulsets", "replicasets", "replicationcontrollers", "daemonsets")

_ONE_BY_ONE = ("Pod/", "Job/")
"""Kinds without availability: their pods come and go one by one, in any number."""


class _Bound(NamedTuple):
    """An accounted pod with its spec at that time, since it may be resized in place."""

    node: str
    spec: Object
    requests: dict[str, int]


class Recorder:
    """Records a cluster. Its memory grows with the size of the cluster, not with time.

    Args:
        cluster: The cluster; its existing objects are recorded at once.

    Attributes:
        rows: Finished pods, in the order in which they finished; other rows in the order of time.
        totals: Running totals of the run.
        live: Unfinished pods, by uid, in the order in which they were created.
        apps: Availability by namespace and app.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._capacity = Capacity()
        self._bound: dict[str, _Bound] = {}
        self._nodes: dict[str, tuple[str, bool]] = {}
        self._counts: dict[str, int] = {}
        self._changed = True
        self._over: set[str] = set()
        self.rows = Rows()
        self.totals = Totals()
        self.live: dict[str, PodRow] = {}
        self.apps: dict[tuple[str, str], Availability] = {}
        kinds = ("nodes", *_WORKLOADS, "pods", "events")
        self._watches = {kind: cluster.watch(kind, all_namespaces=True) for kind in kinds}
        for kind in kinds:
            for obj in cluster.list(kind, all_namespaces=True):
                self._take(kind, "ADDED", obj)

    def look(self) -> None:
        """Read the events since the last call; cheap if there are none."""
        for kind, watch in self._watches.items():
            for event in watch.poll():
                self._take(kind, event.type, event.object)

    def sample(self, time: datetime) -> None:
        """Take a sample of every zone and resource as of a time, unless unchanged since the last."""
        if self._changed:
            for each in self._capacity.samples():
                row = SampleRow(
                    time, each.zone, each.resource, each.allocatable, each.requested, each.stranded
                )
                self.rows.add("samples", row)
                self.totals.sampled(row)
            self._changed = False

    def finish(self) -> None:
        """Account for the time up to now, and record the unfinished pods, the oldest first."""
        self.look()
        self.sample(self._cluster.now())
        for app in self.apps.values():
            app.advance(self._cluster.now())
        for row in self.live.values():
            self.rows.add("pods", row)

    def stepped(self, message: str) -> None:
        """Record the effect of a step of the scenario."""
        for line in message.splitlines():
            self._record("Step", message=line)

    def refused(self, kind: str, namespace: str, name: str, message: str, times: int = 1) -> None:
        """Record that a quota refused an object."""
        self.totals.quota_refusals += times
        self._record("QuotaRefused", namespace, f"{kind}/{name}", message=message)

    def _record(self, event: str, namespace: str = "", obj: str = "", **more: str) -> None:
        self.rows.add("events", EventRow(self._cluster.now(), event, namespace, obj, **more))

    def _take(self, kind: str, change: str, obj: Object) -> None:
        gone = change == "DELETED"
        if kind == "pods":
            self._on_pod(obj, gone=gone)
        elif kind == "nodes":
            self._on_node(obj, gone=gone)
        elif kind == "events":
            self._on_event(obj, gone=gone)
        elif controller_of(obj) is None:
            self._on_workload(obj, gone=gone)

    def _on_node(self, node: Object, *, gone: bool) -> None:
        name = node["metadata"]["name"]
        self._changed = True
        known = self._nodes.get(name)
        if gone:
            self._capacity.remove_node(name)
            self._nodes.pop(name, None)
            self._record("NodeNotReady", obj=f"Node/{name}", node=name, reason="Deleted")
            return
        zone = node["metadata"].get("labels", {}).get(ZONE, "")
        ready = is_true(node, "Ready")
        allocatable = node.get("status", {}).get("allocatable", {})
        amounts = {each: _units(each, text) for each, text in allocatable.items()}
        usable = ready and not node["spec"].get("unschedulable", False)
        self._capacity.set_node(name, zone, amounts, usable=usable)
        self._nodes[name] = (zone, ready)
        if known is not None and known[1] != ready:
            self._record("NodeReady" if ready else "NodeNotReady", obj=f"Node/{name}", node=name)

    def _on_workload(self, workload: Object, *, gone: bool) -> None:
        name = f"{workload['kind']}/{workload['metadata']['name']}"
        replicas = 0 if gone else _replicas(workload)
        app = self._app(workload["metadata"]["namespace"], name)
        if app.desired != replicas:
            app.want(replicas, self._cluster.now())

    def _on_event(self, event: Object, *, gone: bool) -> None:
        uid, count = event["metadata"]["uid"], event.get("count") or 1
        if gone:
            self._counts.pop(uid, None)
        elif QUOTA in (event.get("message") or ""):
            more = count - self._counts.get(uid, 0)
            self._counts[uid] = count
            if more > 0:
                about = event["involvedObject"]
                namespace = about.get("namespace", "")
                self.refused(about["kind"], namespace, about["name"], event["message"], more)

    def _on_pod(self, pod: Object, *, gone: bool) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._over:
            if gone:
                self._over.discard(uid)
            return
        row = self._row(pod)
        over = gone or has_ended(pod)
        self._place(row, pod, over=over)
        row.phase = pod.get("status", {}).get("phase", row.phase)
        ready = not over and is_true(pod, "Ready")
        if ready and row.ready is None:
            row.ready = self._cluster.now()
        self._disrupt(row, *_disruption(pod))
        if not row.app.startswith(_ONE_BY_ONE):
            self._app(row.namespace, row.app).set_ready(uid, ready=ready, now=self._cluster.now())
        if over:
            self._end(row, "Deleted" if not has_ended(pod) else row.phase)
            if not gone:
                self._over.add(uid)

    def _disrupt(self, row: PodRow, reason: str, message: str) -> None:
        if reason and not row.disruption:
            row.disruption = reason
            self.totals.disruptions[reason] += 1
            self._about(row, "Disrupted", reason, message)
            if not row.app.startswith(_ONE_BY_ONE):
                self._app(row.namespace, row.app).disrupted(reason)

    def _end(self, row: PodRow, reason: str) -> None:
        row.ended = self._cluster.now()
        self._about(row, "Ended", reason)
        self.totals.ended(row)
        self.rows.add("pods", row)
        del self.live[row.uid]

    def _place(self, row: PodRow, pod: Object, *, over: bool) -> None:
        node = pod["spec"].get("nodeName", "")
        if node and row.scheduled is None:
            row.scheduled, row.node = self._cluster.now(), node
            row.zone = self._nodes.get(node, ("", False))[0]
            self.totals.bound(row.scheduled - row.created)
            self._about(row, "Scheduled")
        known = self._bound.get(row.uid)
        if known is not None and (over or known.spec is not pod["spec"]):
            self._capacity.bind(known.node, known.requests, -1)
            del self._bound[row.uid]
            self._changed = True
            known = None
        if node and not over and known is None:
            bound = self._bound[row.uid] = _Bound(node, pod["spec"], self._requested(pod))
            self._capacity.bind(node, bound.requests)
            self._changed = True

    def _row(self, pod: Object) -> PodRow:
        metadata = pod["metadata"]
        row = self.live.get(metadata["uid"])
        if row is None:
            namespace, name = metadata["namespace"], metadata["name"]
            app = self._app_of(pod)
            row = PodRow(metadata["uid"], namespace, name, app, self._cluster.now())
            self.live[row.uid] = row
            self.totals.came()
            self._about(row, "Created")
        return row

    def _about(self, row: PodRow, event: str, reason: str = "", message: str = "") -> None:
        obj = f"Pod/{row.name}"
        self._record(event, row.namespace, obj, app=row.app, node=row.node, reason=reason, message=message)

    def _app_of(self, pod: Object) -> str:
        """Return a pod's workload: its controller, or the controller's controller."""
        name, owner = f"Pod/{pod['metadata']['name']}", controller_of(pod)
        while owner is not None:
            name = f"{owner['kind']}/{owner['name']}"
            if owner["kind"] not in _OWNED:
                break
            try:
                found = self._cluster.get(name.lower(), namespace=pod["metadata"]["namespace"])
            except StatusError:
                break
            owner = controller_of(found)
        return name

    def _app(self, namespace: str, name: str) -> Availability:
        app = self.apps.get((namespace, name))
        if app is None:
            app = self.apps[namespace, name] = Availability(self._cluster.now())
        return app

    def _requested(self, pod: Object) -> dict[str, int]:
        return {"pods": 1, **pod_requests(decode(PodSpec, pod["spec"]))}


def _replicas(workload: Object) -> int:
    """Return a workload's desired replicas; for a DaemonSet, the count in its status."""
    if workload["kind"] == "DaemonSet":
        return int(workload.get("status", {}).get("desiredNumberScheduled", 0))
    return int(workload["spec"].get("replicas", 1))


def _disruption(pod: Object) -> tuple[str, str]:
    found = condition_of(pod, "DisruptionTarget")
    if found is None or found["status"] != "True":
        return "", ""
    return found.get("reason", ""), found.get("message", "")


def _units(resource: str, text: str) -> int:
    return milli_value(text) if resource == "cpu" else value(text)
