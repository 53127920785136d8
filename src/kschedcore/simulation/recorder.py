"""What happens in a simulation, as rows: pods, events and samples."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kschedcore.api.objects import PodSpec
from kschedcore.api.objects.decoding import decode
from kschedcore.api.phases import has_ended
from kschedcore.api.quantity import milli_value, value
from kschedcore.api.requests import pod_requests
from kschedcore.client.conditions import condition_of, is_true
from kschedcore.client.informer import controller_of
from kschedcore.cluster import Cluster
from kschedcore.simulation.availability import Availability
from kschedcore.simulation.capacity import Capacity
from kschedcore.simulation.steps import ZONE
from kschedcore.store.admission_types import Object, StatusError

__all__ = ["EventRow", "PodRow", "Recorder", "SampleRow"]

QUOTA = "exceeded quota"
"""How the API's refusals for a quota are told from others, here and in events."""

_OWNED = frozenset({"ReplicaSet", "Job"})
"""Kinds whose objects may have a controller of their own."""

_WORKLOADS = ("deployments", "statefulsets", "replicasets")


@dataclass(slots=True)
class PodRow:
    """One pod's life; times are None for what has not happened.

    Attributes:
        uid: The pod's.
        namespace: Its namespace.
        name: Its name.
        app: ``Kind/name`` of the workload that it is of at last; ``Pod/name`` for one that stands alone.
        node: Where it was bound.
        zone: That node's zone.
        phase: Its last phase.
        disruption: Why it was taken away, the reason of its condition ``DisruptionTarget``; empty if it was not.
        created: When it was.
        scheduled: When it was bound.
        ready: When it first was.
        ended: When it ended, or was gone.
    """

    uid: str
    namespace: str
    name: str
    app: str
    created: datetime
    node: str = ""
    zone: str = ""
    phase: str = "Pending"
    disruption: str = ""
    scheduled: datetime | None = None
    ready: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened.

    Attributes:
        time: When.
        type: ``Step``, ``Created``, ``Scheduled``, ``Ended``, ``Disrupted``, ``QuotaRefused``, ``NodeReady``,
            ``NodeNotReady``.
        namespace: Of the object.
        object: ``Kind/name``; empty for a step.
        app: The workload it is of.
        node: The node it is on.
        reason: Why, in a word.
        message: Why, for people.
    """

    time: datetime
    type: str
    namespace: str = ""
    object: str = ""
    app: str = ""
    node: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One :class:`kschedcore.simulation.capacity.Sample`, and its time."""

    time: datetime
    zone: str
    resource: str
    allocatable: int
    requested: int
    stranded: int


