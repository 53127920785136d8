"""Invariants of scheduling and binding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kschedcore.api.machinery.types import CLUSTER_SCOPE, DEFAULT_NAMESPACE, Object
from kschedcore.api.objects import Pod, PodSpec, decode
from kschedcore.api.phases import has_ended
from kschedcore.api.quantity import milli_value, value
from kschedcore.chaos.cluster import ChaosCluster, Process
from kschedcore.chaos.invariants.base import Invariant
from kschedcore.chaos.writes import Objects, Write
from kschedcore.client.informer import Informers
from kschedcore.client.verbs import Client
from kschedcore.clock import SimulatedClock
from kschedcore.cluster.controlplane import SCHEDULER
from kschedcore.controllers.controller import Context
from kschedcore.rules.amounts import pod_requests
from kschedcore.scheduler.loop import Scheduler

__all__ = [
    "AllPendingPodsAreQueued",
    "EngineEqualsStore",
    "NoNodeIsOvercommitted",
    "NoPendingPodWouldFit",
    "PodsAreBoundOnce",
    "QueueHoldsOnlyWaitingPods",
]


def _requests(pod: Object) -> Counter[str]:
    return Counter({"pods": 1, **pod_requests(decode(PodSpec, pod["spec"]))})


def _on(node: str, objects: Objects) -> Counter[str]:
    """Return the total requests of the unfinished pods on a node."""
    total: Counter[str] = Counter()
    for pod in objects.get("pods", {}).values():
        if pod["spec"].get("nodeName") == node and not has_ended(pod):
            total += _requests(pod)
    return total


class NoNodeIsOvercommitted(Invariant):
    """The requests of the pods on a node stay within its allocatable (plugin ``NodeResourcesFit``)."""

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:
        """Check bindings."""
        if write.resource != "pods" or write.new is None or not _was_bound(write):
            return
        name = write.new["spec"]["nodeName"]
        node = objects["nodes"].get((CLUSTER_SCOPE, name))
        if node is None:
            return
        allocatable = node.get("status", {}).get("allocatable", {})
        for resource, requested in _on(name, objects).items():
            amount = allocatable.get(resource, "0")
            there = milli_value(amount) if resource == "cpu" else value(amount)
            if requested > there:
                yield f"node {name}: {resource} requested {requested}, allocatable {there}, after {write}"


class PodsAreBoundOnce(Invariant):
    """The node of a bound pod never changes."""

    def on_write(self, write: Write, objects: Objects) -> Iterator[str]:  # noqa: ARG002
        """Check changes of ``spec.nodeName``."""
        if write.resource != "pods" or write.old is None or write.new is None:
            return
        before, now = (each["spec"].get("nodeName") for each in (write.old, write.new))
        if before and before != now:
            yield f"from {before} to {now}: {write}"


def _was_bound(write: Write) -> bool:
    assert write.new is not None
    return bool(write.new["spec"].get("nodeName")) and not (write.old and write.old["spec"].get("nodeName"))


def _is_current_scheduler(component: str, process: Process) -> bool:
    """Whether the component is the scheduler and has received all events."""
    if component != "scheduler" or process.transport.is_stale:
        return False
    process.informers.sync()
    return not process.transport.is_stale


class EngineEqualsStore(Invariant):
    """The engine has the nodes of the store, with the same requested amounts.

    In a settled cluster all columns are compared with those of a newly started scheduler.
    """

    def __init__(self) -> None:
        self._changed = True

    def on_write(self, write: Write, objects: Objects) -> Iterable[str]:  # noqa: ARG002
        """Remember whether nodes or pods changed."""
        self._changed |= write.resource in ("nodes", "pods")
        return ()

    def on_step(self, component: str, process: Process, objects: Objects) -> Iterable[str]:
        """Check the scheduler."""
        if not self._changed or not _is_current_scheduler(component, process):
            return ()
        self._changed = False
        scheduler = process.components[component]
        assert isinstance(scheduler, Scheduler)
        return self._differences(scheduler, objects)

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterable[str]:
        """Compare the scheduler with a newly started one."""
        yield from self._differences(cluster.scheduler, objects)
        with _new_scheduler(cluster) as fresh:
            ours, theirs = _rows(cluster.scheduler), _rows(fresh)
        for name in sorted(ours.keys() & theirs.keys()):
            for column in sorted(ours[name].keys() | theirs[name].keys()):
                found, expected = ours[name].get(column), theirs[name].get(column)
                if found != expected:
                    yield f"node {name}: {column} is {found}, and {expected} in a new scheduler"

    @staticmethod
    def _differences(scheduler: Scheduler, objects: Objects) -> Iterator[str]:
        rows = _rows(scheduler)
        there = {name for _, name in objects.get("nodes", {})}
        if rows.keys() != there:
            yield f"the engine has nodes {sorted(rows)}, the store {sorted(there)}"
        for name in sorted(rows.keys() & there):
            stored = _on(name, objects)
            requested = {
                column.removeprefix("requested/"): amount
                for column, amount in rows[name].items()
                if column.startswith("requested/")
            }
            for resource in sorted(requested.keys() | stored.keys()):
                if requested.get(resource, 0) != stored[resource]:
                    yield (
                        f"node {name}: {resource} requested is {requested.get(resource, 0)} in the engine "
                        f"and {stored[resource]} in the store"
                    )


def _rows(scheduler: Scheduler) -> dict[str, dict[str, Any]]:
    """Return the non-zero values of the engine's node columns, by node."""
    rows = scheduler.engine.nodes().to_pylist()
    return {row["name"]: {column: found for column, found in row.items() if found} for row in rows}


