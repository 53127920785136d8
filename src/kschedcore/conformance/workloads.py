"""The cluster that histories of workload controllers were recorded on: nodes, controllers and scripted agents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from kschedcore.api.machinery.types import CLUSTER_SCOPE, Namespace, Object
from kschedcore.conformance.agents import Agents, ImmediateDeletion
from kschedcore.conformance.clusters import RecordedCluster
from kschedcore.conformance.observations import observation
from kschedcore.controllers.registry import CONTROLLERS

__all__ = ["Workloads"]

_DISKS = {"node-a": "ssd", "node-b": "hdd", "node-c": "ssd", "node-d": "hdd"}
_CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "500"}
_LONGEST_BACKOFF = timedelta(hours=1)
"""Longer than any recorded back-off of a Job."""

_NOT_RUNNING = ("node-lifecycle-controller",)
"""The nodes were recorded without heartbeats, so the controller that reads them did not run."""


class Workloads(RecordedCluster):
    """A cluster of four nodes whose pods only change by controllers and in recorded steps.

    Args:
        namespace: The namespace that is observed.
    """

    def __init__(self, namespace: Namespace) -> None:
        controllers = [each for each in CONTROLLERS if each.name not in _NOT_RUNNING]
        super().__init__(namespace, [*controllers, ImmediateDeletion], _LONGEST_BACKOFF)
        client = self.plane.client
        self._agents = Agents(client.named("kubelet"), self.plane.informers, self.plane.clock, namespace)
        for name, disk in _DISKS.items():
            client.create("nodes", CLUSTER_SCOPE, _node(name, disk))
            # The node lifecycle controller would remove the taint that new nodes have.
            client.patch("nodes", CLUSTER_SCOPE, name, {"spec": {"taints": None}})
        self.settle()

    def act(self, actions: Mapping[str, Mapping[str, Any]]) -> None:
        """Perform the node agents' action of a recorded step."""
        for action, selection in actions.items():
            self._agents.act(action, selection)

    def observation(self) -> dict[str, Any]:
        """Return the statuses of workloads and the counts of pods once the controllers are idle."""
        self.settle()
        return observation(self.plane.informers, self.namespace)


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