class Recorder:
    """Watches a cluster and writes down what happens.

    Args:
        cluster: Which one; what is there already is taken in at once.

    Attributes:
        pods: By uid, in the order in which they came.
        events: In the order in which they happened.
        samples: In the order of time, zone and resource.
        apps: Availability by namespace and app.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._capacity = Capacity()
        self._bound: dict[str, tuple[str, dict[str, int]]] = {}
        self._nodes: dict[str, tuple[str, bool]] = {}
        self._counts: dict[str, int] = {}
        self._changed = True
        self.pods: dict[str, PodRow] = {}
        self.events: list[EventRow] = []
        self.samples: list[SampleRow] = []
        self.apps: dict[tuple[str, str], Availability] = {}
        self.quota_refusals = 0
        kinds = ("nodes", *_WORKLOADS, "pods", "events")
        self._watches = {kind: cluster.watch(kind, all_namespaces=True) for kind in kinds}
        for kind in kinds:
            for obj in cluster.list(kind, all_namespaces=True):
                self._take(kind, "ADDED", obj)

    def look(self) -> None:
        """Take in what has happened since the last look; cheap when nothing has."""
        for kind, watch in self._watches.items():
            for event in watch.poll():
                self._take(kind, event.type, event.object)

    def sample(self) -> None:
        """Take a sample of every zone and resource, unless nothing changed since the last."""
        if self._changed:
            now = self._cluster.now()
            self.samples += [
                SampleRow(now, each.zone, each.resource, each.allocatable, each.requested, each.stranded)
                for each in self._capacity.samples()
            ]
            self._changed = False

    def finish(self) -> None:
        """Account for the time up to now."""
        self.look()
        self.sample()
        for app in self.apps.values():
            app.advance(self._cluster.now())

    def stepped(self, message: str) -> None:
        """Write down what a step of the scenario did."""
        now = self._cluster.now()
        self.events += [EventRow(now, "Step", message=line) for line in message.splitlines()]

    def refused(self, kind: str, namespace: str, name: str, message: str, times: int = 1) -> None:
        """Write down that a quota refused an object."""
        self.quota_refusals += times
        self._tell("QuotaRefused", namespace, f"{kind}/{name}", message=message)

    def _tell(self, event: str, namespace: str = "", obj: str = "", **more: str) -> None:
        self.events.append(EventRow(self._cluster.now(), event, namespace, obj, **more))

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
            self._tell("NodeNotReady", obj=f"Node/{name}", node=name, reason="Deleted")
            return
        zone = node["metadata"].get("labels", {}).get(ZONE, "")
        ready = is_true(node, "Ready")
        allocatable = node.get("status", {}).get("allocatable", {})
        amounts = {each: _units(each, text) for each, text in allocatable.items()}
        usable = ready and not node["spec"].get("unschedulable", False)
        self._capacity.set_node(name, zone, amounts, usable=usable)
        self._nodes[name] = (zone, ready)
        if known is not None and known[1] != ready:
            self._tell("NodeReady" if ready else "NodeNotReady", obj=f"Node/{name}", node=name)

    def _on_workload(self, workload: Object, *, gone: bool) -> None:
        name = f"{workload['kind']}/{workload['metadata']['name']}"
        replicas = 0 if gone else workload["spec"].get("replicas", 1)
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
        row = self._row(pod)
        now = self._cluster.now()
        over = gone or has_ended(pod)
        self._place(row, pod, over=over)
        row.phase = pod.get("status", {}).get("phase", row.phase)
        ready = not over and is_true(pod, "Ready")
        if ready and row.ready is None:
            row.ready = now
        reason, message = _disruption(pod)
        # What has ended loses nothing by being taken away.
        disrupted = bool(reason) and not row.disruption and row.ended is None
        if disrupted:
            row.disruption = reason
            self._about(row, "Disrupted", reason, message)
        if not row.app.startswith("Pod/"):
            app = self._app(row.namespace, row.app)
            app.set_ready(row.uid, ready=ready, now=now)
            if disrupted:
                app.disrupted(reason)
        if over and row.ended is None:
            row.ended = now
            self._about(row, "Ended", row.phase if has_ended(pod) else "Deleted")

    def _place(self, row: PodRow, pod: Object, *, over: bool) -> None:
        node = pod["spec"].get("nodeName", "")
        if node and row.scheduled is None:
            row.scheduled, row.node = self._cluster.now(), node
            row.zone = self._nodes.get(node, ("", False))[0]
            self._about(row, "Scheduled")
        if node and not over and row.uid not in self._bound:
            requests = self._requested(pod)
            self._bound[row.uid] = node, requests
            self._capacity.bind(node, requests)
            self._changed = True
        elif over and row.uid in self._bound:
            node, requests = self._bound.pop(row.uid)
            self._capacity.bind(node, requests, -1)
            self._changed = True

    def _row(self, pod: Object) -> PodRow:
        metadata = pod["metadata"]
        row = self.pods.get(metadata["uid"])
        if row is None:
            namespace, name = metadata["namespace"], metadata["name"]
            app = self._app_of(pod)
            row = PodRow(metadata["uid"], namespace, name, app, self._cluster.now())
            self.pods[row.uid] = row
            self._about(row, "Created")
        return row

    def _about(self, row: PodRow, event: str, reason: str = "", message: str = "") -> None:
        obj = f"Pod/{row.name}"
        self._tell(event, row.namespace, obj, app=row.app, node=row.node, reason=reason, message=message)

    def _app_of(self, pod: Object) -> str:
        """The workload that a pod is of: its controller, or that one's own."""
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


def _disruption(pod: Object) -> tuple[str, str]:
    found = condition_of(pod, "DisruptionTarget")
    if found is None or found["status"] != "True":
        return "", ""
    return found.get("reason", ""), found.get("message", "")


def _units(resource: str, text: str) -> int:
    return milli_value(text) if resource == "cpu" else value(text)
