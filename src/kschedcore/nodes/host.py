"""The agent's state of a node: allocatable resources, the requests of its pods, and admission of pods.

The checks are kubelet's ``predicateAdmitHandler``: resources, then node affinity, host ports and NoExecute taints. A
pod is rejected with the first reason.
"""

from __future__ import annotations

from typing import NamedTuple

from kschedcore.api.machinery.types import UID, ReadOnlyObject
from kschedcore.api.objects import Node
from kschedcore.api.objects.views import view_of
from kschedcore.api.quantity import nanos, value
from kschedcore.api.resource_names import is_extended
from kschedcore.api.taints import find_untolerated
from kschedcore.nodes.addresses import AddressPool
from kschedcore.nodes.needs import Needs
from kschedcore.nodes.pressure import is_rejected_under_pressure
from kschedcore.rules.amounts import in_units

__all__ = ["Host", "Rejection"]

Port = tuple[str, str, int]

_EVERYWHERE = "0.0.0.0"
_FIRST = ("cpu", "memory", "ephemeral-storage")


class Rejection(NamedTuple):
    """The reason and message with which a node rejects a pod, as in the pod's status."""

    reason: str
    message: str


class Host:
    """One node.

    Args:
        node: The node object.
        ip: The node's address.
        pods: The pool of its pods' addresses.

    Attributes:
        workers: The needs of each pod, by uid.
        measured: The pods whose memory usage is checked.
        deferred: The pods that wait for a resize, by uid.
        under_pressure: Whether the node has the condition MemoryPressure.
    """

    __slots__ = (
        "_allocatable",
        "_labels",
        "_ports",
        "_taints",
        "_used",
        "deferred",
        "ip",
        "measured",
        "name",
        "node",
        "pods",
        "under_pressure",
        "workers",
    )

    def __init__(self, node: ReadOnlyObject, ip: str, pods: AddressPool) -> None:
        self.name: str = node["metadata"]["name"]
        self.ip = ip
        self.pods = pods
        self.workers: dict[UID, Needs] = {}
        self.measured: set[str] = set()
        self.deferred: set[str] = set()
        self._used: dict[str, int] = {}
        self._ports: list[Port] = []
        self.take(node)

    def take(self, node: ReadOnlyObject) -> None:
        """Update the node object."""
        self.node = node
        view = view_of(Node, node)
        allocatable = view.status.allocatable or view.status.capacity or {}
        self._allocatable = in_units({name: nanos(text) for name, text in allocatable.items()})
        self._labels = view.metadata.labels or {}
        self._taints = view.spec.taints or ()
        self.under_pressure = any(
            each.type == "MemoryPressure" and each.status == "True" for each in view.status.conditions or ()
        )

    @property
    def memory(self) -> int:
        """The memory capacity of the node, in bytes."""
        status = self.node.get("status", {})
        return value((status.get("capacity") or status.get("allocatable") or {}).get("memory", 0))

    def admit(self, pod: ReadOnlyObject, needs: Needs) -> Rejection | None:
        """Return why the node rejects a pod, or None."""
        if self.under_pressure and is_rejected_under_pressure(pod, needs.tolerations):
            return Rejection("Evicted", "The node had condition: [MemoryPressure]. ")
        return (
            self._short_of_resources(needs)
            or self._wrong_labels(needs)
            or self._taken_ports(needs)
            or self._intolerable(needs)
        )

    def occupy(self, uid: UID, needs: Needs) -> None:
        """Account a pod's needs."""
        self.workers[uid] = needs
        for name, amount in needs.requests.items():
            self._used[name] = self._used.get(name, 0) + amount
        self._ports += needs.ports

    def release(self, uid: UID) -> None:
        """Remove a pod's needs from the accounts."""
        self.measured.discard(uid)
        self.deferred.discard(uid)
        needs = self.workers.pop(uid, None)
        if needs is None:
            return
        for name, amount in needs.requests.items():
            self._used[name] -= amount
        for port in needs.ports:
            self._ports.remove(port)

    def resize(self, uid: UID, needs: Needs) -> Rejection | None:
        """Account the new needs of a running pod; return why the resize is not possible, or None.

        Returns:
            ``Infeasible`` if the node's capacity is too small, ``Deferred`` if other pods use it now.
        """
        own = self.workers[uid]
        for name, wanted in needs.requests.items():
            capacity, before = self._allocatable.get(name, 0), own.requests.get(name, 0)
            if wanted > max(capacity, before):
                message = f"{name}, requested: {wanted}, capacity: {capacity}"
                return Rejection("Infeasible", f"Node didn't have enough capacity: {message}")
            used = self._used.get(name, 0) - before
            if wanted > max(capacity - used, before):
                return Rejection("Deferred", _short(name, wanted, used, capacity).message)
        for name in {*own.requests, *needs.requests}:
            difference = needs.requests.get(name, 0) - own.requests.get(name, 0)
            self._used[name] = self._used.get(name, 0) + difference
        self.workers[uid] = needs
        return None

    def _short_of_resources(self, needs: Needs) -> Rejection | None:
        capacity, count = self._allocatable.get("pods", 0), len(self.workers)
        if count + 1 > capacity:
            return _short("pods", 1, count, capacity)
        requests = needs.requests
        names = [name for name in _FIRST if name in requests]
        names += sorted(name for name in requests if name not in _FIRST)
        for name in names:
            wanted, used, capacity = requests[name], self._used.get(name, 0), self._allocatable.get(name, 0)
            # An extended resource that the node does not have is allocated by another component.
            unknown = name not in self._allocatable and is_extended(name)
            if wanted and not unknown and wanted > capacity - used:
                return _short(name, wanted, used, capacity)
        return None

    def _wrong_labels(self, needs: Needs) -> Rejection | None:
        selected = all(self._labels.get(key) == value for key, value in needs.node_selector.items())
        if selected and (needs.required is None or needs.required.matches(self._labels, self.name)):
            return None
        return _failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")

    def _taken_ports(self, needs: Needs) -> Rejection | None:
        if not any(_clash(wanted, held) for wanted in needs.ports for held in self._ports):
            return None
        return _failed("NodePorts", "node(s) didn't have free ports for the requested pod ports")

    def _intolerable(self, needs: Needs) -> Rejection | None:
        if find_untolerated(self._taints, needs.tolerations, ("NoExecute",)) is None:
            return None
        return _failed("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def _short(name: str, wanted: int, used: int, capacity: int) -> Rejection:
    message = (
        f"Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, capacity: {capacity}"
    )
    return Rejection(f"OutOf{name}", message)


def _failed(plugin: str, why: str) -> Rejection:
    return Rejection(plugin, f"Predicate {plugin} failed: {why}")


def _clash(one: Port, other: Port) -> bool:
    if one[1:] != other[1:]:
        return False
    return one[0] == other[0] or _EVERYWHERE in (one[0], other[0])