@contextmanager
def _new_scheduler(cluster: ChaosCluster) -> Iterator[Scheduler]:
    """A newly started scheduler that schedules nothing."""
    informers = Informers(cluster.server)
    client = Client(cluster.server.internal, SCHEDULER)
    fresh = cluster.new_scheduler(Context(client, informers, SimulatedClock(cluster.clock.now())))
    yield fresh
    fresh.close()


class QueueHoldsOnlyWaitingPods(Invariant):
    """Queue and nominations contain only existing, unfinished pods without a node."""

    def on_step(self, component: str, process: Process, objects: Objects) -> Iterator[str]:
        """Check the scheduler."""
        if not _is_current_scheduler(component, process):
            return
        scheduler = process.components[component]
        assert isinstance(scheduler, Scheduler)
        waiting = {
            key: pod["metadata"]["uid"]
            for key, pod in objects.get("pods", {}).items()
            if not pod["spec"].get("nodeName") and not has_ended(pod)
        }
        for queued in scheduler.pending:
            metadata = queued.pod.metadata
            key = metadata.namespace or DEFAULT_NAMESPACE, metadata.name
            if waiting.get(key) != metadata.uid:
                yield f"queued: {metadata.namespace}/{metadata.name}, uid {metadata.uid}"
        for (namespace, name), node in scheduler.engine.nominations.items():
            if (namespace, name) not in waiting:
                yield f"nominated to {node}: {namespace}/{name}"


class AllPendingPodsAreQueued(Invariant):
    """Every pod that waits for a node is in the queue."""

    def on_step(self, component: str, process: Process, objects: Objects) -> Iterator[str]:
        """Check the scheduler."""
        if not _is_current_scheduler(component, process):
            return
        scheduler = process.components[component]
        assert isinstance(scheduler, Scheduler)
        queued = {each.pod.metadata.uid for each in scheduler.pending}
        for pod in _pending(objects):
            is_ours = (
                pod["spec"].get("schedulerName", "default-scheduler") in scheduler.engine.scheduler_names
            )
            if is_ours and pod["metadata"]["uid"] not in queued:
                yield f"not queued: {pod['metadata']['namespace']}/{pod['metadata']['name']}"


class NoPendingPodWouldFit(Invariant):
    """In a settled cluster a newly started scheduler finds no node for any waiting pod."""

    def at_rest(self, cluster: ChaosCluster, objects: Objects) -> Iterator[str]:
        """Let a new scheduler decide about the waiting pods."""
        waiting = _pending(objects)
        if not waiting:
            return
        with _new_scheduler(cluster) as fresh:
            for pod in waiting:
                decision = fresh.engine.decide(decode(Pod, pod))
                name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
                if decision.node is not None:
                    yield f"{name} waits, and fits on {decision.node}"
                elif decision.nominated_node is not None:
                    yield f"{name} waits, and could preempt on {decision.nominated_node}"


def _pending(objects: Objects) -> list[Object]:
    return [
        pod
        for pod in objects.get("pods", {}).values()
        if not pod["spec"].get("nodeName")
        and not has_ended(pod)
        and not pod["metadata"].get("deletionTimestamp")
        and not pod["spec"].get("schedulingGates")
    ]
