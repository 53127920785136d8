"""The node lifecycle controller: detects missing heartbeats, and taints nodes by their conditions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kschedcore.api.machinery.conditions import is_true
from kschedcore.api.machinery.frozen import plain
from kschedcore.api.machinery.times import later, timestamp
from kschedcore.api.machinery.types import CLUSTER_SCOPE, Object
from kschedcore.client.informer import Change, by_node, key_of
from kschedcore.controllers.controller import Context, Controller, Key, Requeue, Watch, watch_objects
from kschedcore.controllers.nodelifecycle.health import (
    NOT_READY,
    UNREACHABLE,
    condition_taints,
    eviction_taint,
    is_ready,
    last_heartbeat,
    ready_status,
    silent_conditions,
    with_taints,
)
from kschedcore.controllers.nodelifecycle.zones import EvictionRates
from kschedcore.nodes.heartbeats import IMPLIED, LEASE_NAMESPACE

__all__ = ["NodeLifecycleController"]

MONITOR_PERIOD = timedelta(seconds=5)
"""Interval of retries of work that cannot be done yet."""

_LEASES = "leases.coordination.k8s.io"


class NodeLifecycleController(Controller):
    """Sets conditions of nodes without heartbeats, taints by conditions, and the readiness of pods there."""

    name = "node-lifecycle-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._rates = EvictionRates(self._is_alive)
        self.informers["pods"].add_index("node", by_node)

    def watches(self) -> Iterable[Watch]:
        """Return nodes, their leases, and pods on nodes that are not ready."""
        return watch_objects("nodes"), Watch(_LEASES, _by_node_lease), Watch("pods", self._late)

    def _late(self, change: Change) -> Iterable[Key]:
        """Return the node of a ready pod whose node is not ready."""
        pod = change.new
        if pod is None or not pod["spec"].get("nodeName") or not is_true(pod, "Ready"):
            return ()
        node = self.informers["nodes"].seen(CLUSTER_SCOPE, pod["spec"]["nodeName"])
        return () if node is None or is_ready(node) else (key_of(node),)

    def reconcile(self, key: Key) -> Requeue | None:
        """Reconcile one node."""
        node = self.informers["nodes"].get(*key)
        if node is None:
            return None
        now, silent_at = self.clock.now(), self._silent_at(node)
        if now >= silent_at and ready_status(node) != "Unknown":
            node = self._silent(node, now)
        if ready_status(node) in ("False", "Unknown"):
            self._unready_pods(node)
        again = self._taint(node, now)
        if now < silent_at and not _implied(self._lease(node)):
            again = silent_at if again is None else min(again, silent_at)
        return None if again is None else Requeue(again, background=True)

    def _lease(self, node: Object) -> Object | None:
        return self.informers[_LEASES].get(LEASE_NAMESPACE, node["metadata"]["name"])

    def _silent_at(self, node: Object) -> datetime:
        """Return when the node becomes unknown unless a heartbeat arrives before."""
        heartbeat, grace = last_heartbeat(node, self._lease(node), self.clock.now())
        return later(heartbeat, grace)

    def _is_alive(self, node: Object) -> bool:
        return is_ready(node) and self.clock.now() < self._silent_at(node)

    def _silent(self, node: Object, now: datetime) -> Object:
        status = {**node.get("status", {}), "conditions": silent_conditions(node, now)}
        if is_ready(node):
            name = node["metadata"]["name"]
            self.events.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        return self.client.update_status({**node, "status": status}, "nodes")

    def _unready_pods(self, node: Object) -> None:
        """Mark the pods of an unreachable node as not ready."""
        for pod in self.informers["pods"].by("node", node["metadata"]["name"]):
            if not is_true(pod, "Ready"):
                continue
            status = plain(pod["status"])
            for condition in status["conditions"]:
                if condition["type"] == "Ready":
                    condition["status"], condition["reason"] = "False", "NodeNotReady"
                    condition["lastTransitionTime"] = timestamp(self.clock.now())
            self.client.update_status({**pod, "status": status}, "pods")
            self.events.event(pod, "Warning", "NodeNotReady", "Node is not ready")

    def _taint(self, node: Object, now: datetime) -> datetime | None:
        """Update the taints; return when to continue if the node is rate-limited."""
        wanted, again = eviction_taint(node), None
        if wanted is not None:
            nodes = self.informers["nodes"].all()
            if self._rates.is_cut_off(nodes):
                wanted, again = None, now + MONITOR_PERIOD
            elif not _is_given_up(node):
                due = self._rates.next(node, nodes, now)
                if due is None or due > now:
                    wanted, again = None, due or now + MONITOR_PERIOD
                else:
                    self._rates.spend(node, nodes, now)
        taints = with_taints(node, condition_taints(node), wanted, now)
        if taints != node["spec"].get("taints", []):
            metadata = node["metadata"]
            # Conditional on this version, since other clients write taints too.
            patch = {
                "metadata": {"resourceVersion": metadata["resourceVersion"]},
                "spec": {"taints": taints or None},
            }
            self.client.patch("nodes", CLUSTER_SCOPE, metadata["name"], patch)
        return again


def _is_given_up(node: Object) -> bool:
    keys = {taint["key"] for taint in node["spec"].get("taints", ()) if taint["effect"] == "NoExecute"}
    return bool(keys & {NOT_READY, UNREACHABLE})


def _implied(lease: Object | None) -> bool:
    return lease is not None and IMPLIED in lease["metadata"].get("annotations", {})


def _by_node_lease(change: Change) -> Iterable[Key]:
    metadata = change.object["metadata"]
    if metadata["namespace"] != LEASE_NAMESPACE or (
        change.old is not None and change.new is not None and (_implied(change.old) == _implied(change.new))
    ):
        # A renewal only postpones a check that is scheduled already.
        return ()
    return (("", metadata["name"]),)
