"""The cluster that controller histories were recorded in: nodes, controllers, and agents that do as they are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from kschedcore.api.machinery.status import StatusError
from kschedcore.api.machinery.types import Object
from kschedcore.cluster.controlplane import ControlPlane
from kschedcore.conformance.agents import Agents, Undertaker
from kschedcore.conformance.observations import observation
from kschedcore.controllers.controller import Controller
from kschedcore.controllers.registry import CONTROLLERS

__all__ = ["Workloads"]

_DISKS = {"node-a": "ssd", "node-b": "hdd", "node-c": "ssd", "node-d": "hdd"}
_CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "500"}
_LONG_ENOUGH = timedelta(hours=1)
"""Longer than any back-off of a Job that was recorded."""

_STEP = timedelta(seconds=2)
"""About as long as a step took: objects of different steps have different ages."""

_NOT_RECORDED = ("node-lifecycle-controller",)
"""Did not run in the recordings: no agent renewed the nodes' leases."""

_CONTROLLERS: tuple[type[Controller], ...] = (
    *(each for each in CONTROLLERS if each.name not in _NOT_RECORDED),
    Undertaker,
)


class Workloads:
    """A cluster of four nodes whose controllers work and whose pods do nothing of their own accord.

    Args:
        namespace: Where to observe.
    """

    def __init__(self, namespace: str) -> None:
        plane = ControlPlane()
        for controller in _CONTROLLERS:
            plane.add_controller(controller)
        self._server, self._clock, self._loop = plane.server, plane.clock, plane.loop
        self._agents = Agents(plane.client.named("kubelet"), plane.informers, plane.clock, namespace)
        self._namespace, self._informers = namespace, plane.informers
        for name, disk in _DISKS.items():
            plane.client.create("nodes", "", _node(name, disk))
            # Whoever judges nodes takes away the taint that new ones have.
            plane.client.patch("nodes", "", name, {"spec": {"taints": None}})
        self.settle()

    def request(self, request: Mapping[str, Any]) -> None:
        """Send a recorded request.

        Raises:
            StatusError: It was refused here, though recorded as granted.
        """
        method, path = request["method"], request["path"]
        content_type = request.get("contentType", "application/json")
        code, answer = self._server.request(method, path, request.get("body"), content_type, "tester/1.0")
        if code >= 400:
            raise StatusError(code, answer["reason"], f"{method} {path}: {answer['message']}")

    def act(self, deeds: Mapping[str, Mapping[str, Any]]) -> None:
        """Have the node agents do what a recorded step says."""
        for deed, which in deeds.items():
            self._agents.act(deed, which)

    def settle(self) -> None:
        """Let the controllers work until nothing changes any more."""
        self._loop.run_until_settled(_LONG_ENOUGH)
        self._loop.run_until(self._clock.now() + _STEP)

    def observation(self) -> dict[str, Any]:
        """What there is now, in the form of the recordings."""
        return observation(self._informers, self._namespace)


def _node(name: str, disk: str) -> Object:
    labels = {"kubernetes.io/hostname": name, "disk": disk}
    status = {
        "capacity": _CAPACITY,
        "allocatable": _CAPACITY,
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": status,
    }
